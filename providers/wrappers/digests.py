"""The name of a request by its content: equal requests to the same model have the same one, others do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from json import encoder
from typing import Any, Final

from ..messages import Frozen, Message, Text
from ..protocol import ModelRequest, ToolSpec

_FORM: Final = "3"  # of what follows; whoever changes it changes this

_DEFAULTS: Final = tuple(
    (name, field.get_default(call_default_factory=True))
    for name, field in ModelRequest.model_fields.items()
    if name not in ("messages", "tools")
)


def digest_of(request: ModelRequest, model: str) -> str:
    """SHA-256 of everything that can change the answer: all of the request, and the model's name.

    The content is canonical JSON, a line for each message, each tool and the rest: keys in order, bytes (pictures,
    documents) by their own hash; what was left to its default is left out. Messages of nothing but words, which are most,
    and tools are written faster: the role or the name, and each text after its length.

    Args:
        request: What is asked.
        model: Who is asked.
    """
    lines = [f"{_FORM} {len(request.messages)} {len(request.tools)} {model!r}"]
    lines += [_words(message) or _written(message) for message in request.messages]
    lines += [_offered(tool) for tool in request.tools]
    said = vars(request)
    for name, default in _DEFAULTS:
        if said[name] != default:
            lines.append(f"{name} {_written(said[name])}")
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _words(message: Message) -> str:
    """A message of nothing but words; empty for others. It begins with a letter, JSON with a brace."""
    found: str = message.role
    for part in message.parts:
        if type(part) is not Text or part.raw is not None:
            return ""
        found += f" {len(part.text)}:{part.text}"
    return found


def _offered(tool: ToolSpec) -> str:
    name, said = tool.name, tool.description
    return f"{len(name)}:{name} {len(said)}:{said} {_written(tool.parameters)}"


def _inside(value: object) -> object:
    """What the encoder does not know: our types are their fields, bytes are their hash."""
    if isinstance(value, bytes):
        return sha256(value).hexdigest()
    assert isinstance(value, Frozen)
    return vars(value)


def _writer() -> Callable[[object], str]:
    """What writes canonical JSON. The encoder in C is made once here: the module `json` makes one for each value."""
    plain = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_inside)
    make: Any = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    cycles, indent, sort_keys, skip_keys, allow_nan = None, None, True, False, True
    pieces: Callable[[object, int], Iterable[str]] = make(
        cycles, _inside, encoder.encode_basestring, indent, ":", ",", sort_keys, skip_keys, allow_nan
    )
    return lambda value: "".join(pieces(value, 0))


_written: Final = _writer()
