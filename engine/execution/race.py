"""Which part of a `first` may take what came: no two parts, so that nothing is taken by one that is then given up.

A signal or an answer is gone once it is recorded. If two parts got theirs at the same moment, the loser's would be lost. So
a part that takes something has the turn for as long as it needs to end because of that; only if it goes on instead does the
next part take its own.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

TICKS: Final = 8
"""Turns of the loop in which a body that got what it waited for may go on with it."""


class Race:
    """The parts of one `first`."""

    __slots__ = ("_loop", "_turn", "_waiters", "tasks")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # One for each part that runs, once they are made.
        self.tasks: Sequence[asyncio.Task[object]] = ()
        # Whose turn it is, and who wants it.
        self._turn: int | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def turn(self, part: int) -> AsyncIterator[None]:
        """Take the turn, as soon as no other part has it. Once one is over there is no other turn: who waits is cancelled."""
        while self._turn not in (None, part) or any(task.done() for task in self.tasks):
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter
        self._turn = part
        try:
            yield
        finally:
            self._later(TICKS)

    def _later(self, ticks: int) -> None:
        """Pass the turn on once its part has had time to end."""
        if ticks:
            self._loop.call_soon(self._later, ticks - 1)
            return
        self._turn = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


RACES: Final[contextvars.ContextVar[tuple[tuple[Race, int], ...]]] = contextvars.ContextVar(
    "backedge_races", default=()
)
"""The races that what runs now is a part of, outermost first, and which part."""


@asynccontextmanager
async def turns() -> AsyncIterator[None]:
    """Take the turn in every race one is a part of."""
    async with AsyncExitStack() as stack:
        for race, part in RACES.get():
            await stack.enter_async_context(race.turn(part))
        yield
