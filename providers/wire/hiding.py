"""Keeps keys out of what people read: providers echo them in their errors, whole or in part, and some in their answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from ..protocol import ModelResponse
from ..shapes import MASK, carried, google_key, provider_key
from .freeing import Freeing, masker

Hide: TypeAlias = Callable[[str], str]
"""Gives a text without the keys in it."""


class Freed(Protocol):
    """Frees answers of keys."""

    def __call__(self, response: ModelResponse, sent: bytes | None = None) -> ModelResponse:
        """The answer without the keys in it; `sent` is the body that it was read from, if it came in one piece."""


_SECRET: Final = ("authorization", "key", "token", "secret")
_SHORTEST: Final = (
    16  # what is shorter is a word that local servers take for a key, and might stand in any answer
)
_SHAPES: Final = re.compile(
    "|".join(
        (
            provider_key(6, more="*."),
            google_key(10, more="*"),
            r"(?<=\b[Bb]earer[ ])[^\s\"',;]+",
            carried("basic", 12),
            r"[A-Za-z0-9]{0,8}\*{3,}[-A-Za-z0-9]{0,8}",  # shortened by the provider
        )
    )
)
_TOLD: Final = re.compile(r"(?i)(api[ _-]?key(?: provided| is)?\s*[:=]\s*[\"']?)([^\s\"',;]+)")


def hide_shapes(text: str) -> str:
    """The text without anything that looks like a key, known or not.

    Example::

        hide_shapes("Incorrect API key provided: sk-proj-abc***xyz.")  # Incorrect API key provided: [key]
    """
    return _TOLD.sub(lambda found: found.group(1) + MASK, _SHAPES.sub(MASK, text))


def secrets_in(given: Mapping[str, str]) -> list[str]:
    """Those values of headers or parameters whose names say that they are secret."""
    return [value for name, value in given.items() if any(word in name.lower() for word in _SECRET)]


@dataclass(frozen=True, slots=True)
class Keys:
    """What frees of some keys, and shows none of them itself: they stand in closures only. `keys_hidden` makes it.

    Attributes:
        hide: Gives an error's text without these keys, and without whatever looks like one.
        freed: Gives an answer without these keys, its texts and its `raw` included. Of what a model writes nothing else
            is touched, and no key of less than 16 characters, which might be any word.
        freeing: Makes what does the same for the pieces of a stream, wherever these cut a key.
    """

    hide: Hide
    freed: Freed
    freeing: Callable[[], Freeing]


def keys_hidden(*keys: str | None) -> Keys:
    """What frees of these keys."""
    long = [key for key in _known(keys) if len(key) >= _SHORTEST]
    # The longest run of plain characters stands in every way a key may be written down as JSON.
    signs = [max(re.findall("[A-Za-z0-9]+", key) or [key], key=len) for key in long]
    mask = masker(long) if long else None

    def cut(text: str) -> str:
        return text if mask is None else mask(text, True)[0]

    def freed(response: ModelResponse, sent: bytes | None = None) -> ModelResponse:
        if not long:
            return response
        if sent is not None:  # saves writing down what was just read
            written = f"{sent.decode(errors='replace')} {response.headers}"
        else:
            try:
                written = response.model_dump_json()
            except ValueError:  # half a character is in there: nobody gets to see it
                return response
        if not any(sign in written for sign in signs):
            return response
        return ModelResponse.model_validate(_each_text(response.model_dump(), cut))

    return Keys(hider(*keys), freed, partial(Freeing, mask))


def hider(*keys: str | None) -> Hide:
    """A function that hides these keys, and whatever looks like one. It shows none of them itself."""
    known = _known(keys)

    def hide(text: str) -> str:
        for key in known:
            text = text.replace(key, MASK)
        return hide_shapes(text)

    return hide


def _known(keys: Iterable[str | None]) -> list[str]:
    return sorted({key.strip() for key in keys if key and key.strip()}, key=len, reverse=True)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A value as pydantic dumps it, each text in it changed, names of members too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): _each_text(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item, change) for item in value]
    return value
