"""Mask what looks like a secret, in whole texts and in texts that come in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

MASK: Final = "[masked]"
"""What stands where a secret was."""

Redact: TypeAlias = Callable[[str], str]
"""Gives the text without what nobody should see."""

_NAMES = r"api[_-]?key|access[_-]?key|secret[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token"
_MORE = r"|refresh[_-]?token|private[_-]?key|secret|token|passw(?:or)?d|passwd|pwd|credentials?"

_SECRETS: Final = re.compile(
    r"""
    (?P<block>-----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z))
    | (?<![A-Za-z0-9])(?P<key>
        (?:sk|pk|rk|xai|pplx|nvapi|csk|glpat|pypi)-[A-Za-z0-9_\-]{12,}
        | (?:sk|pk|rk|gsk|hf|r8|fw|tgp|gh[pousr]|npm|dop_v1|shpat)_[A-Za-z0-9_\-]{12,}
        | github_pat_[A-Za-z0-9_]{20,}
        | xox[a-z]-[A-Za-z0-9\-]{10,}
        | AIza[A-Za-z0-9_\-]{30,}
        | ya29\.[A-Za-z0-9_\-]{20,}
        | (?:AKIA|ASIA)[A-Z0-9]{16}
        | eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*
      )
    | (?P<scheme>\b(?:Bearer|Basic)[ ]+)[A-Za-z0-9._~+/=\-]{8,}
    | (?P<field>(?:\b|_)(?:"""
    + _NAMES
    + _MORE
    + r""")["']?\s*[:=]\s*(?:["'](?=[^"'\s])|(?!["'])))(?P<value>(?!\[masked\])[^\s"',;&}]{6,})
    | (?P<login>\b[a-z][a-z0-9+.\-]*://[^\s/:@]*:)[^\s/@]+(?=@)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact_keys(text: str) -> str:
    """The text with everything masked that looks like a secret.

    That is: keys with the prefixes that providers give them, tokens of the usual forms, private keys, what follows
    ``Bearer``, values of fields called ``password``, ``api_key`` and the like, and passwords in addresses. It is a net,
    not a wall: a secret that looks like any other word passes.

    >>> redact_keys("use sk-abcdefghijklmnop, password=hunter2hunter2")
    'use [masked], password=[masked]'
    """
    return _SECRETS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    return (found["scheme"] or found["field"] or found["login"] or "") + MASK


class Piecewise:
    """Redacts a text that comes in pieces: a word is given on once it is whole, together with what led to it.

    So that a secret which is split over pieces is seen as a whole, the last word is held back until the next space,
    or the end. What came before on the same line, up to some hundred characters, is looked at together with it.

    Args:
        redact: Redacts a text.
    """

    __slots__ = ("_given", "_line", "_redact", "_word")

    _FURTHEST: Final = 400
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
            start = self._line.rfind(" ", 0, -1) + 1
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
