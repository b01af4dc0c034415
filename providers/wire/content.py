"""How parts of a message are written down where the wires agree: bytes as base64, code between fences."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ..errors import UnsupportedError
from ..messages import AnyPart, Code, File, Image, Message, Usage, assembled
from ..protocol import Finish, ModelRequest, ModelResponse

Body: TypeAlias = dict[str, Any]
"""A JSON object of a request or of an answer, as a provider reads or writes it."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
_JOINED = ("tools", "include")


def answered(
    parts: Iterable[AnyPart],
    raw: Body,
    *,
    usage: Usage,
    finish: Finish,
    model: str,
    by: str,
    answer_id: str,
    cost: float | None = None,
) -> ModelResponse:
    """What was read of an answer as a response. The arguments are its fields, of these types.

    They are not looked at again: most of all what was read as JSON, which would take longer than all the rest.
    """
    return assembled(
        ModelResponse,
        message=assembled(Message, role="assistant", parts=tuple(parts)),
        usage=usage,
        finish=finish,
        model=model,
        by=by,
        id=answer_id,
        raw=raw,
        attempts=(),
        cost=cost,
        cached=False,
        headers={},
    )


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


def member(found: Any, key: str) -> Body:
    """An object in an object; an empty one where there is none."""
    inner = found.get(key) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) else {}


def number(found: Any) -> int:
    """A number of tokens; 0 where there is none."""
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
