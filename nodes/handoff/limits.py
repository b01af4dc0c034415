"""How often agents may hand off to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .state import Frame, Passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often agents may hand off to each other. Coming back with an answer does not count.

    Attributes:
        handoffs: How often in all.
        depth: How many may wait for an answer at once: how deep handoffs that return may be nested.
        pair: How often between any two agents, in both directions together; None for no bound but `handoffs`.

    Raises:
        ValueError: One of them is less than 1.
    """

    handoffs: int = 10
    depth: int = 5
    pair: int | None = None

    def __post_init__(self) -> None:
        for name, number in (("handoffs", self.handoffs), ("depth", self.depth), ("pair", self.pair)):
            if number is None and name == "pair":
                continue
            if not isinstance(number, int) or number < 1:
                raise ValueError(f"{name}= wants a number from 1, not {number!r}")

    def reached(
        self, trail: Sequence[Passing], stack: Sequence[Frame], source: str, target: str, *, returns: bool
    ) -> str:
        """The limit that a further handoff would pass, such as ``depth=5``; empty when it may be.

        Args:
            trail: What was handed over until now.
            stack: Who waits for an answer.
            source: Who wants to hand off.
            target: To whom.
            returns: Whether the answer is to come back.
        """
        made = [one for one in trail if one.kind in ("handoff", "call")]
        if len(made) >= self.handoffs:
            return f"handoffs={self.handoffs}"
        if returns and len(stack) >= self.depth:
            return f"depth={self.depth}"
        between = sum({one.source, one.target} == {source, target} for one in made)
        return f"pair={self.pair}" if self.pair is not None and between >= self.pair else ""
