"""The name of a request by its content: equal requests to the same model have the same one, others do not."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from ..messages import AnyPart, Code, Message, Text, ToolCall, ToolResult
from ..model import ModelRequest

_FORM: Final = "1"  # of what follows; whoever changes it changes this


def digest_of(request: ModelRequest, model: str) -> str:
    """SHA-256 of everything that can change the answer: all of the request, and the model's name.

    The content is canonical JSON, a line for each message and one for the rest: keys in order, bytes (pictures, documents)
    by their own hash. Messages of plain words are written by pydantic, which always writes them the same way, faster.

    Args:
        request: What is asked.
        model: Who is asked.
    """
    found = hashlib.sha256(json.dumps([_FORM, model]).encode())
    for message in request.messages:
        found.update(b"\n")
        found.update(_plain(message) if all(map(_is_plain, message.parts)) else _canonical(message))
    found.update(b"\n")
    found.update(_ENCODER.encode(request.model_dump(exclude={"messages"})).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _is_plain(part: AnyPart) -> bool:
    """Whether a part holds neither bytes nor objects with keys in any order."""
    return (
        isinstance(part, Text | Code)
        or (isinstance(part, ToolCall) and part.raw is None)
        or (isinstance(part, ToolResult) and all(isinstance(one, Text) for one in part.content))
    )


def _plain(message: Message) -> bytes:
    return message.__pydantic_serializer__.to_json(message)


def _canonical(message: Message) -> bytes:
    return _ENCODER.encode(message.model_dump()).encode("utf-8", "surrogatepass")


def _hash(data: object) -> str:
    assert isinstance(data, bytes)
    return hashlib.sha256(data).hexdigest()


_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_hash)
