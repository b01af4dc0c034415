"""What is said of parameters that come from nowhere, or that do not fit what they are named after."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from .scope import Scope
from .signatures import Signature
from .typerelation import Relation, members, relation, spell


def exception_types(options: Sequence[Any]) -> tuple[type[BaseException], ...]:
    """The exception types of an annotation that, but for None, names nothing else."""
    kinds = [option for option in options if option is not type(None)]
    if all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        return tuple(kinds)
    return ()


def misfit(what: str, name: str, annotation: Any, scope: Scope) -> list[str]:
    """The problem of a parameter that takes no value of the field or resource it is named after, if it is one."""
    if name in scope.resources:
        noun, declared = "resource", scope.resources[name]
    else:
        noun, declared = "field", scope.schema.fields[name].annotation
    judged = annotation is not inspect.Parameter.empty and (noun == "field" or isinstance(declared, type))
    if not judged or relation(annotation, declared) is not Relation.DISJOINT:
        return []
    return [
        f"{what}: parameter {name!r} is annotated {spell(annotation)}, but the {noun} is "
        f"{spell(declared)}; annotate it with the {noun}'s type or a part of it"
    ]


def unknown(what: str, name: str, told: Signature, scope: Scope) -> str:
    """The problem of a parameter that nothing is named after, and the likely reason."""
    head = f"{what}: parameter {name!r} is neither a field nor a resource and has no default"
    fields = filter(str.isidentifier, scope.schema.fields)
    known = f"fields: {', '.join(fields) or 'none'}"
    if scope.resources:
        known += f"; resources: {', '.join(scope.resources)}"
    annotation = told.hints.get(name)
    if name in told.unresolved:
        hint = (
            f"its annotation {told.unresolved[name]} cannot be resolved when the graph is compiled: "
            f"import it outside of TYPE_CHECKING"
        )
    elif getattr(annotation, "__name__", None) == scope.schema.model.__name__:
        hint = (
            f"it is annotated with another class {spell(annotation)} than this graph's: make the graph anew"
        )
    elif annotation is not None and exception_types(members(annotation)):
        hint = "it is annotated with an exception: lead an error edge here with graph.on_error(...)"
    elif name in ("self", "cls"):
        hint = "it is a method: add it bound to its object, as in graph.node(obj.method)"
    elif close := scope.like(name):
        hint = f"is {close!r} meant?"
    else:
        hint = "name it after what it reads, or give it a default"
    return f"{head} ({known}); {hint}"
