"""What a node's return annotation says about the fields it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from inspect import Signature
from typing import Any, get_origin, is_typeddict

from pydantic import BaseModel

from ..definition import NodeSpec
from ..shown import listed
from ..state.fields import StateSchema
from ..state.typeparts import hinted_parts, model_parts
from .binding import Binding
from .typerelation import Relation, members, relation, spell


def return_problems(what: str, spec: NodeSpec, binding: Binding, schema: StateSchema) -> Iterator[str]:
    """Where the annotation and the fields cannot fit, one sentence each with what to do."""
    returns = binding.returns
    if returns is Signature.empty:
        return
    if isinstance(spec.writes, str):
        if spec.writes in schema.fields:
            yield from _misfit(what, "returns", returns, spec.writes, schema)
    elif not spec.writes:
        if relation(returns, None) is Relation.DISJOINT:
            yield f"{what} returns {spell(returns)}, but declares no field for it; add writes="
    else:
        for member in members(returns):
            yield from _record_problems(what, spec, member, schema)


def sure_writes(spec: NodeSpec, binding: Binding | None) -> frozenset[str]:
    """The fields a node writes whenever it succeeds.

    Of several fields those are written that the returned mapping or model sets: a `TypedDict` with keys that are
    not required, or a model with fields that have defaults, may leave some out. Where the annotation does not tell,
    all are taken to be written.
    """
    written = frozenset(spec.fields)
    if isinstance(spec.writes, str) or binding is None or binding.returns is Signature.empty:
        return written
    for member in members(binding.returns):
        parts = _parts(member)
        if parts is not None:
            written &= parts.keys()  # what may be left out is marked there, and so no field's name
    return written


def meant_writes(spec: NodeSpec, binding: Binding, schema: StateSchema) -> frozenset[str]:
    """The fields that a node may have been meant to write, where what it declares and returns is a problem."""
    unknown = _unknown_writes(spec, schema)
    if unknown:
        alike = [name for each in unknown for name in get_close_matches(each, schema.fields, n=1)]
        return frozenset(alike or schema.fields)
    returns = binding.returns
    if returns is Signature.empty:
        return frozenset()
    if isinstance(spec.writes, str) or not spec.writes:
        if not any(return_problems("", spec, binding, schema)):
            return frozenset()
        fitting = {name: relation(returns, field.update_annotation) for name, field in schema.fields.items()}
        return frozenset(name for name, fits in fitting.items() if fits is not Relation.DISJOINT)
    parts = [_hints(member) or {} for member in members(returns)]
    extra = {name for hints in parts for name in hints}.difference(spec.fields)
    return frozenset(extra.union(spec.fields)).intersection(schema.fields) if extra else frozenset()


def _unknown_writes(spec: NodeSpec, schema: StateSchema) -> list[str]:
    return [name for name in spec.fields if name not in schema.names]


def _record_problems(what: str, spec: NodeSpec, returns: Any, schema: StateSchema) -> Iterator[str]:
    """What is wrong with one member of the return annotation of a node that writes several fields."""
    hints = _hints(returns)
    if hints is None:
        if relation(returns, Mapping) is Relation.DISJOINT:
            yield (
                f"{what} writes several fields, so it returns a mapping, a TypedDict or a model, not {spell(returns)}; "
                f"for a single field write writes={next(iter(spec.writes))!r}"
            )
        return
    # A field that is misspelt in writes= is told there, not as what is returned too much.
    spared = schema.names if _unknown_writes(spec, schema) else ()
    if extra := [name for name in hints if name not in spec.fields and name not in spared]:
        yield f"{what} returns {listed(extra)}, which writes= does not name; add it there, or drop it"
    for name, hint in hints.items():
        if name in spec.fields and name in schema.fields:
            yield from _misfit(what, f"returns in {name!r}", hint, name, schema)


def _misfit(what: str, verb: str, given: Any, field: str, schema: StateSchema) -> Iterator[str]:
    accepted = schema.fields[field].update_annotation
    if relation(given, accepted) is Relation.DISJOINT:
        yield (
            f"{what} {verb} {spell(given)}, but field {field!r} takes {spell(accepted)}; "
            f"return that, or declare another field in writes="
        )


def _hints(returns: Any) -> dict[str, Any] | None:
    """Key or field to type."""
    parts = _parts(returns)
    return None if parts is None else {name.removesuffix("?"): hint for name, hint in parts.items()}


def _parts(returns: Any) -> dict[str, Any] | None:
    """Key or field to type, with a ``?`` after a name that may be left out; None for what is no such record."""
    origin = get_origin(returns) or returns
    if is_typeddict(origin):
        return {name: hint for name, hint, _ in hinted_parts(origin)}
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return {name: hint for name, hint, _ in model_parts(origin)}
    return None
