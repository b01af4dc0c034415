"""What a tool's function returned, as parts of a message that a model reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from pydantic_core import PydanticSerializationError, to_json

from backedge.providers.messages import Code, File, Image, Part, ResultPart, Text

Content: TypeAlias = tuple[ResultPart, ...]
"""What `ToolResult` carries: texts, pictures and files."""

LIMIT: Final = 20_000
"""Characters of text that a result has at most, unless a tool says otherwise."""
HEAVIEST: Final = 5 * 1024 * 1024
"""Bytes that a picture or a file in a result has at most."""


def content_of(value: object, *, limit: int) -> Content:
    """A result as parts. What is neither text nor a part is told as JSON; what is too large is cut, and that is told.

    Args:
        value: What the function returned.
        limit: Characters of text at most, all parts together.

    Raises:
        TypeError: It has no JSON form.
    """
    if type(value) is str:
        return (Text(text=_bounded(_sound(value), limit)),) if value else _EMPTY
    if value is None:
        return _NOTHING
    if isinstance(value, Part):
        return _parts((value,), limit)
    if isinstance(value, list | tuple) and any(isinstance(one, Part) for one in value):
        return _parts(value, limit)
    return (Text(text=_bounded(_text_of(value), limit)),)


_NOTHING: Final[Content] = (Text(text="done; it returned nothing"),)
_EMPTY: Final[Content] = (Text(text="(an empty text)"),)  # which providers would refuse


def text_of(content: Content) -> str:
    """All words of a result, parts without words left out."""
    return "".join(part.text for part in content if isinstance(part, Text))


def _parts(values: Iterable[object], limit: int) -> Content:
    made: list[Text | Image | File] = []
    left = limit
    for value in values:
        if isinstance(value, Image | File):
            made.append(_light(value))
            continue
        text = value.text if isinstance(value, Text | Code) else _text_of(value)
        if not text:
            continue
        raw = value.raw if isinstance(value, Text) else None
        made.append(Text(text=_bounded(_sound(text), left), raw=raw))
        left = max(0, left - len(text))
    return tuple(made) or _EMPTY


def _light(part: Image | File) -> Text | Image | File:
    if part.data is None or len(part.data) <= HEAVIEST:
        return part
    return Text(text=f"[left out: {part.media_type} of {len(part.data)} bytes; at most {HEAVIEST} are shown]")


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    try:
        return to_json(value).decode()
    except (PydanticSerializationError, ValueError) as error:
        raise TypeError(
            f"a tool returned {type(value).__name__}, which has no form as text: return text, what JSON holds, a "
            f"pydantic model, Image or File ({str(error).splitlines()[0]})"
        ) from error


def _bounded(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: these are the first {limit} of {len(text)} characters]"


def _sound(text: str) -> str:
    """The text with halves of characters replaced, which no UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def as_any(content: Content) -> Any:
    """The content as what JSON holds, for records and logs."""
    return [part.model_dump(mode="json") for part in content]
