"""Copies of values, made for those who read them, and their comparison.

A node that changes its input must not change what others see. Values of immutable types are handed out as they are;
for the others a copier is put together from the type, which is several times faster than `copy.deepcopy`.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel

T = TypeVar("T")
Copier: TypeAlias = Callable[[Any], Any]

SCALARS: Final = frozenset({str, int, float, bool, type(None)})

deep: Final[Copier] = copy.deepcopy


def each_item(origin: Callable[[list[Any]], Any], copier: Copier) -> Copier:
    """Copies a collection and each of its items."""
    return lambda value: origin([copier(item) for item in value])


def each_value(copier: Copier) -> Copier:
    """Copies a dictionary and each of its values."""
    return lambda value: {key: copier(item) for key, item in value.items()}


def unless_none(copier: Copier) -> Copier:
    """Copies what is not None."""
    return lambda value: None if value is None else copier(value)


def itself(value: T, memo: object = None) -> T:
    """The value. As the ``__deepcopy__`` of a frozen model it says that all who read one share it, whatever it holds.

    Lists of them are then copied as lists of numbers are, without a look at each.

    Example::

        class Said(BaseModel, frozen=True):
            raw: dict[str, JsonValue]

            __deepcopy__ = itself
    """
    return value


def model_copier(cls: type[BaseModel], copiers: Mapping[str, Copier]) -> Copier | None:
    """Copies instances of a model, field by field; None if they are immutable, or shared (see `itself`).

    Args:
        cls: The model.
        copiers: How values of its mutable fields are copied.
    """
    plain = not cls.__private_attributes__ and cls.model_config.get("extra") != "allow"
    if plain and cls.model_config.get("frozen") and (not copiers or cls.__deepcopy__ is itself):
        return None
    if not plain or cls.__deepcopy__ is not BaseModel.__deepcopy__:
        return deep  # a way of its own knows better what to share
    steps = tuple(copiers.items())

    def copy_model(value: Any) -> Any:
        if type(value) is not cls:
            return deep(value)
        attributes = dict(value.__dict__)
        for name, copier in steps:
            if name in attributes:
                attributes[name] = copier(attributes[name])
        return revive(cls, attributes, set(value.__pydantic_fields_set__))

    return copy_model


def revive(cls: type[BaseModel], attributes: dict[str, Any], fields_set: set[str]) -> BaseModel:
    """An instance with exactly these attributes, made without running validators.

    The model has no `model_post_init` of its own; pydantic's gives private attributes their defaults.
    """
    new = cls.__new__(cls)
    object.__setattr__(new, "__dict__", attributes)
    object.__setattr__(new, "__pydantic_fields_set__", fields_set)
    object.__setattr__(new, "__pydantic_extra__", {} if cls.model_config.get("extra") == "allow" else None)
    object.__setattr__(new, "__pydantic_private__", None)
    if cls.__private_attributes__:
        new.model_post_init(None)
    return new


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types all the way down; nan equals nan."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in SCALARS:
        return bool(one == other) or (kind is float and math.isnan(one) and math.isnan(other))
    if isinstance(one, BaseModel):
        return (
            one.__dict__.keys() == other.__dict__.keys()
            and all(same(value, other.__dict__[name]) for name, value in one.__dict__.items())
            and same(one.__pydantic_extra__, other.__pydantic_extra__)
            and same(one.__pydantic_private__, other.__pydantic_private__)
        )
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        pairs = zip(one, other, strict=True)
        return len(one) == len(other) and all(same(a, b) and same(one[a], other[b]) for a, b in pairs)
    if isinstance(one, set | frozenset):
        kinds = sorted(type(item).__qualname__ for item in one)
        if kinds != sorted(type(item).__qualname__ for item in other):
            return False
        return bool(one == other) or all(any(same(item, each) for each in other) for item in one)
    if kind is datetime and one.tzinfo is not None and other.tzinfo is not None:
        # Python calls a time that a zone has twice, or skips, unequal to the same instant in another zone (PEP 495).
        return bool(one.astimezone(UTC) == other.astimezone(UTC))
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, f.name, None), getattr(other, f.name, None)) for f in dataclasses.fields(one)
        )
    return bool(one == other) or bool(one != one and other != other)  # the latter: a Decimal or complex nan
