"""What the engine needs from others: a journal.

`backedge.checkpoints` implements these protocols; anything else that passes its contract test suite may too.
"""

from __future__ import annotations

import asyncio
import os
import pkgutil
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, runtime_checkable

from .records import Awaited, Letter, Pending, Record, RunForked, RunHeader, RunStarted, RunSummary


@runtime_checkable
class Journal(Protocol):
    """A store of runs, safe to share between runs, and between processes where it lies on disk."""

    @property
    def name(self) -> str:
        """What to call this journal in messages: its path, or ``memory``."""

    async def create(self, header: RunHeader, first: RunStarted | RunForked, *more: Record) -> RunLog:
        """Store a new run with its first record, and any that follow it, durably and at once, and own it.

        A run with a parent shares the parent's records up to the one that `header.parent` names: nothing is copied,
        `first.seq` is the next number, and `read` gives both as one.

        Raises:
            RunExistsError: The id is taken. Nothing was changed.
            RunNotFoundError: There is no such parent.
        """

    async def acquire(self, run_id: str, *, takeover: bool = False, epoch: int | None = None) -> RunLog:
        """Become the owner of an existing run; its epoch is raised.

        With `epoch` only if nobody has acquired it since it had that one.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody else owns it, and `takeover` was not given; or has owned it since `epoch`.
        """

    async def header(self, run_id: str) -> RunHeader:
        """The run's header. Raises RunNotFoundError."""

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records with a `seq` above `after` (and below `before`), in order; no ownership needed.

        Raises:
            RunNotFoundError: There is no such run.
            JournalCorruptError: A record is damaged; it is named.
        """

    async def frontier(self, run_id: str, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The last frontier that was kept of the run (of a record below `before`), and that record's number.

        For a fork those of its parent's records may count too, but for the one it was forked at. None when there is none.

        Raises:
            RunNotFoundError: There is no such run.
        """

    async def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first."""

    async def pending(self, graphs: Collection[str], now: float, *, limit: int = 1000) -> Sequence[Pending]:
        """Runs of these graphs that nobody works on and that should be gone on with, up to `limit`.

        Those whose owner died; those that wait for something that has come, a timer that is due by `now` included; those
        that were handed over; and those that somebody asked to cancel. The cost of looking must depend on how
        many these are, and how many runs are under way, not on how many rest.
        """

    async def post(self, run_id: str, letter: Letter) -> int:
        """Keep something for a run, durably, until its owner takes it; returns its number. From any process.

        Raises:
            RunNotFoundError: There is no such run.
        """

    async def letters(self, run_id: str, *, after: int = 0) -> Sequence[Letter]:
        """What was posted to a run and not taken yet, with a number above `after`, in order.

        Raises:
            RunNotFoundError: There is no such run.
        """

    async def delete(self, run_id: str) -> None:
        """Remove a run and give its space back. Forks of it stay whole.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody is working on it.
        """

    async def close(self) -> None:
        """Write what is queued, then let go of files and threads. Closing twice does nothing."""


class RunLog(Protocol):
    """One run, owned: the right to append to it."""

    @property
    def header(self) -> RunHeader:
        """The run's header."""

    @property
    def epoch(self) -> int:
        """How often the run had been acquired, this time included: 1 for its creator."""

    def append(
        self, *records: Record, taken: Sequence[int] = (), awaited: Awaited | None = None
    ) -> asyncio.Future[None]:
        """Queue records; the future is done when they are committed as durably as the journal promises.

        In the same transaction the letters numbered in `taken` are removed: what they say is in the records now. With
        a record by which the run comes to rest, `awaited` says what for; see `Journal.pending`.

        Records are committed in the order of the calls, those of one call together. `seq` must go on without a
        gap. Once an append failed every later one fails too.

        The future's exception is FencedError when a newer owner took the run over, or JournalWriteError when the
        commit failed. Cancelling the future does not take back the records.
        """

    def keep(self, seq: int, frontier: bytes) -> None:
        """Keep what the records up to `seq` led to, for whoever opens the run. A cache: it may get lost."""

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` on the event loop soon after a letter for the run was posted, by any process, until it is released.

        Letters that came since the log was made count. It may be called without need; what came, `Journal.letters`
        tells. One look into the journal serves all of its runs.
        """

    async def check(self) -> None:
        """Make sure that the run is still ours; asked before each effect.

        Raises:
            FencedError: A newer owner took it over.
        """

    async def release(self) -> None:
        """Write what is queued and give up ownership. Releasing twice does nothing."""


OPENER: Final = "backedge.checkpoints:open_journal"
"""What opens the journal that a caller names by its path. Named, not imported: the engine knows no implementation."""


def opened(
    where: str | os.PathLike[str] | Journal, *, create: bool = True
) -> AbstractAsyncContextManager[Journal]:
    """The journal as an async context manager: a path is opened and closed, an open journal is left open.

    Without `create` a journal that is not there is not made but a JournalOpenError.
    """
    opener: Any = pkgutil.resolve_name(OPENER)
    manager: AbstractAsyncContextManager[Journal] = opener(where, create=create)
    return manager
