"""An effect's result as JSON, and back: what the body gets is always what its record holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any, Final

import pydantic

from ..compiler.signatures import NoSignatureError, read_signature
from ..errors import EffectError, EffectValueError
from ..failures import rebuild
from ..records import ErrorInfo
from ..state.typefacts import type_facts
from ..state.values import Codec
from .identity import EffectKey

UNTOLD: Final[Any] = object()
"""Says that a type is to be taken from the function."""

_by_code: weakref.WeakKeyDictionary[CodeType, tuple[Any, str | None]] = weakref.WeakKeyDictionary()


def codec_for(annotation: Any) -> Codec:
    """The codec of a result's type.

    Raises:
        TypeError: Pydantic cannot handle the type.
    """
    try:
        return _codec(annotation)
    except TypeError:  # what is in `Annotated` may be unhashable
        return _codec.__wrapped__(annotation)


@lru_cache(maxsize=1024)
def _codec(annotation: Any) -> Codec:
    try:
        return Codec("result", annotation, type_facts(annotation), pydantic.ConfigDict())
    except pydantic.PydanticUserError as error:
        raise TypeError(f"results of type {annotation!r} cannot be stored: {error}") from None


def result_type(function: Callable[..., Any]) -> Any:
    """What a function says it returns; Any where it does not say."""
    return _told(function)[0]


def key_parameter(function: Callable[..., Any]) -> str | None:
    """The parameter that is annotated `EffectKey`, if there is one."""
    return _told(function)[1]


def _told(function: Callable[..., Any]) -> tuple[Any, str | None]:
    code = getattr(function, "__code__", None)
    known = _by_code.get(code) if code is not None else None
    if known is not None:
        return known
    try:
        told = read_signature(function, {"EffectKey": EffectKey})
    except NoSignatureError:
        return Any, None
    key = next((name for name in told.parameters if told.hints.get(name) is EffectKey), None)
    found = told.hints.get("return", Any), key
    if code is not None:
        _by_code[code] = found
    return found


def stored(codec: Codec, value: object, activation: str, name: str) -> tuple[bytes, Any]:
    """The value as JSON and what reading that back gives. Raises EffectValueError."""
    try:
        return codec.roundtrip(value)
    except ValueError as error:
        raise EffectValueError(activation, f"the result of {name!r} {told(error)}") from error


def read_back(codec: Codec, raw: bytes, activation: str, name: str) -> Any:
    """A recorded result. Raises EffectValueError when it does not fit the type any more."""
    try:
        return codec.decode(raw)
    except ValueError as error:
        raise EffectValueError(activation, f"the recorded result of {name!r}: {told(error)}") from error


def usage_of(result: object) -> bytes | None:
    """What a model's answer says it took, as one JSON object."""
    usage = getattr(result, "usage", None)
    return usage.model_dump_json().encode() if isinstance(usage, pydantic.BaseModel) else None


def told(error: ValueError) -> str:
    """What is wrong with a value, as its codec says it."""
    return str(error).removeprefix("field 'result'").removeprefix(":").strip()


def failure(info: ErrorInfo, kinds: tuple[type[Exception], ...], activation: str, name: str) -> BaseException:
    """What a body gets for an effect that failed, live and on resume alike.

    One of the declared classes where it is one of theirs, else an `EffectError`; never a class that the data names.
    """
    for kind in kinds:
        if info.type_name in (kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}"):
            return rebuild(info, kind, activation)
    return EffectError(activation, name, info.type_name, info.message, info.traceback)
