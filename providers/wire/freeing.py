"""Frees the pieces of a stream of keys, wherever these are cut: what may go on to be a key is held back until it is known.

No more than that is held back, which is shorter than the longest key; nearly always it is nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..protocol import Piece, ToolCallDelta
from ..shapes import MASK

Mask: TypeAlias = Callable[[str, bool], tuple[str, str]]
"""Masks the keys in a text, and says whether it is all there is: if not, gives an end that may go on to be a key apart."""


def masker(keys: Sequence[str]) -> Mask:
    """What masks these keys, of which there is one at least and none is empty; it shows none of them itself.

    Example::

        mask = masker(["sk-1234"])
        mask("it is sk-1234 or sk-1", False)  # ("it is [key] or ", "sk-1")
        mask("it is sk-1234 or sk-1", True)   # ("it is [key] or sk-1", "")
    """
    ordered = sorted(keys, key=len, reverse=True)
    longest = len(ordered[0])
    whole = re.compile("|".join(map(re.escape, ordered)))

    def end_from(text: str, begun: int, stop: int) -> int | None:
        for place in range(max(begun, len(text) - longest + 1), stop):
            end = text[place:]
            if any(len(key) > len(end) and key.startswith(end) for key in ordered):
                return place
        return None

    def mask(text: str, last: bool) -> tuple[str, str]:
        told: list[str] = []
        begun = 0
        while True:
            found = whole.search(text, begun)
            until = found.start() if found else len(text)
            # A key that is whole may be the beginning of a longer one.
            end = None if last else end_from(text, begun, min(until + 1, len(text)))
            if end is not None:
                return "".join((*told, text[begun:end])), text[end:]
            told.append(text[begun:until])
            if not found:
                return "".join(told), ""
            told.append(MASK)
            begun = found.end()

    return mask


class Freeing:
    """Frees the pieces of one stream of keys; the words, the thoughts and each tool call are a text of their own.

    Args:
        mask: Masks the keys; without it the pieces pass as they are.
    """

    __slots__ = ("_held", "_mask")

    def __init__(self, mask: Mask | None) -> None:
        self._mask = mask
        # The end of what came of each text, which may go on to be a key, as a piece of its kind.
        self._held: dict[tuple[str, int], Piece] = {}

    def take(self, piece: Piece) -> Piece | None:
        """The next piece: what of it, and of what was held back before it, can be given on; None for nothing."""
        if self._mask is None:
            return piece
        of = (piece.kind, piece.index if isinstance(piece, ToolCallDelta) else 0)
        before = self._held.pop(of, None)
        text = _text_of(piece) if before is None else _text_of(before) + _text_of(piece)
        told, held = self._mask(text, False)
        if held:
            self._held[of] = _with(piece, held, bare=True)
        if told == _text_of(piece):
            return piece
        named = isinstance(piece, ToolCallDelta) and (piece.id or piece.name)
        return _with(piece, told) if told or named else None

    def rest(self) -> list[Piece]:
        """The end of the stream: what was held back, and did not go on to be a key."""
        held = (
            []
            if self._mask is None
            else [_with(one, self._mask(_text_of(one), True)[0]) for one in self._held.values()]
        )
        self._held.clear()
        return held


def _text_of(piece: Piece) -> str:
    return piece.arguments if isinstance(piece, ToolCallDelta) else piece.text


def _with(piece: Piece, text: str, *, bare: bool = False) -> Piece:
    """The piece with another text; `bare`, as a later piece of the same."""
    if isinstance(piece, ToolCallDelta):
        return (
            ToolCallDelta(index=piece.index, arguments=text)
            if bare
            else piece.model_copy(update={"arguments": text})
        )
    return piece.model_copy(update={"text": text})
