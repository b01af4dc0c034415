"""One type's values as JSON, and back: what is stored, and what flows on.

What flows on is always the value decoded from its record, so that a live run and a resumed one cannot differ. A value
that would come back as something else is refused when it is written.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping, Set
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from .typefacts import SCALARS, TypeFacts

_STORE: ConfigDict = {"ser_json_bytes": "base64", "val_json_bytes": "base64", "ser_json_inf_nan": "constants"}
_DIGITS = 10_000  # bits; beyond about 14,000 an integer has more digits than JSON numbers are read with


class Codec:
    """Encodes and decodes the values of one annotation.

    Attributes:
        facts: What the annotation tells.
        adapter: Pydantic's adapter of it.
    """

    def __init__(self, name: str, annotation: Any, facts: TypeFacts, config: ConfigDict) -> None:
        self.name = name
        self.facts = facts
        settings: ConfigDict = {**config, **_STORE}
        settings.pop("title", None)
        try:
            self.adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=settings)
        except pydantic.PydanticUserError as error:
            if error.code != "type-adapter-config-unused":
                raise
            self.adapter = TypeAdapter(annotation)
        self._check = self.adapter.validator.validate_python
        self._load = self.adapter.validator.validate_json
        self._dump = self.adapter.serializer.to_json

    def accepts(self, value: object) -> bool:
        """Whether the value is one of the type's."""
        try:
            self._check(value)
        except Exception:  # a validator may raise whatever it likes
            return False
        return True

    def encode(self, value: object) -> bytes:
        """The value as compact JSON. ValueError as for `roundtrip`."""
        return self.roundtrip(value)[0]

    def decode(self, raw: bytes) -> Any:
        """The value that was encoded. ValueError if it does not fit the type."""
        try:
            return self._load(raw, by_alias=False, by_name=True)
        except ValidationError as error:
            raise ValueError(
                f"field {self.name!r}: what is stored does not fit {self.facts.text}: {_told(error)}"
            ) from error

    def roundtrip(self, value: object) -> tuple[bytes, Any]:
        """The value as compact JSON, and what decoding that gives.

        Raises:
            ValueError: It does not fit the type, or would not come back as it is.
        """
        try:
            checked = self._check(value)
        except ValidationError as error:
            raise ValueError(
                f"field {self.name!r} takes {self.facts.text}, but got {_shown(value)}: {_told(error)}"
            ) from error
        try:
            raw = self._dump(checked, by_alias=False, round_trip=True, warnings="error")
        except PydanticSerializationError as error:
            raise ValueError(f"field {self.name!r}: {_shown(value)} cannot be stored: {error}") from error
        kind = type(checked)
        if self.facts.scalar and kind in SCALARS and (kind is not int or checked.bit_length() < _DIGITS):
            return raw, checked
        try:
            back = self._load(raw, by_alias=False, by_name=True)
        except ValidationError as error:
            raise ValueError(
                f"field {self.name!r}: {_shown(value)} is stored as {_cut(raw.decode())}, which cannot be read back: "
                f"{_told(error)}"
            ) from error
        if not self.facts.exact and not same(checked, back):
            raise ValueError(
                f"field {self.name!r}: {_shown(checked)} would be read back as {_shown(back)}; "
                f"declare the type so that it survives being stored as JSON"
            )
        return raw, back


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types all the way down; nan equals nan."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is float:
        return bool(one == other) or (math.isnan(one) and math.isnan(other))
    if kind in SCALARS:
        return bool(one == other)
    if isinstance(one, BaseModel):
        return (
            same(one.__dict__, other.__dict__)
            and same(one.__pydantic_extra__, other.__pydantic_extra__)
            and same(one.__pydantic_private__, other.__pydantic_private__)
        )
    if isinstance(one, enum.Enum):
        return one is other
    if isinstance(one, Mapping):
        return len(one) == len(other) and all(
            same(a, b) and same(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Set):
        return bool(one == other) and sorted(map(_kind, one)) == sorted(map(_kind, other))
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, f.name, None), getattr(other, f.name, None)) for f in dataclasses.fields(one)
        )
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - nan of any kind


def _kind(value: object) -> str:
    return type(value).__qualname__


def _shown(value: object) -> str:
    try:
        return f"{type(value).__name__} {_cut(repr(value))}"
    except Exception:  # somebody else's __repr__
        return type(value).__name__


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _told(error: ValidationError) -> str:
    lines = []
    for found in error.errors(include_url=False, include_context=False, include_input=False)[:3]:
        where = ".".join(map(str, found["loc"]))
        lines.append(f"{where}: {found['msg']}" if where else found["msg"])
    more = error.error_count() - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
