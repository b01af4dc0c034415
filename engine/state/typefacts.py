"""What a type tells about its values before there are any.

The state's values are stored as JSON, read back, and handed to several readers. One walk over an annotation says
whether that can work, whether each value must be checked for it, how values are copied, and what the type is as a
text that goes into a graph's digest.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import re
import types
import typing
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import pydantic
import typing_extensions
from pydantic import BaseModel

from .copiers import SCALARS, Copier, deep, each_item, each_value, model_copier, unless_none
from .typeparts import (
    alias_value,
    dataclass_parts,
    flat_marks,
    hinted_parts,
    is_constraint,
    mark_problem,
    mark_text,
    model_parts,
    name_of,
    refusal,
    substitute,
)

_FROZEN: Final = (
    *(
        bytes,
        complex,
        decimal.Decimal,
        fractions.Fraction,
        uuid.UUID,
        re.Pattern,
        zoneinfo.ZoneInfo,
        enum.Enum,
    ),
    *(datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath, int, str, float),
    *(ipaddress.IPv4Address, ipaddress.IPv4Interface, ipaddress.IPv4Network),
    *(ipaddress.IPv6Address, ipaddress.IPv6Interface, ipaddress.IPv6Network),
    *(pydantic.AwareDatetime, pydantic.NaiveDatetime),
)
_ABSTRACT: Final[Mapping[Any, Any]] = {
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
}
_COLLECTIONS: Final = (list, set, frozenset, collections.deque)
_MAPPINGS: Final = (dict, collections.defaultdict, collections.OrderedDict, collections.Counter)
Parts: typing.TypeAlias = Iterable[tuple[str, Any, str | None]]


class TypeFacts(NamedTuple):
    """What is known of a type.

    Attributes:
        text: The type as a text that is the same in every process. Records are written out with their fields, so
            that a change of a field shows; a field with a default is marked ``?``.
        problems: Why values cannot be stored and read back, one sentence each with what to do.
        exact: Whether every value certainly comes back as it was, so that none needs to be compared.
        scalar: Whether all values are str, int, float, bool or None.
        copier: How a value is copied for a reader; None when values are immutable.
    """

    text: str
    problems: tuple[str, ...] = ()
    exact: bool = False
    scalar: bool = False
    copier: Copier | None = None


def type_facts(annotation: Any) -> TypeFacts:
    """Look at an annotation. References in it must be resolved: no strings."""
    return _Walk(()).facts(annotation)


class _Walk:
    """One walk. `inside` are the classes and aliases being walked, so that a recursive type ends."""

    def __init__(self, inside: tuple[Any, ...]) -> None:
        self.inside = inside

    def facts(self, hint: Any) -> TypeFacts:
        origin, args = get_origin(hint), get_args(hint)
        if hint is None or hint is type(None):
            return TypeFacts("None", exact=True, scalar=True)
        if isinstance(hint, type) and hint in SCALARS:
            return TypeFacts(hint.__name__, exact=True, scalar=True)
        if hint is pydantic.JsonValue:
            return TypeFacts("JsonValue", copier=deep)
        if isinstance(hint, typing_extensions.TypeAliasType):
            return self.within(hint, alias_value(hint))
        if isinstance(origin, typing_extensions.TypeAliasType):
            names = dict(zip(origin.__type_params__, args, strict=False))
            return self.within(hint, substitute(alias_value(origin), names))
        if isinstance(hint, typing.NewType):
            return self.facts(hint.__supertype__)
        if origin is Annotated:
            return self.annotated(args[0], args[1:])
        if origin in (Union, types.UnionType):
            return self.union(args)
        if origin is Literal:
            return self.literal(args)
        refused = refusal(hint)
        if refused is not None:
            return TypeFacts(name_of(hint), (refused,), copier=deep)
        return self.built(hint, origin or hint, args)

    def within(self, alias: Any, hint: Any) -> TypeFacts:
        if alias in self.inside:
            return TypeFacts(name_of(alias), copier=deep)
        return _Walk((*self.inside, alias)).facts(hint)

    def annotated(self, hint: Any, marks: Sequence[Any]) -> TypeFacts:
        facts = self.facts(hint)
        every = list(flat_marks(marks))
        text = " & ".join([facts.text, *(shown for shown in map(mark_text, every) if shown)])
        found = (problem for problem in map(mark_problem, every) if problem is not None)
        narrowed = facts._replace(text=text, problems=(*facts.problems, *found))
        if all(map(is_constraint, every)):
            return narrowed
        return narrowed._replace(exact=False, scalar=False, copier=facts.copier or deep)

    def union(self, options: Sequence[Any]) -> TypeFacts:
        several = [self.facts(option) for option in options]
        others = [facts for facts in several if facts.text != "None"]
        copier = next((facts.copier for facts in others if facts.copier is not None), None)
        if copier is not None:
            copier = unless_none(copier) if len(others) == 1 else deep
        return TypeFacts(
            " | ".join(facts.text for facts in several),
            _problems(several),
            exact=len(others) == 1 and others[0].exact,
            scalar=all(facts.scalar for facts in several),
            copier=copier,
        )

    def literal(self, values: Sequence[Any]) -> TypeFacts:
        simple = all(type(value) in SCALARS for value in values)
        texts = (
            f"{type(value).__qualname__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)
            for value in values
        )
        return TypeFacts(f"Literal[{', '.join(texts)}]", exact=simple, scalar=simple)

    def built(self, hint: Any, origin: Any, args: Sequence[Any]) -> TypeFacts:
        concrete = _ABSTRACT.get(origin, origin)
        if concrete in _COLLECTIONS:
            return self.collection(name_of(origin), concrete, args, exact=origin is concrete)
        if concrete in _MAPPINGS:
            return self.mapping(name_of(origin), concrete, args, exact=origin is dict)
        if origin is tuple:
            return self.tuple(args)
        if not isinstance(origin, type):
            return _unknown(hint)
        if issubclass(origin, BaseModel):
            return self.record(hint, model_parts(hint), model=hint)
        if dataclasses.is_dataclass(origin):
            return self.record(hint, dataclass_parts(origin), frozen=origin.__dataclass_params__.frozen)  # type: ignore[attr-defined]
        if typing_extensions.is_typeddict(origin) or (
            issubclass(origin, tuple) and hasattr(origin, "_fields")
        ):
            return self.record(hint, hinted_parts(origin), frozen=issubclass(origin, tuple))
        if issubclass(origin, enum.Enum):
            members = ", ".join(f"{member.name}={member.value!r}" for member in origin)
            return TypeFacts(f"{name_of(origin)}({members})")
        return TypeFacts(name_of(hint)) if issubclass(origin, _FROZEN) else _unknown(hint)

    def collection(self, name: str, concrete: Any, args: Sequence[Any], *, exact: bool) -> TypeFacts:
        item = self.facts(args[0] if args else Any)
        copier: Copier | None = concrete
        if item.copier is not None:
            copier = each_item(concrete, item.copier)
        elif concrete is frozenset:
            copier = None
        if concrete is collections.deque or not exact:
            copier = (
                deep  # a deque's length limit is to be kept; an abstract type's values may be of any class
            )
        exact = exact and item.exact and concrete is not collections.deque
        return TypeFacts(f"{name}[{item.text}]", item.problems, exact=exact, copier=copier)

    def tuple(self, args: Sequence[Any]) -> TypeFacts:
        if len(args) == 2 and args[1] is Ellipsis:
            item = self.facts(args[0])
            copier = None if item.copier is None else each_item(tuple, item.copier)
            return TypeFacts(f"tuple[{item.text}, ...]", item.problems, exact=item.exact, copier=copier)
        items = [self.facts(arg) for arg in (args or (Any,))]
        return TypeFacts(
            f"tuple[{', '.join(item.text for item in items)}]",
            _problems(items),
            exact=all(item.exact for item in items),
            copier=deep if any(item.copier is not None for item in items) else None,
        )

    def mapping(self, name: str, concrete: Any, args: Sequence[Any], *, exact: bool) -> TypeFacts:
        of_values = int if concrete is collections.Counter else args[1] if len(args) > 1 else Any
        key, value = self.facts(args[0] if args else Any), self.facts(of_values)
        problems = _problems((key, value))
        if args and _is_compound(args[0]):
            problems = (
                *problems,
                f"keys of type {key.text} cannot be read back: use str keys, or a list of pairs",
            )
        copier: Copier = deep
        if concrete is dict and exact and key.copier is None:
            copier = dict if value.copier is None else each_value(value.copier)
        exact = exact and value.exact and key.text in ("str", "int")
        return TypeFacts(f"{name}[{key.text}, {value.text}]", problems, exact=exact, copier=copier)

    def record(
        self, hint: Any, parts: Parts, *, model: type[BaseModel] | None = None, frozen: bool = False
    ) -> TypeFacts:
        name = name_of(hint)
        if hint in self.inside:
            return TypeFacts(name, copier=deep)
        walk = _Walk((*self.inside, hint))
        texts: list[str] = []
        problems: list[str] = []
        copiers: dict[str, Copier] = {}
        for part, annotation, problem in parts:
            facts = walk.facts(annotation)
            texts.append(f"{part}: {facts.text}")
            found = facts.problems if problem is None else (problem, *facts.problems)
            problems.extend(f"{name}.{part.rstrip('?')}: {each}" for each in found)
            if facts.copier is not None:
                copiers[part.rstrip("?")] = facts.copier
        copier: Copier | None = deep if copiers or not frozen else None
        if model is not None:
            copier = model_copier(model, copiers)
        return TypeFacts(f"{name}({', '.join(texts)})", tuple(problems), copier=copier)


def _problems(several: Iterable[TypeFacts]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem for facts in several for problem in facts.problems))


def _is_compound(hint: Any) -> bool:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    origin = get_origin(hint) or hint
    if not isinstance(origin, type):
        return False
    return issubclass(origin, tuple | frozenset | BaseModel) or dataclasses.is_dataclass(origin)


def _unknown(hint: Any) -> TypeFacts:
    """A type that only pydantic can tell something of."""
    try:
        pydantic.TypeAdapter(hint)
    except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation, TypeError):
        told = f"pydantic does not know how to store {name_of(hint)}: use a model, or keep it out of the state as a resource"
        return TypeFacts(name_of(hint), (told,), copier=deep)
    return TypeFacts(name_of(hint), copier=deep)
