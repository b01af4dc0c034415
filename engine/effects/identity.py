"""What makes two requests for an effect the same one: digests of arguments, and keys for those who are to deduplicate."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from ..records import ActivationId


class EffectKey(str):
    """Names one effect for whoever carries it out: the same on every retry and resume, another one in a fork.

    A function given to `Context.step` gets it through a parameter annotated `EffectKey`, and hands it to its
    receiver as what that calls an idempotency key.

    Example::

        async def charge(amount: int, key: EffectKey) -> str:
            return await bank.charge(amount, idempotency_key=key)
    """

    __slots__ = ()


def digest_of(*parts: object) -> str:
    """A digest of arguments that is the same in every process.

    Values are told apart by what JSON makes of them, sets in a fixed order. Objects that have no such form (a client,
    a connection) count by the name of their class alone.
    """
    plain = [part if type(part) in _SCALARS else _plain(part, 1) for part in parts]
    return blake2b(_TEXT(plain).encode(), digest_size=12).hexdigest()


def key_of(run_id: str, activation: ActivationId, name: str, digest: str, occurrence: int) -> EffectKey:
    """The key of an effect: the `occurrence`-th request of this name and these arguments in its activation."""
    text = json.dumps([run_id, str(activation), name, digest, occurrence])
    return EffectKey(blake2b(text.encode(), digest_size=16).hexdigest())


_DEEPEST = 100
_SCALARS = frozenset({str, int, float, bool, type(None)})
_TEXT = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _plain(value: object, depth: int) -> Any:
    """The value as lists, mappings and scalars; each container says what it is, so that ``(1,)`` is not ``{1}``."""
    if type(value) in _SCALARS or (
        isinstance(value, bool | int | float | str) and not isinstance(value, enum.Enum)
    ):
        return value
    if depth > _DEEPEST:
        raise ValueError("arguments of an effect are nested too deeply, or hold themselves")
    deeper = depth + 1
    if isinstance(value, enum.Enum):
        return {"enum": _plain(value.value, deeper)}
    if isinstance(value, list | tuple):
        return [_plain(item, deeper) for item in value]
    if isinstance(value, set | frozenset):
        items = [_plain(item, deeper) for item in value]
        return {"set": sorted(items, key=lambda item: json.dumps(item, sort_keys=True))}
    if isinstance(value, Mapping):
        if all(map(_is_name, value)):  # which are most: their own order is that of their texts
            return {"map": [[key, _plain(value[key], deeper)] for key in sorted(value)]}
        pairs = [[_plain(key, deeper), _plain(item, deeper)] for key, item in value.items()]
        return {"map": sorted(pairs, key=lambda pair: json.dumps(pair[0], sort_keys=True))}
    if isinstance(value, BaseModel):
        return {"model": _plain(dict(value), deeper)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"model": _plain(fields, deeper)}
    return {
        "other": to_jsonable_python(
            value, bytes_mode="base64", inf_nan_mode="constants", fallback=_class_name
        )
    }


def _is_name(key: object) -> bool:
    return type(key) is str and key.isascii() and key.isidentifier()


def _class_name(value: object) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"
