"""Who writes candidates: the search, or anything else that keeps to the same protocol."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from .memory import Memory
from .models import SEARCH, Batch, Survey
from .search import Search, batch_size
from .spec import Specification


@runtime_checkable
class Programmer(Protocol):
    """Proposes candidates, round after round."""

    async def propose(self, spec: Specification, survey: Survey, memory: Memory) -> Batch:
        """The candidates of the next round, the most promising first; none when there is nothing left to try.

        Args:
            spec: What the program should do.
            survey: How the original did: failing cases, executed lines, types.
            memory: What earlier rounds taught.
        """


class SearchProgrammer:
    """The embedded coder: a search that needs no model and no network.

    One object may serve many runs one after the other; what it keeps between calls only saves time.
    """

    def __init__(self) -> None:
        self._search: Search | None = None

    async def propose(self, spec: Specification, survey: Survey, memory: Memory) -> Batch:
        """See `Programmer`. Works in a thread, as it may take some tenths of a second."""
        if self._search is None or self._search.spec != spec or self._search.survey != survey:
            self._search = Search(spec, survey)
        search = self._search
        candidates = await asyncio.to_thread(search.propose, memory, batch_size(memory))
        return Batch(candidates=tuple(candidates), author=SEARCH)
