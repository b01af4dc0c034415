"""Small words for pictures: durations, counts, lines that fit. All output formats speak the same way."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from math import isfinite

CUT = "…"


def clean(text: str) -> str:
    r"""The text on one line, without what no picture format can hold (control characters, lone surrogates).

    >>> ascii(clean("a\n  b\x00"))
    "'a b\\ufffd'"
    """
    flat = " ".join(text.split())
    return "".join(_drawable(sign) for sign in flat)


def _drawable(sign: str) -> str:
    code = ord(sign)
    if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    return sign


def wrap(text: str, width: int, lines: int = 3) -> tuple[str, ...]:
    """The text in at most `lines` lines of at most `width` characters; what does not fit is cut off with an ellipsis.

    Words too long for a line are broken, after ``_`` or ``.`` where there is one.

    >>> wrap("not report.passed and attempts < 5", 20)
    ('not report.passed', 'and attempts < 5')
    """
    words = [piece for word in clean(text).split(" ") for piece in _pieces(word, width)]
    found: list[str] = []
    for piece, glued in words:
        if found and len(found[-1]) + len(piece) + (not glued) <= width:
            found[-1] += piece if glued else f" {piece}"
        else:
            found.append(piece)
    if len(found) > lines:
        last = found[lines - 1]
        found[lines - 1 :] = [last[: width - 1].rstrip() + CUT]
    return tuple(found) or ("",)


def _pieces(word: str, width: int) -> list[tuple[str, bool]]:
    """A word as pieces that fit, each with whether it is glued to the one before."""
    if len(word) <= width:
        return [(word, False)]
    parts = re.findall(r"[^_.]*[_.]+|[^_.]+", word)
    split = [piece for part in parts for piece in textwrap.wrap(part, width)]
    return [(piece, place > 0) for place, piece in enumerate(split)]


def cut(text: str, width: int) -> str:
    """The text on one line of at most `width` characters."""
    flat = clean(text)
    return flat if len(flat) <= width else flat[: width - 1].rstrip() + CUT


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names with commas, those beyond `most` only counted.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    told = ", ".join(names[:most])
    rest = len(names) - most
    return f"{told} and {rest:,} more" if rest > 0 else told


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "round"), count(2000, "node")
    ('1 round', '2,000 nodes')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(duration: float) -> str:
    """A duration in the unit that suits it. Clocks may jump: below zero counts as zero.

    >>> seconds(0.00004), seconds(0.0123), seconds(2.5), seconds(125), seconds(3725)
    ('40 µs', '12.3 ms', '2.5 s', '2 min 5 s', '1 h 2 min')
    """
    if not isfinite(duration):
        return "unknown time"
    duration = max(duration, 0.0)
    if duration < 0.0009995:
        return f"{duration * 1e6:.0f} µs"
    if duration < 0.9995:
        return f"{duration * 1e3:.3g} ms"
    if duration < 59.95:
        return f"{duration:.3g} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def amount(number: float) -> str:
    """A number of tokens, or of money.

    >>> amount(1200), amount(0.01234), amount(12.5)
    ('1,200', '0.0123', '12.5')
    """
    if float(number).is_integer():
        return f"{int(number):,}"
    return f"{number:,.2f}".rstrip("0").rstrip(".") if abs(number) >= 100 else f"{number:.3g}"
