"""Where the two sides of a repair by search and model meet: what the search knows, and how one calls the other off."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from backedge.engine.letters import Where, send

from .memory import Memory


@runtime_checkable
class Board(Protocol):
    """Where the two sides of one run meet."""

    def post(self, memory: Memory) -> None:
        """The search shows what it knows."""

    def look(self) -> Memory:
        """What the search showed last."""

    async def call_off(self, run_id: str, signal: str) -> None:
        """Send a signal to the run."""


class JournalBoard:
    """A `Board` for a run in a journal. Make one for each run.

    Args:
        journal: The run's journal, or its path.
    """

    def __init__(self, journal: Where) -> None:
        self._journal = journal
        self._memory = Memory()

    def post(self, memory: Memory) -> None:
        """See `Board`."""
        self._memory = memory

    def look(self) -> Memory:
        """See `Board`."""
        return self._memory

    async def call_off(self, run_id: str, signal: str) -> None:
        """See `Board`."""
        await send(run_id, signal, journal=self._journal)
