"""Reads what providers say about their limits in HTTP headers.

OpenAI and those like it: ``x-ratelimit-remaining-requests`` and ``-tokens``, with ``x-ratelimit-reset-...`` as a
duration (``1.5s``, ``6m0s``, ``20ms``). Anthropic: ``anthropic-ratelimit-requests-remaining`` and ``-tokens-``, ``-input-tokens-``,
``-output-tokens-``, with ``...-reset`` as a time (RFC 3339).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from .gate import Sort, Told

_NAMES: Final[dict[Sort, tuple[tuple[str, str], ...]]] = {
    "requests": (
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-req-minute", ""),
        ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ),
    "tokens": (
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        ("x-ratelimit-remaining-tokens-minute", ""),
        ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
        ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
        ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ),
}
_UNITS: Final = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
_PIECE: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")


def told_by(headers: Mapping[str, str], date: datetime) -> dict[Sort, Told]:
    """What is left, by the headers; what they do not say, or not so that it can be read, is left out.

    Args:
        headers: Names in lower case.
        date: The time now, with a time zone.

    Example::

        told_by({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, now)
        # {"requests": Told(remaining=0.0, reset=90.0)}
    """
    found: dict[Sort, Told] = {}
    for sort, names in _NAMES.items():
        told = [one for one in (_told(headers, pair, date) for pair in names) if one is not None]
        if told:
            found[sort] = min(told, key=lambda one: one.remaining)
    return found


def _told(headers: Mapping[str, str], names: tuple[str, str], date: datetime) -> Told | None:
    remaining = _number(headers.get(names[0], ""))
    return None if remaining is None else Told(remaining, seconds(headers.get(names[1], ""), date))


def seconds(text: str, date: datetime) -> float | None:
    """A duration or a time to come in seconds from `date`; None when it is neither."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        return number
    if text and _PIECE.sub("", text) == "":
        return sum(float(amount) * _UNITS[unit] for amount, unit in _PIECE.findall(text))
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - date).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
