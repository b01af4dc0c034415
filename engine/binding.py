"""Where a function's parameters come from: fields, resources, the context, the whole state, an error.

One set of rules for nodes and conditions. A parameter annotated `Context` gets the context; one annotated with the
state's class the whole state; one annotated with an exception type, on a node that handles errors, the error; one
named like a resource that resource; one named like a field that field's value. Any other parameter must have a
default and is left alone, as is what a `functools.partial` has bound.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from .context import Context
from .fields import StateSchema
from .state import Snapshot
from .typerelation import Relation, relation, spell


class Source(Enum):
    """Where an argument comes from."""

    FIELD = "field"
    RESOURCE = "resource"
    CONTEXT = "context"
    STATE = "state"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Argument:
    """One bound parameter.

    Attributes:
        parameter: Its name.
        source: Where its value comes from.
        name: The field or resource it is named after, else "".
        annotation: What it is annotated with, or `inspect.Parameter.empty`.
        check: Checks the value where the annotation is narrower than the field.
        positional: Whether it can only be passed by position.
    """

    parameter: str
    source: Source
    name: str = ""
    annotation: Any = inspect.Parameter.empty
    check: TypeAdapter[Any] | None = None
    positional: bool = False


class ArgumentMismatchError(Exception):
    """A value does not fit the narrower annotation of a parameter."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A function with every parameter accounted for."""

    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    returns: Any
    is_async: bool
    _fields: tuple[tuple[str, str], ...] = field(init=False, repr=False)
    _others: tuple[Argument, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        easy = [
            a for a in self.arguments if a.source is Source.FIELD and a.check is None and not a.positional
        ]
        object.__setattr__(self, "_fields", tuple((a.parameter, a.name) for a in easy))
        object.__setattr__(self, "_others", tuple(a for a in self.arguments if a not in easy))

    @property
    def reads(self) -> frozenset[str]:
        """The fields the function reads, those of a whole state excepted."""
        return frozenset(a.name for a in self.arguments if a.source is Source.FIELD)

    @property
    def wants_context(self) -> bool:
        """Whether a parameter gets the context."""
        return any(a.source is Source.CONTEXT for a in self.arguments)

    def gather(
        self,
        snapshot: Snapshot,
        schema: StateSchema,
        *,
        resources: Mapping[str, Any],
        context: Context | None = None,
        errors: Sequence[BaseException] = (),
    ) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for a call on this snapshot.

        Raises:
            ArgumentMismatchError: A value does not fit a parameter that is narrower than its field.
        """
        keywords = {parameter: snapshot.read(name) for parameter, name in self._fields}
        positional: list[Any] = []
        for argument in self._others:
            value: Any
            match argument.source:
                case Source.FIELD:
                    value = _checked(argument, snapshot.read(argument.name))
                case Source.RESOURCE:
                    value = resources[argument.name]
                case Source.CONTEXT:
                    value = context
                case Source.STATE:
                    value = schema.build(snapshot)
                case Source.ERROR:
                    value = next(error for error in errors if isinstance(error, argument.annotation))
            if argument.positional:
                positional.append(value)
            else:
                keywords[argument.parameter] = value
        return positional, keywords


def bind(
    function: Callable[..., Any],
    schema: StateSchema,
    resources: Mapping[str, Any],
    *,
    what: str,
    handles: Sequence[type[BaseException]] = (),
) -> tuple[Binding, list[str]]:
    """Account for every parameter of `function`.

    Args:
        function: A function, method, callable object or partial.
        schema: The state.
        resources: Names of resources and their types.
        what: What to call the function in problems, such as ``node 'coder'``.
        handles: The error types that error edges bring to it.

    Returns:
        The binding, and what is wrong with it, a sentence each.
    """
    parameters, hints = signature(function, schema.model, resources)
    bound = _bound_by_partials(function)
    arguments: list[Argument] = []
    problems: list[str] = []
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in bound:
            continue
        annotation = hints.get(name, parameter.empty)
        positional = parameter.kind is parameter.POSITIONAL_ONLY
        argument = _argument(name, annotation, schema, resources, handles, positional=positional)
        if argument is None and parameter.default is parameter.empty:
            problems.append(_unknown(what, name, schema, resources))
        elif argument is not None:
            problems += _misfits(what, argument, schema)
            arguments.append(argument)
    returns = hints.get("return", inspect.Signature.empty)
    return Binding(function, tuple(arguments), returns, is_async(function)), problems


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; sees through partials and callable objects."""
    plain = _unwrapped(function)
    return inspect.iscoroutinefunction(plain) or inspect.iscoroutinefunction(getattr(plain, "__call__", None))  # noqa: B004 - the method itself is wanted


def signature(
    function: Callable[..., Any], model: type, resources: Mapping[str, Any]
) -> tuple[Mapping[str, inspect.Parameter], dict[str, Any]]:
    """Parameters and resolved annotations. An annotation that cannot be resolved is left out."""
    plain = _unwrapped(function)
    called = plain if inspect.isroutine(plain) else type(plain).__call__
    called = inspect.unwrap(getattr(called, "__func__", called))
    names: dict[str, Any] = {"Context": Context, model.__name__: model}
    names |= {kind.__name__: kind for kind in resources.values() if isinstance(kind, type)}
    if inspect.isfunction(called) and called.__closure__:
        cells = zip(called.__code__.co_freevars, called.__closure__, strict=True)
        names |= {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    hints: dict[str, Any] = {}
    try:
        hints = get_type_hints(called, localns=names, include_extras=True)
    except Exception:  # an annotation that only a type checker can resolve: judge the others
        for name, annotation in getattr(called, "__annotations__", {}).items():
            probe = type(
                "Probe", (), {"__annotations__": {name: annotation}, "__module__": called.__module__}
            )
            try:
                hints |= get_type_hints(probe, localns=names, include_extras=True)
            except Exception:  # noqa: S112 - not resolvable: it is not judged
                continue
    return inspect.signature(function).parameters, hints


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the test
    except ValueError:
        return False
    return True


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _bound_by_partials(function: Callable[..., Any]) -> set[str]:
    names: set[str] = set()
    while isinstance(function, functools.partial):
        names |= set(function.keywords)
        function = function.func
    return names


def _argument(
    name: str,
    annotation: Any,
    schema: StateSchema,
    resources: Mapping[str, Any],
    handles: Sequence[type[BaseException]],
    *,
    positional: bool,
) -> Argument | None:
    if annotation is Context:
        return Argument(name, Source.CONTEXT, positional=positional)
    if annotation is schema.model:
        return Argument(name, Source.STATE, positional=positional)
    if isinstance(annotation, type) and issubclass(annotation, BaseException) and handles:
        return Argument(name, Source.ERROR, annotation=annotation, positional=positional)
    if name in resources:
        return Argument(name, Source.RESOURCE, name, annotation, positional=positional)
    if name in schema.fields:
        check = None
        declared = schema.fields[name].annotation
        if annotation is not inspect.Parameter.empty and relation(annotation, declared) is Relation.NARROWER:
            check = TypeAdapter(annotation)
        return Argument(name, Source.FIELD, name, annotation, check, positional)
    return None


def _misfits(what: str, argument: Argument, schema: StateSchema) -> list[str]:
    if argument.source is not Source.FIELD or argument.annotation is inspect.Parameter.empty:
        return []
    declared = schema.fields[argument.name].annotation
    if relation(argument.annotation, declared) is not Relation.DISJOINT:
        return []
    return [
        f"{what}: parameter {argument.parameter!r} is annotated {spell(argument.annotation)}, "
        f"but the field is {spell(declared)}; annotate it with the field's type or a part of it"
    ]


def _unknown(what: str, name: str, schema: StateSchema, resources: Mapping[str, Any]) -> str:
    known = f"fields: {', '.join(schema.fields)}"
    if resources:
        known += f"; resources: {', '.join(resources)}"
    return f"{what}: parameter {name!r} is neither a field nor a resource and has no default ({known})"


def _checked(argument: Argument, value: Any) -> Any:
    assert argument.check is not None or argument.positional
    if argument.check is None:
        return value
    try:
        argument.check.validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        raise ArgumentMismatchError(
            f"parameter {argument.parameter!r} wants {spell(argument.annotation)}, "
            f"but the field holds {_shown(value)} ({first})"
        ) from None
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
