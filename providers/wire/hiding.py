"""Keeps keys out of what people read: providers echo them in their errors, whole or in part."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Hide: TypeAlias = Callable[[str], str]
"""Gives a text without the keys in it."""

MASK = "[key]"

_SECRET = ("authorization", "key", "token", "secret")

_SHAPES = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|xai|pplx|csk|hf|r8|nvapi|tgp|fw|vck)[-_][A-Za-z0-9_*.\-]{6,}  # by how providers begin them
    | \bAIza[A-Za-z0-9_*\-]{10,}
    | (?<=[Bb]earer[ ])[^\s"',;]+                                                # as a header carries them
    | (?<=[Bb]asic[ ])[^\s"',;]{12,}
    | [A-Za-z0-9]{0,8}\*{3,}[-A-Za-z0-9]{0,8}                                       # shortened by the provider
    """,
    re.VERBOSE,
)
_TOLD = re.compile(r"(?i)(api[ _-]?key(?: provided| is)?\s*[:=]\s*[\"']?)([^\s\"',;]+)")


def hide_shapes(text: str) -> str:
    """The text without anything that looks like a key, known or not.

    Example::

        hide_shapes("Incorrect API key provided: sk-proj-abc***xyz.")  # Incorrect API key provided: [key]
    """
    return _TOLD.sub(lambda found: found.group(1) + MASK, _SHAPES.sub(MASK, text))


def secrets_in(given: Mapping[str, str]) -> list[str]:
    """Those values of headers or parameters whose names say that they are secret."""
    return [value for name, value in given.items() if any(word in name.lower() for word in _SECRET)]


def hider(*keys: str | None) -> Hide:
    """A function that hides these keys, and whatever looks like one. It shows none of them itself."""
    known = sorted({key.strip() for key in keys if key and key.strip()}, key=len, reverse=True)

    def hide(text: str) -> str:
        for key in known:
            text = text.replace(key, MASK)
        return hide_shapes(text)

    return hide
