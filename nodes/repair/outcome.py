"""How a repair by two coders ended: who won, and what both did together."""

from __future__ import annotations

from typing import TypeAlias

from .memory import MOST_WINNERS, Memory
from .models import Frozen, Status, Verdict

Side: TypeAlias = tuple[Memory, Verdict]
"""What one side remembers, and how it ended."""


class Outcome(Frozen):
    """The end of a repair by two coders."""

    memory: Memory
    verdict: Verdict


def outcome_of(cases: int, search: Side, model: Side, name: str) -> Outcome:
    """Put two sides together.

    The patches of the side that was done first come first; candidates, rounds and bills are added up.

    Args:
        cases: How many there are.
        search: The search's side.
        model: The model's.
        name: What the model is called.
    """
    sides = sorted((search, model), key=lambda side: (not side[0].winners, side[0].seconds))
    memory, other = sides[0][0], sides[1][0]
    both = memory.model_copy(
        update={
            "winners": (*memory.winners, *other.winners)[:MOST_WINNERS],
            "round": memory.round + other.round,
            "candidates": memory.candidates + other.candidates,
            "seconds": max(memory.seconds, other.seconds),
            "best": max(memory.best, other.best),
            "bill": memory.bill + other.bill,
        }
    )
    if not both.winners:
        return Outcome(memory=both, verdict=_failed(search[1], model[1]))
    who = name if sides[0] is model else "the search"
    count = "a patch" if len(both.winners) == 1 else f"{len(both.winners)} patches"
    message = f"{count} found, by {who} first; all {cases} cases pass"
    return Outcome(memory=both, verdict=Verdict(status="repaired", message=message))


def _failed(search: Verdict, model: Verdict) -> Verdict:
    late = "out of time" in (search.status, model.status)
    status: Status = "out of time" if late else "exhausted"
    return Verdict(status=status, message=f"the search: {search.message}; the model: {model.message}")
