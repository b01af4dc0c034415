"""A run's records on their way into the journal: numbered, queued, committed, and only then acted upon.

Whoever has something to record hands it over together with what is to happen once it is committed. Commits are acted
upon in the order in which they were queued, so nothing ever starts that depends on something not on disk, unless the run
asked for that (`durability`); its end is never told before all is. Without a journal the same path is taken with the
commit left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from ..errors import JournalWriteError
from ..frontier import Cutter
from ..ports import RunLog
from ..records import Awaited, EffectOpened, Record, RunEnded, RunStatus
from ..schedule import Schedule
from .durability import Durability, LaggingLog


class Owner(Protocol):
    """Whose records they are."""

    def broken(self, error: BaseException) -> None:
        """A commit failed, or what was to follow it did."""

    def rest(self) -> None:
        """A commit is over and what follows it is done: perhaps that was the last thing."""


class Ledger:
    """The records of one run.

    Attributes:
        kept: Whether there is a journal.
        pending: How many commits are under way or not yet acted upon.
        last_taken: The letters that the record of the run's end makes good.
    """

    __slots__ = ("_cutter", "_end", "_lagging", "_log", "_seq", "kept", "last_taken", "pending")

    def __init__(
        self,
        log: RunLog | None,
        seq: int,
        cutter: Cutter | None,
        durability: Durability = "step",
        begun: Iterable[EffectOpened] = (),
    ) -> None:
        """Take over a log, owned from now on; `seq` is the number of the next record, `begun` are the open effects."""
        self._cutter = cutter
        # Stands in front of the log where records may be committed later than they are acted upon.
        self._lagging: LaggingLog | None = None
        if log is not None and durability != "step":
            log = self._lagging = LaggingLog(log, eager=durability == "batched", begun=begun)
        self._log = log
        self._seq = seq
        # The commit of the run's end, once it is queued: it is queued once.
        self._end: asyncio.Future[None] | None = None
        self.kept = log is not None
        self.pending = 0
        self.last_taken: Sequence[int] = ()

    def begin(self, owner: Owner) -> None:
        """The run begins: from now on `owner` is told when records cannot be committed that were acted upon."""
        if self._lagging is not None:
            self._lagging.broken = owner.broken

    def number(self) -> int:
        """The next record's `seq`. What is numbered must be submitted, in that order."""
        seq = self._seq
        self._seq += 1
        return seq

    def stand(self, schedule: Schedule) -> None:
        """Keep where the run stands, if that is due."""
        seq = self._seq - 1
        if self._cutter is None or seq < self._cutter.due or self._log is None or self.pending:
            return
        frontier = self._cutter.cut(schedule, seq)
        if frontier is not None:
            self._log.keep(seq, frontier)

    def submit(
        self, records: Sequence[Record], then: Callable[[], object], owner: Owner, taken: Sequence[int] = ()
    ) -> None:
        """Commit the records, then call `then`. Raises what the journal raises when it refuses them at once.

        `taken` are the letters that the records make good.
        """
        if self._log is None:
            then()
            return
        future = self._log.append(*records, taken=taken) if taken else self._log.append(*records)
        self.pending += 1
        if self.pending == 1 and future.done():
            self._committed(then, owner, future)
        else:
            future.add_done_callback(partial(self._committed, then, owner))

    async def fence(self) -> None:
        """Make sure that the run is still ours. Raises FencedError."""
        if self._log is not None:
            await self._log.check()

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` when letters have come for the run, as long as the log is ours."""
        if self._log is not None:
            self._log.watch(tell)

    async def close(self, status: RunStatus | None, awaited: Awaited | None = None) -> None:
        """Put the run's end into the journal, unless `status` is None, and let go of the log.

        `awaited` is what the run waits for, if it is to be gone on with by itself. To be called again when it was cancelled: then it goes on where it stopped.
        """
        if self._log is None:
            return
        try:
            if status is not None and self._end is None:
                self._end = self._log.append(
                    RunEnded(self.number(), time.time(), status), taken=self.last_taken, awaited=awaited
                )
            if self._end is not None:
                await asyncio.shield(self._end)
        finally:
            await self._log.release()

    def _committed(self, then: Callable[[], object], owner: Owner, future: asyncio.Future[None]) -> None:
        self.pending -= 1
        try:
            if future.cancelled():
                assert self._log is not None
                raise JournalWriteError(f"of run {self._log.header.run_id!r}", "a commit was cancelled")
            future.result()
            then()
        except BaseException as error:  # whatever it is, it is told at the run's end
            owner.broken(error)
        owner.rest()
