"""How similar two texts are by their words.

A text becomes words: Unicode NFKC, without regard to case, quantities and dates as one word each (so that ``$500K`` and
``500,000 dollars`` are one), synonyms replaced; no stemming, no list of words to leave out. Its *shingles* are its words and its
pairs of neighbouring words. Two measures over sets of shingles, after A. Z. Broder, "On the resemblance and containment of
documents", 1997 (the first is the index of P. Jaccard, 1901):

* resemblance of A and B: |A ∩ B| / |A ∪ B|, the same both ways round;
* containment of A in B: |A ∩ B| / |A|.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Final, Protocol, TypeAlias

from .quantities import Quantity, cleaned, find
from .synonyms import Synonyms
from .units import Units

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

Shingles: TypeAlias = frozenset[tuple[str, ...]]


class Similarity(Protocol):
    """How similar two texts are, from 0 to 1, the same both ways round."""

    def __call__(self, one: str, other: str, /) -> float:
        """The similarity of two texts."""
        ...


@dataclass(frozen=True)
class Reading:
    """What was read in a text.

    Attributes:
        words: Its words, in order, synonyms replaced.
        shingles: Its words and pairs of words.
        quantities: Its quantities, in order.
    """

    words: tuple[str, ...]
    shingles: Shingles
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Reader:
    """Reads texts with a table of synonyms and one of units.

    Example:
        >>> Reader().read("Buy 3 km of rope").words == Reader().read("purchase 3000 m of ROPE").words
        True
    """

    synonyms: Synonyms = field(default_factory=Synonyms.standard)
    units: Units = field(default_factory=Units)

    def read(self, text: str) -> Reading:
        """The words and quantities of a text."""
        whole = cleaned(text)
        found = list(find(whole, self.units))
        words = self.synonyms.replaced(list(_words(whole, found)))
        shingles = frozenset([*((word,) for word in words), *pairwise(words)])
        return Reading(words, shingles, tuple(one.quantity for one in found if one.quantity is not None))


def _words(text: str, found: Sequence[tuple[Quantity | None, int, int]]) -> Iterator[str]:
    at = 0
    for quantity, start, end in [*found, (None, len(text), len(text))]:
        yield from _WORD.findall(text[at:start].casefold())
        if quantity is not None:
            yield quantity.token
        else:
            yield from _WORD.findall(text[start:end].casefold())
        at = end


def resemblance(one: Reading, other: Reading) -> float:
    """How much two texts have in common, of all that is in either: 0 for nothing, 1 for everything; 1 for two empty ones.

    Example:
        >>> reader = Reader()
        >>> resemblance(reader.read("a b"), reader.read("b a"))
        0.5
    """
    common = len(one.shingles & other.shingles)
    together = len(one.shingles) + len(other.shingles) - common
    return common / together if together else 1.0


def containment(one: Reading, other: Reading) -> float:
    """How much of the first text is in the second: 0 for nothing, 1 for all; of an empty text all."""
    return len(one.shingles & other.shingles) / len(one.shingles) if one.shingles else 1.0


def cosine(vectors: Mapping[str, Sequence[float]]) -> Similarity:
    """Similarity by the vectors of an embedding: the cosine of their angle, and 0 where it is negative.

    Args:
        vectors: The vector of each text.

    Example:
        >>> cosine({"a": [1, 0], "b": [1, 1]})("a", "b")
        0.7071067811865475
    """

    def similarity(one: str, other: str, /) -> float:
        left, right = vectors[one], vectors[other]
        if len(left) != len(right):
            raise ValueError(f"vectors of one embedding are equally long, not {len(left)} and {len(right)}")
        if one == other:
            return 1.0
        size = sqrt(sum(x * x for x in left)) * sqrt(sum(x * x for x in right))
        inner = sum(x * y for x, y in zip(left, right, strict=True))
        return min(1.0, max(0.0, inner / size)) if size else 0.0

    return similarity
