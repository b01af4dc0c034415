"""A type's values as JSON, and back: what is stored, and what flows on.

What flows on is always the value read back from its record, so that a live run and a resumed one cannot differ, and so
that a node which later changes what it returned changes nothing. A value that would come back as something else is
refused when it is written.
"""

from __future__ import annotations

from typing import Any, Final

import pydantic
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import SchemaSerializer, SchemaValidator
from pydantic_core.core_schema import CoreConfig, CoreSchema

from .copiers import SCALARS, same
from .typefacts import TypeFacts

_STORED: Final[ConfigDict] = {
    "ser_json_bytes": "base64",  # any bytes, not only those that are UTF-8
    "val_json_bytes": "base64",
    "ser_json_inf_nan": "constants",  # and not null
}
_BITS: Final = 10_000  # integers up to here have fewer digits than the most that are read back (4,300)
_MODES: Final[dict[str, Any]] = {"by_alias": False, "by_name": True}


class Codec:
    """Encodes and decodes the values of one annotation.

    Attributes:
        facts: What the annotation tells.
        adapter: Pydantic's adapter of it.
    """

    def __init__(self, field: str, annotation: Any, facts: TypeFacts, config: ConfigDict) -> None:
        """Make the codec.

        Args:
            field: What the values belong to, for messages.
            annotation: Their type.
            facts: What the annotation tells.
            config: The configuration of the model around it.

        Raises:
            pydantic.PydanticUserError: Pydantic cannot handle the type.
        """
        self.field = field
        self.facts = facts
        self.adapter, settings = _adapter(annotation, config)
        validator, serializer = _stored(self.adapter.core_schema, settings)
        self._check = validator.validate_python
        self._load = validator.validate_json
        self._dump = serializer.to_json

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
            return self._load(raw, **_MODES)
        except ValidationError as error:
            told = f"what is stored, {_cut(raw.decode(errors='replace'))}, is not {self.facts.text}: {_told(error)}"
            raise ValueError(f"field {self.field!r}: {told}") from error

    def roundtrip(self, value: object) -> tuple[bytes, Any]:
        """The value as compact JSON, and what reading that back gives.

        Raises:
            ValueError: It does not fit the type, or would not come back as it is.
        """
        try:
            checked = self._check(value)
        except ValidationError as error:
            told = f"takes {self.facts.text}, but got {_shown(value)}: {_told(error)}"
            raise ValueError(f"field {self.field!r} {told}") from error
        except Exception as error:  # a validator may raise whatever it likes
            told = f"a validator raised {type(error).__name__} on {_shown(value)}: {error}"
            raise ValueError(f"field {self.field!r}: {told}") from error
        try:
            if self.facts.exact:  # nothing to warn of, and the modes make no difference
                raw = self._dump(checked)
            else:
                raw = self._dump(checked, by_alias=False, round_trip=True, warnings="error")
        except Exception as error:  # so may a serializer
            raise ValueError(f"field {self.field!r}: {_shown(value)} cannot be stored: {error}") from error
        kind = type(checked)
        if self.facts.scalar and kind in SCALARS and (kind is not int or checked.bit_length() < _BITS):
            return raw, checked
        return raw, self._read_back(checked, raw)

    def _read_back(self, value: object, raw: bytes) -> Any:
        try:
            back = self._load(raw, **_MODES)
        except ValidationError as error:
            told = f"{_shown(value)} is stored as {_cut(raw.decode())}, which cannot be read back: {_told(error)}"
            raise ValueError(f"field {self.field!r}: {told}") from error
        if not self.facts.exact and not same(value, back):
            told = f"{_shown(value)} would be read back as {_shown(back)}: declare a type that JSON can carry"
            raise ValueError(f"field {self.field!r}: {told}")
        return back


def _adapter(annotation: Any, config: ConfigDict) -> tuple[TypeAdapter[Any], ConfigDict]:
    settings: ConfigDict = {**config, **_STORED}
    try:
        return TypeAdapter(annotation, config=settings), settings
    except pydantic.PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(annotation), _STORED  # a model, dataclass or TypedDict has its own configuration


def _stored(schema: CoreSchema, settings: ConfigDict) -> tuple[SchemaValidator, SchemaSerializer]:
    """Validator and serializer of a type, with our settings inside of nested models too."""
    ours: Any = _configured(schema)
    config: Any = {key: value for key, value in settings.items() if key in CoreConfig.__annotations__}
    try:
        return (
            SchemaValidator(ours, config, _use_prebuilt=False),
            SchemaSerializer(ours, config, _use_prebuilt=False),
        )
    except TypeError:  # that parameter is not a promise; without it bytes in models must be UTF-8
        return SchemaValidator(ours, config), SchemaSerializer(ours, config)


def _configured(part: Any) -> Any:
    if isinstance(part, list):
        return [_configured(item) for item in part]
    if not isinstance(part, dict):
        return part
    new = {
        key: value if key in ("metadata", "default") else _configured(value) for key, value in part.items()
    }
    if new.get("type") in ("model", "dataclass", "typed-dict"):
        new["config"] = {**new.get("config", {}), **_STORED}
    return new


def _shown(value: object) -> str:
    try:
        return f"{type(value).__name__} {_cut(repr(value))}"
    except Exception:  # somebody else's __repr__
        return type(value).__name__


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


def _told(error: ValidationError) -> str:
    lines = []
    for found in error.errors(include_url=False, include_context=False, include_input=False)[:3]:
        where = ".".join(map(str, found["loc"]))
        lines.append(f"{where}: {found['msg']}" if where else found["msg"])
    more = error.error_count() - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
