"""What an annotation tells about its values, before there are any.

The state's values are stored as JSON, decoded again, and handed to several readers. For a type this says, by walking
its annotation once: its name as a stable text, whether it can survive that round trip, whether the round trip needs a
check at each value, and how a value is copied for a reader.
"""

from __future__ import annotations

import collections.abc
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import ipaddress
import pathlib
import re
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

import annotated_types
import pydantic
import typing_extensions
from pydantic.fields import FieldInfo

Copier: TypeAlias = Callable[[Any], Any]

SCALARS: Final = frozenset({str, int, float, bool, type(None)})
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
    *(datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath, pydantic.ByteSize),
    *(ipaddress.IPv4Address, ipaddress.IPv4Interface, ipaddress.IPv4Network),
    *(ipaddress.IPv6Address, ipaddress.IPv6Interface, ipaddress.IPv6Network),
    *(
        pydantic.AwareDatetime,
        pydantic.NaiveDatetime,
        pydantic.AnyUrl,
        pydantic.HttpUrl,
        pydantic.networks._BaseUrl,
    ),
)
_CLOCK: Final = (pydantic.PastDate, pydantic.FutureDate, pydantic.PastDatetime, pydantic.FutureDatetime)
_ABSTRACT: Final[Mapping[Any, Any]] = {
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
}
_LAZY: Final = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """What is known of a type.

    Attributes:
        text: The type as a text that is the same in every process. Models are written out with their fields, so
            that a changed field shows.
        problems: Why values cannot survive the round trip through JSON, one sentence each.
        exact: Whether every value of the type certainly survives it.
        scalar: Whether all values are str, int, float, bool or None.
        copier: How a value is copied for a reader; None when values are immutable.
    """

    text: str
    problems: tuple[str, ...] = ()
    exact: bool = False
    scalar: bool = False
    copier: Copier | None = None


def type_facts(annotation: Any) -> TypeFacts:
    """Look at an annotation (resolved: no strings in it)."""
    return _Walk(()).facts(annotation)


def is_reducer_like(item: object) -> bool:
    """Whether something in `Annotated` is a function on values, and not one of pydantic's markers."""
    return callable(item) and not isinstance(item, type) and not hasattr(item, "__get_pydantic_core_schema__")


class _Walk:
    """One walk; `inside` are the classes being walked, so that a recursive type ends."""

    def __init__(self, inside: tuple[Any, ...]) -> None:
        self.inside = inside

    def facts(self, hint: Any) -> TypeFacts:
        if hint is None:
            hint = type(None)
        if hint in SCALARS:
            return TypeFacts("None" if hint is type(None) else hint.__name__, exact=True, scalar=True)
        if hint is pydantic.JsonValue:
            return TypeFacts("JsonValue", copier=copy.deepcopy)
        if isinstance(hint, typing_extensions.TypeAliasType):
            return self.within(hint, hint.__name__, hint.__value__)
        if isinstance(hint, typing.NewType):
            return self.facts(hint.__supertype__)
        origin = get_origin(hint)
        if origin is Annotated:
            return self.annotated(hint)
        if origin in (Union, types.UnionType):
            return self.union(get_args(hint))
        if origin is Literal:
            return self.literal(get_args(hint))
        if isinstance(origin, typing_extensions.TypeAliasType):
            names = dict(zip(origin.__type_params__, get_args(hint), strict=False))
            return self.within(hint, origin.__name__, substitute(origin.__value__, names))
        refused = _refused(hint, origin)
        if refused:
            return TypeFacts(_name(hint), (refused,), copier=copy.deepcopy)
        return self.built(hint, origin or hint, get_args(hint))

    def within(self, key: Any, name: str, hint: Any) -> TypeFacts:
        if key in self.inside:
            return TypeFacts(name, copier=copy.deepcopy)
        return _Walk((*self.inside, key)).facts(hint)

    def annotated(self, hint: Any) -> TypeFacts:
        inner, *marks = get_args(hint)
        facts = self.facts(inner)
        problems = list(facts.problems)
        plain = True
        for mark in marks:
            found = _mark_problem(mark, facts.text)
            if found:
                problems.append(found)
            plain = plain and _is_constraint(mark)
        text = facts.text + "".join(f" & {shown}" for shown in map(mark_text, marks) if shown)
        if plain:
            return dataclasses.replace(facts, text=text, problems=tuple(problems))
        return TypeFacts(text, tuple(problems), copier=facts.copier or copy.deepcopy)

    def union(self, options: Sequence[Any]) -> TypeFacts:
        several = [self.facts(option) for option in options]
        others = [facts for facts in several if facts.text != "None"]
        copiers = [facts.copier for facts in others if facts.copier is not None]
        copier: Copier | None = None
        if len(others) == 1 and copiers:
            copier = _optional(copiers[0])
        elif copiers:
            copier = copy.deepcopy
        return TypeFacts(
            " | ".join(facts.text for facts in several),
            _problems(several),
            exact=len(others) == 1 and others[0].exact,
            scalar=all(facts.scalar for facts in several),
            copier=copier,
        )

    def literal(self, values: Sequence[Any]) -> TypeFacts:
        simple = all(type(value) in SCALARS for value in values)
        text = ", ".join(repr(v) if type(v) in SCALARS else str(v) for v in values)
        return TypeFacts(f"Literal[{text}]", exact=simple, scalar=simple)

    def built(self, hint: Any, origin: Any, args: Sequence[Any]) -> TypeFacts:
        origin = _ABSTRACT.get(origin, origin)
        if origin in (list, set, frozenset, collections.deque):
            return self.collection(hint, origin, args)
        if origin is tuple:
            return self.tuple(args)
        if origin in (dict, collections.defaultdict, collections.OrderedDict, collections.Counter):
            return self.mapping(hint, origin, args)
        if isinstance(origin, type):
            if issubclass(origin, pydantic.BaseModel):
                return self.record(hint, _model_fields(hint), _model_copier)
            if dataclasses.is_dataclass(origin):
                return self.record(hint, _dataclass_fields(origin), None)
            if typing_extensions.is_typeddict(origin) or (
                issubclass(origin, tuple) and hasattr(origin, "_fields")
            ):
                return self.record(
                    hint, list(typing_extensions.get_type_hints(origin, include_extras=True).items()), None
                )
            if issubclass(origin, enum.Enum):
                members = ", ".join(f"{m.name}={m.value!r}" for m in origin)
                return TypeFacts(f"{_name(origin)}({members})")
            if issubclass(origin, _FROZEN):
                return TypeFacts(_name(hint))
        return TypeFacts(_name(hint), copier=copy.deepcopy)

    def collection(self, hint: Any, origin: Any, args: Sequence[Any]) -> TypeFacts:
        item = self.facts(args[0] if args else Any)
        copier: Copier | None = origin if item.copier is None else _each(origin, item.copier)
        if origin is frozenset and item.copier is None:
            copier = None
        return TypeFacts(
            f"{_name(get_origin(hint) or hint)}[{item.text}]",
            item.problems,
            exact=item.exact and origin in (list, set, frozenset) and (get_origin(hint) or hint) is origin,
            copier=copier,
        )

    def tuple(self, args: Sequence[Any]) -> TypeFacts:
        if len(args) == 2 and args[1] is Ellipsis:
            item = self.facts(args[0])
            copier = None if item.copier is None else _each(tuple, item.copier)
            return TypeFacts(f"tuple[{item.text}, ...]", item.problems, exact=item.exact, copier=copier)
        items = [self.facts(arg) for arg in (args or (Any,))]
        mutable = any(item.copier is not None for item in items)
        return TypeFacts(
            f"tuple[{', '.join(item.text for item in items)}]",
            _problems(items),
            exact=all(item.exact for item in items),
            copier=copy.deepcopy if mutable else None,
        )

    def mapping(self, hint: Any, origin: Any, args: Sequence[Any]) -> TypeFacts:
        key = self.facts(args[0] if args else Any)
        value = self.facts(int if origin is collections.Counter else args[1] if len(args) > 1 else Any)
        problems = _problems((key, value))
        if (
            key.text.startswith(("tuple[", "frozenset["))
            or "(" in key.text.partition("[")[0]
            and "=" not in key.text
        ):
            problems = (
                *problems,
                f"keys of type {key.text} cannot be read back from JSON: use str keys, or a list of pairs",
            )
        plain = origin is dict
        copier: Copier = (
            dict
            if plain and value.copier is None
            else _dict_copier(value.copier)
            if plain and value.copier
            else copy.deepcopy
        )
        if key.copier is not None:
            copier = copy.deepcopy
        return TypeFacts(
            f"{_name(get_origin(hint) or hint)}[{key.text}, {value.text}]",
            problems,
            exact=plain and value.exact and key.text in ("str", "int") and (get_origin(hint) or hint) is dict,
            copier=copier,
        )

    def record(
        self,
        hint: Any,
        fields: Sequence[tuple[str, Any]],
        make_copier: Callable[[Any, Mapping[str, Copier]], Copier | None] | None,
    ) -> TypeFacts:
        name = _name(hint)
        if hint in self.inside:
            return TypeFacts(name, copier=copy.deepcopy)
        walk = _Walk((*self.inside, hint))
        texts, problems, copiers = [], [], {}
        for field, annotation in fields:
            if isinstance(annotation, str):
                problems.append(f"{name}.{field} {annotation}")
                continue
            facts = walk.facts(annotation)
            texts.append(f"{field}: {facts.text}")
            problems.extend(f"{name}.{field}: {problem}" for problem in facts.problems)
            if facts.copier is not None:
                copiers[field] = facts.copier
        if make_copier is not None:
            copier = make_copier(hint, copiers)
        else:
            frozen = not copiers and _is_frozen_record(get_origin(hint) or hint)
            copier = None if frozen else copy.deepcopy
        return TypeFacts(f"{name}({', '.join(texts)})", tuple(problems), copier=copier)


# --------------------------------------------------------------------------- what is refused, and marks


def _refused(hint: Any, origin: Any) -> str | None:
    if hint is Any or hint is object:
        return f"{_name(hint)} does not say what to decode: use pydantic.JsonValue, or declare the type"
    if isinstance(hint, TypeVar):
        return f"the type variable {hint.__name__} stands for nothing: give the generic type its arguments"
    if origin is collections.abc.Callable or hint in (Callable, collections.abc.Callable):
        return "a function cannot be stored: keep it in the node, or hand it in as a resource"
    if origin is type or hint is type:
        return "a class cannot be stored: store its name, or an enum"
    if (origin or hint) in _LAZY:
        return f"{_name(hint)} can be read only once: declare a list"
    if isinstance(hint, type):
        if issubclass(hint, pydantic.SecretStr | pydantic.SecretBytes | pydantic.Secret):
            return (
                f"{hint.__name__} is stored masked and cannot be read back: hand the secret in as a resource"
            )
        if issubclass(hint, _CLOCK):
            return f"{hint.__name__} asks the clock, so that what was valid when written need not be when read back: check it in the node"
        if hint is pydantic.ImportString:
            return "ImportString imports what the data names: store a plain str"
    if isinstance(origin, type) and issubclass(origin, pydantic.Secret):
        return "Secret is stored masked and cannot be read back: hand the secret in as a resource"
    return None


def _mark_problem(mark: Any, text: str) -> str | None:
    if isinstance(mark, pydantic.types.PathType):
        return "a path that must (not) exist asks the disk, which may have changed when it is read back: use Path and check it in the node"
    if isinstance(mark, pydantic.SkipValidation | pydantic.InstanceOf):
        return f"{type(mark).__name__} leaves {text} unchecked, so it cannot be read back: remove it"
    if is_reducer_like(mark):
        return f"the reducer {getattr(mark, '__name__', mark)!s} stands inside another type: put it outermost, Annotated[whole type, reducer]"
    if isinstance(mark, FieldInfo) and (mark.exclude or mark.exclude_if):
        return "Field(exclude=...) would leave the value out when it is stored: remove it"
    return None


def _is_constraint(mark: Any) -> bool:
    known = (
        annotated_types.BaseMetadata,
        annotated_types.GroupedMetadata,
        pydantic.types.AllowInfNan,
        pydantic.Strict,
        str,
        FieldInfo,
    )
    return isinstance(mark, known) and not isinstance(mark, annotated_types.Predicate)


def mark_text(mark: Any) -> str:
    """A constraint as stable text; empty for what is no constraint."""
    if isinstance(
        mark, annotated_types.BaseMetadata | pydantic.types.AllowInfNan
    ) and dataclasses.is_dataclass(mark):
        shown = ", ".join(
            f"{f.name}={getattr(mark, f.name)!r}"
            for f in dataclasses.fields(mark)
            if not callable(getattr(mark, f.name))
        )
        return f"{type(mark).__name__}({shown})"
    if isinstance(mark, annotated_types.GroupedMetadata):
        return " & ".join(text for text in map(mark_text, mark) if text)
    return ""


# --------------------------------------------------------------------------- records


def _model_fields(hint: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, info in hint.model_fields.items():
        if info.exclude or info.exclude_if:
            found.append((name, "is excluded from what is stored: remove exclude from its Field"))
        else:
            found.append((name, field_hint(info)))
    return found


def field_hint(info: FieldInfo, marks: Sequence[Any] | None = None) -> Any:
    """A model field's annotation together with what its `Field` adds."""
    marks = info.metadata if marks is None else marks
    extra: list[Any] = list(marks)
    if info.discriminator is not None:
        extra.append(pydantic.Field(discriminator=info.discriminator))
    return Annotated[(info.annotation, *extra)] if extra else info.annotation  # type: ignore[return-value]


def _dataclass_fields(cls: Any) -> list[tuple[str, Any]]:
    hints = typing_extensions.get_type_hints(cls, include_extras=True)
    found: list[tuple[str, Any]] = []
    for name, hint in hints.items():
        field = cls.__dataclass_fields__.get(name)
        if field is None or field._field_type is dataclasses._FIELD_CLASSVAR:  # type: ignore[attr-defined]
            continue
        if isinstance(hint, dataclasses.InitVar):
            found.append((name, "is an InitVar, which is gone when the value is stored: make it a field"))
        else:
            found.append((name, hint))
    return found


def _is_frozen_record(cls: Any) -> bool:
    params = getattr(cls, "__dataclass_params__", None)
    return bool(params.frozen) if params is not None else issubclass(cls, tuple)


def _model_copier(hint: Any, copiers: Mapping[str, Copier]) -> Copier | None:
    if hint.model_config.get("frozen") and not copiers and not hint.__private_attributes__:
        if hint.model_config.get("extra") != "allow":
            return None
    steps = tuple(copiers.items())

    def copy_model(value: Any) -> Any:
        if type(value) is not hint or value.__pydantic_private__ or value.__pydantic_extra__:
            return copy.deepcopy(value)
        new = hint.__new__(hint)
        attributes = value.__dict__.copy()
        for name, copier in steps:
            if name in attributes:
                attributes[name] = copier(attributes[name])
        object.__setattr__(new, "__dict__", attributes)
        object.__setattr__(new, "__pydantic_fields_set__", value.__pydantic_fields_set__.copy())
        object.__setattr__(
            new, "__pydantic_extra__", value.__pydantic_extra__ if value.__pydantic_extra__ is None else {}
        )
        object.__setattr__(new, "__pydantic_private__", None)
        return new

    return copy_model


# --------------------------------------------------------------------------- copiers and names


def _each(origin: Any, copier: Copier) -> Copier:
    return lambda value: origin([copier(item) for item in value])


def _dict_copier(copier: Copier) -> Copier:
    return lambda value: {key: copier(item) for key, item in value.items()}


def _optional(copier: Copier) -> Copier:
    return lambda value: None if value is None else copier(value)


def _problems(several: Sequence[TypeFacts]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem for facts in several for problem in facts.problems))


def _name(hint: Any) -> str:
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__qualname__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(hint))


def substitute(hint: Any, names: Mapping[Any, Any]) -> Any:
    """The annotation with type variables replaced."""
    if hint in names:
        return names[hint]
    args = get_args(hint)
    if not args or get_origin(hint) is Literal:
        return hint
    new = tuple(substitute(arg, names) for arg in args)
    if get_origin(hint) is Annotated:
        return Annotated[(new[0], *hint.__metadata__)]
    if get_origin(hint) in (Union, types.UnionType):
        return Union[new]  # noqa: UP007 - made at run time
    return hint.copy_with(new) if hasattr(hint, "copy_with") else get_origin(hint)[new]
