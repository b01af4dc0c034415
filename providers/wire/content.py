"""How parts of a message are written down where the wires agree: bytes as base64, code between fences."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from ..errors import UnsupportedError
from ..messages import Code, File, Image
from ..protocol import ModelRequest, ModelResponse

Body: TypeAlias = dict[str, Any]
"""A JSON object of a request or of an answer, as a provider reads or writes it."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
_JOINED = ("tools", "include")


def filled(response: ModelResponse, **fields: Any) -> ModelResponse:
    """A response that nobody has seen yet, with some fields put in as they are.

    What was read as JSON need not be looked through again: that takes longer than all the rest.
    """
    response.__dict__.update(fields)
    response.__pydantic_fields_set__.update(fields)
    return response


def base64_of(part: Image | File) -> str:
    """The content's bytes in base64; it must have bytes."""
    return base64.b64encode(part.data or b"").decode("ascii")


def address_of(part: Image | File) -> str:
    """The address of the content; its bytes become one of the form ``data:image/png;base64,...``."""
    return part.url if part.url is not None else f"data:{part.media_type};base64,{base64_of(part)}"


def fenced(code: Code) -> str:
    """Code as models read it: between fences longer than any run of backticks inside."""
    longest = run = 0
    for character in code.text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    end = "" if code.text.endswith("\n") else "\n"
    return f"{fence}{code.language}\n{code.text}{end}{fence}"


def plain_id(given: str, *, most: int = 64) -> str:
    """The id of a tool call such that every provider takes it: other models' calls stand in a conversation, too."""
    if len(given) <= most and _PLAIN_ID.fullmatch(given):
        return given
    return f"call_{hashlib.sha256(given.encode(errors='replace')).hexdigest()[:24]}"


def count(found: Any, *keys: str) -> int:
    """A number of tokens in a usage object, each key one step deeper; 0 where there is none."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    if type(found) is int:
        return found if found > 0 else 0
    return int(found) if isinstance(found, int | float) and 0 <= found < float("inf") else 0


def refuse_extra(request: ModelRequest, *keys: str) -> None:
    """Refuse parameters of the provider's own that would say again what the request says.

    Raises:
        UnsupportedError: It has some of these keys.
    """
    if not request.extra:
        return
    taken = sorted(request.extra.keys() & set(keys))
    if taken:
        raise UnsupportedError(f"extra cannot hold {', '.join(taken)}: these follow from the request itself")


def with_extra(body: Body, extra: Mapping[str, Any]) -> Body:
    """A body with the provider's own parameters put in: they win, but tools are added to ours, objects merged."""
    if not extra:
        return body
    found = dict(body)
    for key, value in extra.items():
        ours = found.get(key)
        if key in _JOINED and isinstance(ours, list) and isinstance(value, list):
            found[key] = [*ours, *(one for one in value if one not in ours)]
        elif isinstance(ours, dict) and isinstance(value, dict):
            found[key] = {**ours, **value}
        else:
            found[key] = value
    return found
