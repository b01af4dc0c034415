"""Going on before records are on disk, for runs that ask for it: a log in front of a run's log.

Without it (``"step"``, the default) a record is committed before anything that depends on it starts. With it an append is
done at once, and its records wait here until they are written, always in their order and without a gap:

* ``"batched"`` writes what waits as soon as the write before is over. A crash loses the last records.
* ``"exit"`` writes when the run comes to rest. A crash loses all since the run began or was gone on with.

Under either, these are committed before the append is done, with all that waits before them: what is about to be done and
must not be done twice, and how that ended; questions and timers; what a person or another process told the run; the run's
end. And so are those of an append by which too much would wait, so that memory stays flat.

Appends are done in the order of the calls here too: what follows one that is being committed waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias, get_args

from ..errors import JournalWriteError
from ..ports import RunLog
from ..records import (
    AttemptFailed,
    Awaited,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    NodeFinished,
    Record,
    RunEnded,
    RunHeader,
)

Durability: TypeAlias = Literal["step", "batched", "exit"]
"""When a run's records are committed; see `RunOptions`."""

DURABILITIES: Final[tuple[Durability, ...]] = get_args(Durability)

MOST: Final = 4 << 20
"""Bytes of records that may wait, about."""

_RECORD: Final = 1024  # bytes a record counts for beside its values
_TOLD: Final = frozenset({EffectKind.QUESTION, EffectKind.SIGNAL, EffectKind.APPROVAL})


class LaggingLog:
    """A `RunLog` whose appends are done before they are committed.

    Example: ``log = LaggingLog(log, eager=True)``

    Attributes:
        broken: Told once why what waited cannot be written; None while nobody listens.
    """

    __slots__ = (
        "_begun",
        "_eager",
        "_error",
        "_frontier",
        "_last",
        "_log",
        "_waiting",
        "_weight",
        "_writes",
        "broken",
    )

    def __init__(self, log: RunLog, *, eager: bool, begun: Iterable[EffectOpened] = ()) -> None:
        """Stand in front of a log; `eager`: write whenever nothing is being written.

        `begun` are the effects that were opened before, in another process perhaps, and have not ended.
        """
        self.broken: Callable[[BaseException], None] | None = None
        self._log = log
        self._eager = eager
        # Records that are in no write yet, what they weigh, and the frontier that follows them.
        self._waiting: list[Record] = []
        self._weight = 0
        self._frontier: tuple[int, bytes] | None = None
        # How many writes are under way.
        self._writes = 0
        # The last append that was not done at once; what comes later is done after it.
        self._last: asyncio.Future[None] | None = None
        # Effects that were opened and have not ended.
        self._begun = {(opened.activation, opened.path) for opened in begun}
        # Why nothing can be written any more. It never goes back to None.
        self._error: BaseException | None = None

    @property
    def header(self) -> RunHeader:
        """The run's header."""
        return self._log.header

    @property
    def epoch(self) -> int:
        """How often the run had been acquired, this time included."""
        return self._log.epoch

    def append(
        self, *records: Record, taken: Sequence[int] = (), awaited: Awaited | None = None
    ) -> asyncio.Future[None]:
        """Queue records; done at once, or when they are committed where they have to be. See `RunLog.append`."""
        self._waiting += records
        self._weight += sum(map(_weight, records))
        # Each is looked at, for it is noted too.
        lasting = [self._must_last(record) for record in records]
        if self._error is not None or taken or awaited is not None or any(lasting) or self._weight > MOST:
            self._last = self._write(taken, awaited)
            return self._last
        if self._eager and not self._writes:
            self._write()
        return self._after_last()

    def keep(self, seq: int, frontier: bytes) -> None:
        """Keep what the records up to `seq` led to, once those are written."""
        if self._waiting:
            self._frontier = seq, frontier
        else:
            self._log.keep(seq, frontier)

    def watch(self, tell: Callable[[], None]) -> None:
        """See `RunLog.watch`."""
        self._log.watch(tell)

    async def check(self) -> None:
        """Make sure that the run is still ours. Raises FencedError."""
        await self._log.check()

    async def release(self) -> None:
        """Write what waits and give up ownership. Raises what writing raises."""
        last = self._write() if self._waiting else None
        await self._log.release()
        if last is not None:
            await asyncio.shield(last)
        self.broken = None

    def _must_last(self, record: Record) -> bool:
        if isinstance(record, EffectOpened):
            self._begun.add((record.activation, record.path))
            return True
        if isinstance(record, EffectRecorded):
            effect = record.activation, record.path
            ends = effect in self._begun
            self._begun.discard(effect)
            return ends or record.kind in _TOLD
        return isinstance(record, RunEnded)

    def _write(self, taken: Sequence[int] = (), awaited: Awaited | None = None) -> asyncio.Future[None]:
        """Hand everything that waits to the journal."""
        records, self._waiting, self._weight = self._waiting, [], 0
        frontier, self._frontier = self._frontier, None
        try:
            if self._error is not None:
                raise self._error
            future = self._log.append(*records, taken=taken, awaited=awaited)
        except Exception as error:  # refused at once, perhaps because of a record that was let through before
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        else:
            if frontier is not None:
                self._log.keep(*frontier)
        self._writes += 1
        future.add_done_callback(self._written)
        return future

    def _written(self, future: asyncio.Future[None]) -> None:
        self._writes -= 1
        error = _error_of(future, self.header)
        if error is None:
            if self._eager and self._waiting and not self._writes:
                self._write()
        elif self._error is None:
            self._error = error
            if self.broken is not None:
                self.broken(error)

    def _after_last(self) -> asyncio.Future[None]:
        """A future that is done, as soon as the last one that is not has been."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def follow(last: asyncio.Future[None]) -> None:
            error = _error_of(last, self.header)
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        if self._last is None:
            future.set_result(None)
        elif self._last.done():
            follow(self._last)
            self._last = None
        else:
            self._last.add_done_callback(follow)
            self._last = future
        return future


def _error_of(future: asyncio.Future[None], header: RunHeader) -> BaseException | None:
    if future.cancelled():
        return JournalWriteError(f"of run {header.run_id!r}", "a commit was cancelled")
    return future.exception()


def _weight(record: Record) -> int:
    """How many bytes a record keeps in memory, about."""
    if isinstance(record, NodeFinished):
        values = sum(map(len, record.writes.values()))
    elif isinstance(record, EffectRecorded):
        values = len(record.result or b"")
    elif isinstance(record, AttemptFailed):
        values = len(record.error.traceback) + len(record.error.args or b"")
    else:
        values = 0  # rare, or committed at once
    return _RECORD + values
