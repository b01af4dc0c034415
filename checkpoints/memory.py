"""The journal in memory: the same promises as on disk, for as long as the process lives.

Records are kept encoded, so what comes back from it is what would come back from a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from types import TracebackType

from backedge.engine.definition import is_text
from backedge.engine.errors import (
    FencedError,
    JournalError,
    JournalWriteError,
    RunExistsError,
    RunNotFoundError,
    RunOwnedError,
)
from backedge.engine.records import (
    Awaited,
    Cause,
    Letter,
    Pending,
    Record,
    RunForked,
    RunHeader,
    RunStarted,
    RunStatus,
    RunSummary,
)

from .codec import Encoded, decode_stored, encode_next, first_seq, written_at
from .pending import WAITING, awaited_of
from .refusals import must_be_id, no_letter, no_record
from .shelf import Kept, Shelf

_KNOWN = 5  # how many runs a RunNotFoundError names


class MemoryJournal:
    """A store of runs that is gone with its process.

    Example:
        ::

            async with MemoryJournal() as journal:
                await flow.run({"spec": "…"}, journal=journal, run_id="demo")
                records = await journal.read("demo")
    """

    name = "memory"

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._posted = 0
        self._closed = False

    async def create(self, header: RunHeader, first: RunStarted | RunForked, *more: Record) -> MemoryRunLog:
        """Store a new run with its first record, and any that follow it, and own it.

        Raises:
            InputError: The id is no text that can be stored.
            RunExistsError: The id is taken.
            RunNotFoundError: There is no such parent.
            JournalWriteError: The parent has no such record, or the first record's `seq` does not follow it.
        """
        self._refuse_closed()
        must_be_id(header.run_id)
        encoded, status = encode_next(self.name, header.run_id, first_seq(header), [first, *more])
        if header.run_id in self._shelf.runs:
            raise RunExistsError(self.name, header.run_id)
        origin = None if header.parent is None else self._origin(*header.parent)
        run = Kept(header, first=first.seq, origin=origin, status=status or RunStatus.RUNNING)
        run.awaited = awaited_of(run.status, None)
        self._shelf.keep(run, encoded)
        self._shelf.add(run)
        return self._seat(run)

    async def acquire(self, run_id: str, *, takeover: bool = False, epoch: int | None = None) -> MemoryRunLog:
        """Become the owner of a run, unless it was owned since `epoch`.

        Raises RunNotFoundError, or RunOwnedError without `takeover`.
        """
        run = self._find(run_id)
        if epoch is not None and run.epoch != epoch:
            raise RunOwnedError(self.name, run_id, "this process, which was faster")
        if run.log is not None and not takeover:
            raise RunOwnedError(self.name, run_id, "this process")
        return self._seat(run)

    async def header(self, run_id: str) -> RunHeader:
        """The run's header. Raises RunNotFoundError."""
        return self._find(run_id).header

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records between `after` and `before`, both not included. Raises RunNotFoundError."""
        run = self._find(run_id)
        end = run.end if before is None else max(before, 0)
        return [self._decode(run_id, record) for record in run.between(max(after, -1) + 1, end)]

    async def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first."""
        self._refuse_closed()
        newest = self._newest()
        return [
            RunSummary(
                header=run.header,
                status=run.status,
                records=run.end,
                updated=written_at(self._decode(run.header.run_id, run.records[-1])),
                owner="this process" if run.log is not None else None,
                awaited=run.awaited if run.status in WAITING else None,
                deaths=run.deaths,
            )
            for run in newest
        ]

    async def frontier(self, run_id: str, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The last frontier that was kept of the run itself, and its record's number. Raises RunNotFoundError."""
        kept = [told for told in self._find(run_id).frontiers if before is None or told[0] < before]
        return max(kept, default=None)

    async def pending(self, graphs: Collection[str], now: float, *, limit: int = 1000) -> Sequence[Pending]:
        """Runs of these graphs that nobody works on and that should be gone on with, up to `limit`."""
        self._refuse_closed()
        found = (
            Pending(
                run.header.run_id,
                run.header.graph,
                run.header.digest,
                run.status,
                run.epoch,
                cause,
                run.deaths if cause is Cause.CRASHED else 0,
            )
            for run in self._shelf.runs.values()
            if run.header.graph in graphs and (cause := run.cause(now)) is not None
        )
        return list(islice(found, limit))

    async def post(self, run_id: str, letter: Letter) -> int:
        """Keep a letter for a run until its owner takes it, and return its number.

        Raises:
            RunNotFoundError: There is no such run.
            ValueError: The letter's name is no proper text. Nothing was stored.
        """
        letter.name.encode()
        run = self._find(run_id)
        self._posted += 1
        run.letters.append(letter._replace(number=self._posted))
        if run.log is not None:
            run.log.posted()
        return self._posted

    async def letters(self, run_id: str, *, after: int = 0) -> Sequence[Letter]:
        """What was posted to a run and not taken yet. Raises RunNotFoundError."""
        return [letter for letter in self._find(run_id).letters if letter.number > after]

    async def delete(self, run_id: str) -> None:
        """Remove a run; what forks of it need stays until they are gone. Raises RunNotFoundError, RunOwnedError."""
        run = self._find(run_id)
        if run.log is not None:
            raise RunOwnedError(self.name, run_id, "this process")
        self._shelf.remove(run)

    async def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._shelf = Shelf()

    async def __aenter__(self) -> MemoryJournal:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def write(
        self,
        log: MemoryRunLog,
        run: Kept,
        records: Sequence[Record],
        taken: Sequence[int],
        awaited: Awaited | None = None,
    ) -> None:
        """Store records for a log, and remove the letters they take. Raises JournalError if it may not write."""
        self._refuse_closed()
        if run.gone:
            raise JournalWriteError(self.name, f"run {run.header.run_id!r} was deleted while it was written")
        if run.epoch != log.epoch:
            raise FencedError(self.name, run.header.run_id, log.epoch, run.epoch)
        encoded, status = encode_next(self.name, run.header.run_id, run.end, records)
        for number in taken:
            if not any(letter.number == number for letter in run.letters):
                raise no_letter(self.name, run.header.run_id, number)
        self._shelf.keep(run, encoded)
        if taken:
            run.letters = [letter for letter in run.letters if letter.number not in taken]
        if status is not None:
            run.status, run.awaited = status, awaited_of(status, awaited)

    def _origin(self, parent: str, seq: int) -> Kept:
        run = self._find(parent)
        if not 0 <= seq < run.end:
            raise no_record(self.name, parent, seq, run.end - 1)
        return run.holder(seq)

    def _seat(self, run: Kept) -> MemoryRunLog:
        run.epoch += 1
        run.log = MemoryRunLog(self, run)
        return run.log

    def _decode(self, run_id: str, record: Encoded) -> Record:
        return decode_stored(self.name, run_id, (record.seq, record.crc, record.body), self._shelf.blobs.get)

    def _find(self, run_id: str) -> Kept:
        self._refuse_closed()
        run = self._shelf.runs.get(run_id) if is_text(run_id) else None
        if run is None:
            known = [run.header.run_id for run in self._newest()[:_KNOWN]]
            raise RunNotFoundError(self.name, run_id, known)
        return run

    def _newest(self) -> list[Kept]:
        return sorted(self._shelf.runs.values(), key=lambda run: run.header.created)[::-1]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise JournalWriteError(self.name, "it was closed; what it held is gone")


class MemoryRunLog:
    """One run of a `MemoryJournal`, owned. Made by `create` and `acquire`."""

    def __init__(self, journal: MemoryJournal, run: Kept) -> None:
        self._journal = journal
        self._run = run
        self._epoch = run.epoch
        self._error: JournalError | None = None
        self._released = False
        self._tell: Callable[[], None] | None = None
        self._posted = False  # something came since the log was made

    @property
    def header(self) -> RunHeader:
        """The run's header."""
        return self._run.header

    @property
    def epoch(self) -> int:
        """How often the run had been acquired, this time included."""
        return self._epoch

    def append(
        self, *records: Record, taken: Sequence[int] = (), awaited: Awaited | None = None
    ) -> asyncio.Future[None]:
        """Store records and remove the letters in `taken`; the future is done already.

        Its exception is FencedError after a takeover, and JournalWriteError when a `seq` is not the next one, a letter
        is not there, or the log was released.

        Raises:
            ValueError: A value is not compact JSON. Nothing was stored.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            if self._error is not None:
                raise self._error
            if self._released:
                raise JournalWriteError(self._journal.name, f"run {self.header.run_id!r} was released")
            self._journal.write(self, self._run, records, taken, awaited)
        except JournalError as error:
            self._error = self._error or error
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    def keep(self, seq: int, frontier: bytes) -> None:
        """Keep what the records up to `seq` led to."""
        if self._error is None and self._run.epoch == self._epoch:
            self._run.frontiers.append((seq, frontier))

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` soon after a letter for the run was posted, until it is released."""
        self._tell = None if self._released else tell
        if self._posted:
            self.posted()

    def posted(self) -> None:
        """A letter has come."""
        self._posted = True
        if self._tell is not None:
            asyncio.get_running_loop().call_soon(self._tell)

    async def check(self) -> None:
        """Make sure that the run is still ours. Raises FencedError."""
        if self._run.epoch != self._epoch:
            raise FencedError(self._journal.name, self.header.run_id, self._epoch, self._run.epoch)

    async def release(self) -> None:
        """Give up ownership. Releasing twice does nothing."""
        self._released = True
        self._tell = None
        if self._run.log is self:
            self._run.log = None
