"""Plausible is not correct: which of the patches that pass all cases to show first.

Three things speak for a patch: it is small; on inputs near cases that the original passes it does what the original
did; and it does not raise or hang where the original did not. Where several patches were found, those that agree with
most of the others come first, since there are many ways to be wrong and few to be right.
"""

from __future__ import annotations

from collections.abc import Sequence

from .models import Winner

FAULT = "!"
"""A neighbouring input on which a program raised, hung or died."""


def ranked(winners: Sequence[Winner], original: Sequence[str], passing: Sequence[bool]) -> list[Winner]:
    """Winners, the best first.

    Args:
        winners: In the order in which they were found.
        original: What the original does on each neighbouring input.
        passing: For each of these, whether it is near a case that the original passes.
    """
    scores = {id(one): score(one, winners, original, passing) for one in winners}
    return sorted(winners, key=lambda one: -scores[id(one)])


def score(one: Winner, winners: Sequence[Winner], original: Sequence[str], passing: Sequence[bool]) -> float:
    """How much speaks for a winner; higher is better."""
    smallness = 1.0 / (1.0 + one.candidate.size)
    nearby = list(zip(one.behaviour, original, passing, strict=False))
    if not nearby:
        return smallness
    near_passing = [(own, other) for own, other, good in nearby if good and other != FAULT]
    kept = _share([own == other for own, other in near_passing])
    faults = _share([own == FAULT for own, other, _ in nearby if other != FAULT])
    others = [other for other in winners if other is not one]
    agreement = _share(
        [
            own == theirs
            for other in others
            for own, theirs in zip(one.behaviour, other.behaviour, strict=False)
        ]
    )
    return smallness + 0.5 * kept - faults + 0.5 * agreement


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
