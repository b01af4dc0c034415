"""Single looks at annotations: what is refused, what a mark in `Annotated` means, what a record's fields are."""

from __future__ import annotations

import collections.abc
import dataclasses
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import annotated_types
import pydantic
import typing_extensions
from pydantic.fields import FieldInfo

_CLOCK: Final = (pydantic.PastDate, pydantic.FutureDate, pydantic.PastDatetime, pydantic.FutureDatetime)
_ONCE: Final = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator)
_QUALIFIERS: Final[tuple[Any, ...]] = (
    *(typing_extensions.Required, typing_extensions.NotRequired, typing_extensions.ReadOnly),
)
_CONSTRAINTS: Final = (
    *(annotated_types.BaseMetadata, annotated_types.GroupedMetadata),
    *(pydantic.Strict, pydantic.types.AllowInfNan, str),
)


def refusal(hint: Any) -> str | None:
    """Why no value of this type (looked at without its arguments) can be stored and read back, or None."""
    origin = get_origin(hint) or hint
    if hint is Any or hint is object:
        return f"{name_of(hint)} does not tell what to read back: declare the type, or use pydantic.JsonValue"
    if isinstance(hint, TypeVar):
        return f"the type variable {hint.__name__} is not bound: give the generic type its arguments"
    if origin is collections.abc.Callable:
        return "a function cannot be stored: keep it in the node, or hand it in as a resource"
    if origin is type:
        return "a class cannot be stored: store its name, or an enum"
    if origin in _ONCE:
        return f"{name_of(hint)} can be read only once: declare a list"
    if not isinstance(origin, type):
        return None
    if issubclass(origin, pydantic.SecretStr | pydantic.SecretBytes | pydantic.Secret):
        return f"{origin.__name__} is stored masked and cannot be read back: hand the secret in as a resource"
    if issubclass(origin, _CLOCK):
        return f"{origin.__name__} asks the clock, which has moved when the value is read back: check it in a node"
    if origin is pydantic.ImportString:
        return "ImportString imports what the data names: store a str"
    return None


def is_reducer_like(mark: object) -> bool:
    """Whether something in `Annotated` is a function on values, and not one of pydantic's marks."""
    return callable(mark) and not isinstance(mark, type) and not hasattr(mark, "__get_pydantic_core_schema__")


def flat_marks(marks: Sequence[Any]) -> Iterator[Any]:
    """The marks of `Annotated`, a nested `Field(...)` followed by those it stands for."""
    for mark in marks:
        yield mark
        if isinstance(mark, FieldInfo):
            yield from mark.metadata


def mark_problem(mark: Any) -> str | None:
    """Why values under this mark cannot be stored and read back, or None."""
    if isinstance(mark, pydantic.types.PathType):
        return "whether a path exists is asked of the disk, which may have changed when the value is read back: use Path"
    if isinstance(mark, pydantic.SkipValidation | pydantic.InstanceOf):
        return f"{type(mark).__name__} leaves the value unchecked, so that it cannot be read back: remove it"
    if isinstance(mark, FieldInfo) and (mark.exclude or mark.exclude_if):
        return "Field(exclude=...) leaves the value out of what is stored: remove it"
    if is_reducer_like(mark):
        name = getattr(mark, "__name__", type(mark).__name__)
        return f"the reducer {name} is inside of another type: put it outermost, Annotated[the whole type, {name}]"
    return None


def is_constraint(mark: Any) -> bool:
    """Whether the mark only narrows the type, so that what is accepted once is accepted again."""
    if isinstance(mark, FieldInfo):
        return True  # its constraints are looked at one by one
    return isinstance(mark, _CONSTRAINTS) and not isinstance(mark, annotated_types.Predicate)


def mark_text(mark: Any) -> str:
    """A constraint or validator as a text that is the same in every process; empty for other marks."""
    if isinstance(mark, annotated_types.GroupedMetadata):
        return " & ".join(text for text in map(mark_text, mark) if text)
    if dataclasses.is_dataclass(mark) and not isinstance(mark, type):
        shown = (f"{f.name}={_stable(getattr(mark, f.name))}" for f in dataclasses.fields(mark))
        return f"{type(mark).__name__}({', '.join(shown)})"
    return ""


def _stable(value: Any) -> str:
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    return repr(value) if " at 0x" not in repr(value) else type(value).__qualname__


def field_hint(info: FieldInfo, marks: Sequence[Any] | None = None) -> Any:
    """A model field's annotation together with its marks, or with others in their place."""
    kept = list(info.metadata if marks is None else marks)
    if info.discriminator is not None:
        kept.append(pydantic.Field(discriminator=info.discriminator))
    return Annotated[(info.annotation, *kept)] if kept else info.annotation


def model_parts(cls: type[pydantic.BaseModel]) -> Iterator[tuple[str, Any, str | None]]:
    """A model's fields: name, annotation, problem."""
    for name, info in cls.model_fields.items():
        excluded = info.exclude or info.exclude_if
        shown = name if info.is_required() else f"{name}?"
        yield shown, field_hint(info), mark_problem(pydantic.Field(exclude=True)) if excluded else None


def dataclass_parts(cls: Any) -> Iterator[tuple[str, Any, str | None]]:
    """A dataclass's fields: name, annotation, problem."""
    hints = typing_extensions.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        default = (field.default, field.default_factory)
        shown = field.name if default == (dataclasses.MISSING, dataclasses.MISSING) else f"{field.name}?"
        yield (
            shown,
            hints[field.name],
            None if field.init else "init=False keeps it from being read back: remove it",
        )
    for name, hint in hints.items():
        if isinstance(hint, dataclasses.InitVar):
            yield name, hint.type, "an InitVar is gone when the value is stored: make it a field"


def hinted_parts(cls: Any) -> Iterator[tuple[str, Any, str | None]]:
    """The fields of a TypedDict or NamedTuple."""
    optional = getattr(cls, "__optional_keys__", getattr(cls, "_field_defaults", ()))
    for name, hint in typing_extensions.get_type_hints(cls, include_extras=True).items():
        while get_origin(hint) in _QUALIFIERS:
            hint = get_args(hint)[0]
        yield f"{name}?" if name in optional else name, hint, None


def alias_value(alias: typing_extensions.TypeAliasType) -> Any:
    """What a type alias stands for, with the names in it resolved."""
    module = sys.modules.get(alias.__module__ or "")
    holder = type("Alias", (), {"__annotations__": {"value": alias.__value__}})
    try:
        hints = typing_extensions.get_type_hints(holder, globalns=vars(module), include_extras=True)
    except (NameError, TypeError):
        return alias.__value__
    return hints["value"]


def name_of(hint: Any) -> str:
    """A type's name without its module, so that it is the same for a program that is run and one imported."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__qualname__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(hint))


def substitute(hint: Any, names: Mapping[Any, Any]) -> Any:
    """The annotation with type variables replaced."""
    if isinstance(hint, TypeVar):
        return names.get(hint, hint)
    args, origin = get_args(hint), get_origin(hint)
    if not args or origin is Literal:
        return hint
    if origin is Annotated:
        return Annotated[(substitute(args[0], names), *args[1:])]
    new = tuple(substitute(arg, names) for arg in args)
    if origin in (Union, types.UnionType):
        return reduce(or_, new)
    copy_with: Callable[[Any], Any] | None = getattr(hint, "copy_with", None)
    return copy_with(new) if copy_with is not None else origin[new]
