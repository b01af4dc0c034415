"""The name of a request by its content: equal requests to the same model have the same one, others do not."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from ..messages import Frozen, Message, Text
from ..protocol import ModelRequest

_FORM: Final = "2"  # of what follows; whoever changes it changes this

_DEFAULTS: Final = tuple(
    (name, field.get_default(call_default_factory=True))
    for name, field in ModelRequest.model_fields.items()
    if name != "messages"
)


def digest_of(request: ModelRequest, model: str) -> str:
    """SHA-256 of everything that can change the answer: all of the request, and the model's name.

    The content is canonical JSON, a line for each message and one for the rest: keys in order, bytes (pictures, documents)
    by their own hash; what was left to its default is left out. Messages of nothing but words are most of all and are written faster: the role, and each text after
    its length.

    Args:
        request: What is asked.
        model: Who is asked.
    """
    lines = [f"{_FORM} {model!r}"]
    lines += [_words(message) or _ENCODER.encode(message) for message in request.messages]
    said = vars(request)
    rest = {name: said[name] for name, default in _DEFAULTS if said[name] != default}
    lines.append(_ENCODER.encode(rest) if rest else "")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _words(message: Message) -> str:
    """A message of nothing but words; empty for others. It begins with a letter, JSON with a brace."""
    found: str = message.role
    for part in message.parts:
        if type(part) is not Text or part.raw is not None:
            return ""
        found += f" {len(part.text)}:{part.text}"
    return found


def _inside(value: object) -> object:
    """What the encoder does not know: our types are their fields, bytes are their hash."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    assert isinstance(value, Frozen)
    return vars(value)


_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_inside)
