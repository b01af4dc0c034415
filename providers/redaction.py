"""Mask what looks like a secret, in whole texts and in texts that come in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from .shapes import BEGINNINGS, google_key, provider_key

MASK: Final = "[masked]"
"""What stands where a secret was."""

Redact: TypeAlias = Callable[[str], str]
"""Gives the text without what nobody should see."""


class _Sort(NamedTuple):
    """One sort of secret.

    A text in which, in lower case, none of `signs` or none of `needs` is found has no such secret: to look for these is
    ten times as quick as to look for the secret.

    Attributes:
        needs: A few characters.
        signs: Longer pieces.
        pattern: What is masked; what its group ``lead`` holds stays.
    """

    needs: tuple[str, ...]
    signs: tuple[str, ...]
    pattern: re.Pattern[str]


_BLOCK: Final = _Sort(
    ("-----",),
    ("private key-----",),
    re.compile(r"-----BEGIN[ A-Z]*PRIVATE KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE KEY-----|\Z)"),
)
_KEY: Final = _Sort(("-", "_"), BEGINNINGS, re.compile(provider_key(12)))
_TOKEN: Final = _Sort(
    ("",),
    ("github_pat_", "xox", "aiza", "ya29.", "akia", "asia", "eyj"),
    re.compile(
        r"(?<![A-Za-z0-9])(?:github_pat_\w{20,}|xox[a-z]-[A-Za-z0-9\-]{10,}|ya29\.[\w\-]{20,}"
        r"|A[KS]IA[A-Z0-9]{16}|eyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*)|" + google_key(30)
    ),
)
_SCHEME: Final = _Sort(
    (" ",), ("bearer ", "basic "), re.compile(r"(?P<lead>\b(?i:Bearer|Basic) +)[A-Za-z0-9._~+/=\-]{8,}")
)
_LOGIN: Final = _Sort(
    ("@",), ("://",), re.compile(r"(?P<lead>\b[A-Za-z][\w+.\-]*://[^\s/:@]*:)[^\s/@]+(?=@)")
)
_FIELD: Final = _Sort(
    (":", "="),
    ("key", "secret", "token", "passw", "pwd", "credential"),
    re.compile(
        r"""(?P<lead>(?<![A-Za-z0-9])[aAcCpPsStT](?i:pi[_-]?key|(?:ccess|uth)[_-]?(?:key|token)|lient[_-]?secret|redentials?
        |rivate[_-]?key|assw(?:or)?d|wd|ecret(?:[_-]?key)?|oken)["']?\s*[:=]\s*(?:["'](?=[^"'\s])|(?!["'])))
        (?!\[masked\])[^\s"',;&}]{6,}""",
        re.VERBOSE,
    ),
)
_SORTS: Final = (_BLOCK, _KEY, _TOKEN, _SCHEME, _LOGIN, _FIELD)


def redact_keys(text: str) -> str:
    """The text with everything masked that looks like a secret.

    That is: keys with the prefixes that providers give them, tokens of the usual forms, private keys, what follows
    ``Bearer``, values of fields called ``password``, ``api_key`` and the like, and passwords in addresses. It is a net,
    not a wall: a secret that looks like any other word passes.

    >>> redact_keys("use sk-abcdefghijklmnop, password=hunter2hunter2")
    'use [masked], password=[masked]'
    """
    lowered = text.lower()
    for needs, signs, pattern in _SORTS:
        for need in needs:  # loops, as calls would take longer than all the rest
            if need in lowered:
                break
        else:
            continue
        for sign in signs:
            if sign in lowered:
                text = pattern.sub(_masked, text)
                break
    return text


def _masked(found: re.Match[str]) -> str:
    return found.groupdict().get("lead", "") + MASK


class Piecewise:
    """Redacts a text that comes in pieces: a word is given on once it is whole, together with what led to it.

    So that a secret which is split over pieces is seen as a whole, the last word is held back until the next space,
    or the end. What came before on the same line, up to about a hundred characters, is looked at together with it.

    Args:
        redact: Redacts a text.
    """

    __slots__ = ("_given", "_line", "_redact", "_word")

    _FURTHEST: Final = 160
    _KEPT: Final = 80
    _LONGEST_BLOCK: Final = 8000

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        # Whole words at the end of what came, since the last line break or so.
        self._line = ""
        # What redacting `_line` gave, all of which was given on.
        self._given = ""
        # The word that may go on, in pieces.
        self._word: list[str] = []

    def take(self, piece: str) -> str:
        """The next piece: what can be given on."""
        cut = max(piece.rfind(" "), piece.rfind("\n"), piece.rfind("\t")) + 1
        if not cut:
            self._word.append(piece)
            return ""
        self._word.append(piece[:cut])
        whole = "".join(self._word)
        self._word = [piece[cut:]]
        return self._give(whole)

    def rest(self) -> str:
        """The end: what was held back."""
        whole = "".join(self._word)
        self._word = []
        return self._give(whole)

    def _give(self, words: str) -> str:
        if not words:
            return ""
        self._line += words
        told = self._redact(self._line)
        # What was given on stays said, even where the words after it would have changed it.
        new = told[_alike(told, self._given) :]
        self._given = told
        start = self._line.rfind("\n") + 1
        if start == 0 and len(self._line) > self._FURTHEST:
            start = self._line.find(" ", -self._KEPT, -1) + 1
        if start and not self._in_block():
            self._line = self._line[start:]
            self._given = self._redact(self._line)
        return new

    def _in_block(self) -> bool:
        """Whether a private key has begun that goes over many lines; only so far as keys go."""
        begun = self._line.find("-----BEGIN ")
        ended = self._line.count("KEY-----", begun) > 1
        return begun >= 0 and not ended and len(self._line) < self._LONGEST_BLOCK


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    if one.startswith(other):
        return len(other)
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), len(one))
