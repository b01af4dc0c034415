"""Reading a model's answer: from what it wrote to a changed program.

Models are asked for whole functions, which even small ones write reliably: nothing has to be quoted exactly and no
lines counted. Whatever else they write is taken as it is meant, where that is clear: the whole program, blocks to search
and replace, a unified diff, line numbers copied from the prompt, code without a fence.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .grafting import grafted
from .models import lines_of

_FENCE: Final = re.compile(
    r"^[ \t]*(```+|~~~+)[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE
)
_OPEN: Final = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*[\w+-]*[ \t]*\n", re.MULTILINE)
_SEARCH: Final = re.compile(
    r"^<{5,} ?SEARCH[^\n]*\n(.*?)^={5,}[ \t]*\n(.*?)^>{5,} ?REPLACE", re.DOTALL | re.MULTILINE
)
_HUNK: Final = re.compile(r"^@@[^\n]*\n", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^ *\d+ ?[|:] ?")


class UnusableAnswerError(Exception):
    """No changed program could be made of an answer; the message tells the model why, and what to do."""


def program_from(answer: str, original: str) -> str:
    r"""The program that an answer makes of the original.

    Raises:
        UnusableAnswerError: It makes none, or no other one.

    Example:
        >>> program_from("Here:\n```python\ndef f(x):\n    return x\n```", "K = 1\n\ndef f(x):\n    return -x\n")
        'K = 1\n\ndef f(x):\n    return x\n'
    """
    problem = "there is no code in it"
    for change in _changes(answer.replace("\r\n", "\n")):
        try:
            made = change.applied(original)
        except UnusableAnswerError as error:
            problem = str(error)
            continue
        if made != original:
            return made
        problem = "it leaves the program as it is"
    raise UnusableAnswerError(problem)


@dataclass(frozen=True, slots=True)
class _Edits:
    """Texts to be found and what to put in their place."""

    pairs: tuple[tuple[str, str], ...]

    def applied(self, original: str) -> str:
        text = original
        for old, new in self.pairs:
            text = _exchanged(text, old, new)
        return _parsed(text)


@dataclass(frozen=True, slots=True)
class _Code:
    """Python: functions to take the place of those of the same names, or a whole program."""

    text: str

    def applied(self, original: str) -> str:
        code = textwrap.dedent(_without_numbers(self.text)).strip("\n") + "\n"
        _parsed(code)
        made = grafted(original, code)
        if made is None:
            raise UnusableAnswerError("it defines no function or class that the program has")
        return _parsed(made)


def _changes(answer: str) -> Iterator[_Edits | _Code]:
    """What an answer may mean, the most certain first."""
    pairs = tuple(_SEARCH.findall(answer))
    if pairs:
        yield _Edits(pairs)
        return
    blocks = [(language.lower(), text) for _, language, text in _FENCE.findall(answer)]
    if not blocks and (begun := _OPEN.search(answer)) is not None:
        blocks = [("", answer[begun.end() :])]  # a fence that was not closed
    diffs = [text for language, text in blocks if language in ("diff", "patch") or _HUNK.search(text)]
    if not blocks and _HUNK.search(answer):
        diffs = [answer]
    for text in diffs:
        yield _Edits(tuple(_hunks(text)))
    code = [
        text for language, text in blocks if text not in diffs and language not in ("json", "text", "bash")
    ]
    if len(code) > 1:
        yield _Code("\n\n".join(map(textwrap.dedent, code)))
    for text in sorted(code, key=len, reverse=True):
        yield _Code(text)
    if not blocks and not diffs and _is_code(answer):
        yield _Code(answer)


def _hunks(diff: str) -> Iterator[tuple[str, str]]:
    """Old and new text of each hunk; line numbers are not believed, since models cannot count them."""
    body = _HUNK.split(diff)
    for hunk in body[1:] if len(body) > 1 else [diff]:
        lines = [
            line
            for line in lines_of(hunk)
            if not line.startswith(("--- ", "+++ ", "diff ", "index ", "\\", "@@"))
        ]
        old = "".join(line[1:] or "\n" for line in lines if line[:1] in " -\n")
        new = "".join(line[1:] or "\n" for line in lines if line[:1] in " +\n")
        if old != new:
            yield old.rstrip("\n") + "\n", new.rstrip("\n") + "\n" if new.strip() else ""


def _exchanged(text: str, old: str, new: str) -> str:
    """Put one text in the place of another, which is found even where it is indented otherwise or ends in blanks.

    Raises:
        UnusableAnswerError: It is not there, or several times.
    """
    old, new = (_without_numbers(part) for part in (old, new))
    if not old.strip():
        raise UnusableAnswerError("a block does not say which lines to replace")
    lines, wanted = lines_of(text), [line.strip() for line in old.strip("\n").split("\n")]
    stripped = [line.strip() for line in lines]
    places = [at for at in range(len(lines)) if stripped[at : at + len(wanted)] == wanted]
    if not places:
        raise UnusableAnswerError(f"these lines are not in the program: {wanted[0][:80]!r} and what follows")
    if len(places) > 1:
        raise UnusableAnswerError(
            f"these lines are in the program {len(places)} times: {wanted[0][:80]!r}; show more"
        )
    at = places[0]
    before = next(line for line in old.strip("\n").split("\n") if line.strip())
    there = next(line for line in lines[at : at + len(wanted)] if line.strip())
    put = _shifted(new, _indent(there) - _indent(before))
    return "".join([*lines[:at], put, *lines[at + len(wanted) :]])


def _shifted(text: str, by: int) -> str:
    """A text's lines, indented by so many blanks more or less."""
    lines = [line.rstrip() for line in text.strip("\n").split("\n")] if text.strip() else []
    moved = [" " * max(_indent(line) + by, 0) + line.lstrip() if line else "" for line in lines]
    return "".join(f"{line}\n" for line in moved)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _without_numbers(text: str) -> str:
    """Without the line numbers that the prompt shows, where every line was copied with its own."""
    lines = text.split("\n")
    if all(_NUMBERED.match(line) for line in lines if line.strip()):
        return "\n".join(_NUMBERED.sub("", line) for line in lines)
    return text


def _parsed(text: str) -> str:
    """The text, if it is Python.

    Raises:
        UnusableAnswerError: It is not.
    """
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = (
            f" (line {line}: {text.splitlines()[line - 1].strip()[:80]!r})"
            if line and line <= text.count("\n")
            else ""
        )
        raise UnusableAnswerError(f"it is not Python: {getattr(error, 'msg', error)}{where}") from None
    return text


def _is_code(answer: str) -> bool:
    """Whether an answer without a fence is Python that defines something."""
    try:
        tree = ast.parse(textwrap.dedent(_without_numbers(answer)))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(not isinstance(one, ast.Expr) for one in tree.body)
