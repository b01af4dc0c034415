"""Adds up what calls took and cost, by run, node, agent and model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from ..labels import Labels
from ..messages import Usage

By: TypeAlias = Literal["run", "node", "agent", "model"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What some calls took together.

    Attributes:
        calls: How many there were.
        failed: Those of them without an answer.
        cost: US dollars, of those whose price is known.
        unpriced: Those that took something whose price is not known: with any, `cost` is only a part.
        usage: The tokens.
    """

    calls: int = 0
    failed: int = 0
    cost: float = 0.0
    unpriced: int = 0
    usage: Usage = field(default_factory=Usage)

    def __str__(self) -> str:
        """The cost, and what of it is unknown."""
        calls = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        if not self.unpriced:
            return f"${self.cost:.4f} for {calls}"
        known = f"${self.cost:.4f} and more" if self.cost else "unknown"
        return f"{known} for {calls} ({self.unpriced} without a known price)"


_PLACES: Final[dict[By, int]] = {"run": 0, "node": 1, "agent": 2, "model": 3}
"""Where each stands in the keys of the sums."""


class _Sum:
    """A growing `Spent`."""

    __slots__ = ("cached", "calls", "cost", "failed", "read", "stored", "thought", "unpriced", "written")

    def __init__(self) -> None:
        self.calls = self.failed = self.unpriced = 0
        self.cost = 0.0
        self.read = self.written = self.cached = self.stored = self.thought = 0

    def add(self, usage: Usage, cost: float | None, failed: bool) -> None:
        self.calls += 1
        self.failed += failed
        self.unpriced += cost is None
        self.cost += cost or 0.0
        self.read += usage.input_tokens
        self.written += usage.output_tokens
        self.cached += usage.cached_tokens
        self.stored += usage.cache_write_tokens
        self.thought += usage.reasoning_tokens

    def spent(self) -> Spent:
        usage = Usage(
            input_tokens=self.read,
            output_tokens=self.written,
            cached_tokens=self.cached,
            cache_write_tokens=self.stored,
            reasoning_tokens=self.thought,
        )
        return Spent(self.calls, self.failed, self.cost, self.unpriced, usage)


class Ledger:
    """What was spent in this process. Answers that came from a journal cost nothing again and are not in it.

    Example::

        ledger.total                 # Spent(calls=7, cost=0.0312, ...)
        ledger.by("node")["coder"]   # what the coder took
        ledger.of(run="demo", model="openai:gpt-5")
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str, str], _Sum] = {}

    def add(
        self, labels: Labels, model: str, usage: Usage, cost: float | None, *, failed: bool = False
    ) -> None:
        """Note one call.

        Args:
            labels: Whom it was for.
            model: Who answered, as we name it.
            usage: What it took.
            cost: What that cost in US dollars; ``None`` when its price is unknown.
            failed: Whether there was no answer.
        """
        key = (labels.run, labels.node, labels.agent, model)
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _Sum()
        found.add(usage, cost, failed)

    @property
    def total(self) -> Spent:
        """All calls."""
        return _together(self._sums.values())

    def by(self, what: By) -> dict[str, Spent]:
        """What each run, node, agent or model took; those without a name under the empty one."""
        groups: dict[str, list[_Sum]] = {}
        for key, one in self._sums.items():
            groups.setdefault(key[_PLACES[what]], []).append(one)
        return {name: _together(sums) for name, sums in groups.items()}

    def by_labels(self) -> dict[Labels, Spent]:
        """What was taken for each: run, node and agent together."""
        groups: dict[Labels, list[_Sum]] = {}
        for (run, node, agent, _), one in self._sums.items():
            groups.setdefault(Labels(run=run, node=node, agent=agent), []).append(one)
        return {labels: _together(sums) for labels, sums in groups.items()}

    def of(
        self,
        *,
        run: str | None = None,
        node: str | None = None,
        agent: str | None = None,
        model: str | None = None,
    ) -> Spent:
        """What the calls took to which all of these apply."""
        wanted = (run, node, agent, model)
        return _together(
            one
            for key, one in self._sums.items()
            if all(value is None or value == has for value, has in zip(wanted, key, strict=True))
        )

    def forget(self, run: str) -> None:
        """Drop what a run spent, as a process that serves many runs should when it has reported it."""
        for key in [key for key in self._sums if key[0] == run]:
            del self._sums[key]


def _together(sums: Iterable[_Sum]) -> Spent:
    total = _Sum()
    for one in sums:
        for name in _Sum.__slots__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total.spent()
