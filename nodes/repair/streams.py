"""In which order the search opens its streams of edits: a stream is one tier of edits on one starting program.

Cheap edits of the original come first. A first edit that made a good part of the failing cases pass and broke little
is then worth a second edit before the original gets dear ones: programs with two defects are repaired this way. How
much the first edit has to gain, and how many such starting points there are at a time, bounds what this costs where
one edit would have been enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .memory import Base

Stream = tuple[int, int]
"""A base, 0 for the original, and a tier."""

TOP_BASES = 4
"""Starting points that are opened together."""

STRONG, MOST_STRONG = 0.4, 2
"""The gain from which a single edit is worth a second one early, and how many such edits there are at a time."""


def streams(bases: Sequence[Base], tiers: int) -> Iterator[Stream]:
    """All streams, in the order in which they are opened.

    Args:
        bases: Starting points for further edits, in the order in which they were found; the first is base 1.
        tiers: How many tiers there are.
    """
    return iter(dict.fromkeys(_wanted(bases, tiers - 1)))


def _wanted(bases: Sequence[Base], last: int) -> Iterator[Stream]:
    """The order, in which a stream may come twice."""
    order = sorted(range(1, len(bases) + 1), key=lambda base: (-bases[base - 1].gain, base))
    single = [base for base in order if bases[base - 1].edits == 1]
    strong = [base for base in single if bases[base - 1].gain >= STRONG][:MOST_STRONG]
    top, others = order[:TOP_BASES], order[TOP_BASES:]
    yield 0, 0
    yield from ((base, 0) for base in strong)
    yield from ((0, tier) for tier in range(1, last))
    yield from ((base, 0) for base in top)
    yield 0, last
    for tier in range(1, last):
        yield from ((base, tier) for base in top)
        yield from ((base, tier - 1) for base in others)
    yield from ((base, last) for base in top)
