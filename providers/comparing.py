"""How two requests differ, in lines a person can read: which message, which words.

The algorithm for words is `difflib.SequenceMatcher` over words and the blanks between them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

MOST: Final = 8
"""Differences that are shown; of the others the number is told."""

_AROUND = 4  # words shown on both sides of one that differs
_LONGEST = 4000  # characters of a text that are compared word by word
_SHOWN = 120


def differences(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """How a request differs from a recorded one, both as JSON objects; no lines when they are equal.

    Words that were recorded alone stand as ``[-so-]``, those that were asked alone as ``{+so+}``.
    """
    lines = list(_found(recorded, asked))
    if len(lines) > MOST:
        lines[MOST:] = [f"... and {len(lines) - MOST} more differences"]
    return lines


def nearest(recorded: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> int:
    """The index of the recorded request that is most like this one; there must be one."""

    def likeness(index: int) -> tuple[int, float, int]:
        one, other = recorded[index], asked
        mine, theirs = one.get("messages", []), other.get("messages", [])
        pairs = list(zip(mine, theirs, strict=False))
        same = sum(a == b for a, b in pairs) - abs(len(mine) - len(theirs))
        same += sum(one[name] == other.get(name) for name in one if name != "messages")
        parting = next((pair for pair in pairs if pair[0] != pair[1]), None)
        return same, 1.0 if parting is None else _ratio(*map(_text, parting)), -index

    return max(range(len(recorded)), key=likeness)


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one[:_LONGEST], other[:_LONGEST], autojunk=False).quick_ratio()


def _found(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    mine, theirs = recorded.get("messages", []), asked.get("messages", [])
    for number, (one, other) in enumerate(zip(mine, theirs, strict=False)):
        where = f"messages[{number}] ({other.get('role')})"
        yield from _values(where, one, other)
    for number, message in enumerate(mine[len(theirs) :], len(theirs)):
        yield f"messages[{number}] ({message.get('role')}) is only in the recording: {_brief(_text(message))}"
    for number, message in enumerate(theirs[len(mine) :], len(mine)):
        yield f"messages[{number}] ({message.get('role')}) is not in the recording: {_brief(_text(message))}"
    for name in _names(recorded, asked):
        if name != "messages":
            yield from _values(name, recorded.get(name), asked.get(name))


def _values(where: str, one: Any, other: Any) -> Iterator[str]:
    """Where two JSON values differ, as deep inside as it can be told."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in _names(one, other):
            yield from _values(f"{where}.{name}", one.get(name), other.get(name))
    elif isinstance(one, list) and isinstance(other, list):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            yield from _values(f"{where}[{number}]", mine, theirs)
        for number, extra in enumerate(one[len(other) :], len(other)):
            yield f"{where}[{number}] is only in the recording: {_brief(extra)}"
        for number, extra in enumerate(other[len(one) :], len(one)):
            yield f"{where}[{number}] is not in the recording: {_brief(extra)}"
    elif isinstance(one, str) and isinstance(other, str):
        yield f"{where}: {_words(one, other)}"
    else:
        yield f"{where}: recorded {_brief(one)}, asked {_brief(other)}"


def _words(one: str, other: str) -> str:
    """Two texts in one line: what is equal and far from a difference is left out."""
    if max(len(one), len(other)) > _LONGEST:
        start = _parting(one, other)
        back = max(0, start - _SHOWN)
        lead = f"at character {start}: {'...' if back else ''}"
        one, other = one[back : start + _SHOWN], other[back : start + _SHOWN]
    else:
        lead = ""
    mine, theirs = re.findall(r"\S+|\s+", one), re.findall(r"\S+|\s+", other)
    matcher = difflib.SequenceMatcher(None, mine, theirs, autojunk=False)
    told: list[str] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            told.append(_middle(mine[a:b], first=(a, c) == (0, 0), last=(b, d) == (len(mine), len(theirs))))
        else:
            told.append(f"[-{''.join(mine[a:b])}-]" if b > a else "")
            told.append(f"{{+{''.join(theirs[c:d])}+}}" if d > c else "")
    return (lead + "".join(told)).replace("\n", "\\n")


def _middle(words: list[str], *, first: bool, last: bool) -> str:
    around = 2 * _AROUND  # blanks count as words here
    head = [] if first else words[:around]
    tail = [] if last else words[-around:]
    if len(head) + len(tail) >= len(words):
        return "".join(words)
    return "".join([*head, "...", *tail])


def _parting(one: str, other: str) -> int:
    """The first index at which two texts differ."""
    for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return index
    return min(len(one), len(other))


def _text(message: Mapping[str, Any]) -> str:
    words = [part.get("text") for part in message.get("parts", []) if isinstance(part.get("text"), str)]
    return "".join(words) or json.dumps(message.get("parts", []), ensure_ascii=False)


def _names(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterable[str]:
    return dict.fromkeys([*one, *other])


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
