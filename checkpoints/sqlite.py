"""The journal on disk: SQLite behind aiosqlite.

What it promises, each with a test:

* A record whose append is done is in the file, and with ``synchronous="full"`` (the default) it survives a power cut.
  With ``synchronous="normal"`` it survives the death of the process, but a power cut may take the last seconds; what
  is left is always a beginning of the run, never a damaged one.
* Records are committed in the order of the appends; those of one append together or not at all.
* What waits is committed in one transaction, over all nodes and runs of the journal.
* A run that is refused (fenced, a gap in its records) does not disturb the others.
* After a failed append every later one of that run fails with the same error. Other runs go on.
* An append is told to have failed only if its records are not there: after doubt the file is read again.
* Cancelling whoever waits for an append does not take it back, and closing writes what was queued.
* A run has one owner. The death of its process frees it, and the owner of before a takeover cannot write.
* Damage is told by record, and what lies before it can be read. A file that is not ours is not touched.

How it works: `append` encodes and queues, without a task. The connection's thread takes all that waits as one group
(`backedge.checkpoints.group`) in one hop, and tells the futures. Whatever else touches the database runs on that
thread too, in turn; long reads in pieces, so that commits need not wait for them.

A journal belongs to the event loop it was opened in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from backedge.engine.errors import JournalError, JournalOpenError, JournalWriteError
from backedge.engine.records import Record, RunHeader, RunStarted, RunSummary

from .codec import encode_next
from .database import Checkpoints, Synchronous, checkpoint, open_files, translate
from .group import Part, Seat, commit_group
from .hop import Hop
from .ownership import LockFile, Owners
from .parts import Acquire, Append, Create
from .rows import find_run, read_records, read_summaries

T = TypeVar("T")
_PIECE = 500  # records read in one turn of the thread, some milliseconds
_LATE_LOCK = 0.25  # seconds between two tries for a lock that a takeover left with the old owner


class SqliteJournal:
    """A store of runs in one file, shared by runs and processes. Made by `open`.

    Example:
        ::

            async with await SqliteJournal.open("runs.db") as journal:
                for run in await journal.runs():
                    print(run.header.run_id, run.status)
    """

    def __init__(self, path: Path, hop: Hop, locks: LockFile) -> None:
        self._path = path
        self._hop = hop
        self._locks = locks
        self._loop = asyncio.get_running_loop()
        self._owners = Owners(locks)  # used on the thread alone
        self._checkpoints = Checkpoints(path, locks)
        self._me = f"pid {os.getpid()} on {socket.gethostname()}"
        self._waiting: deque[tuple[Part, asyncio.Future[None]]] = deque()
        self._called = False  # a write is queued on the thread that has not yet taken what waits
        self._closing: asyncio.Task[None] | None = None
        self._timers: dict[Seat, asyncio.TimerHandle] = {}
        self._commits = 0

    @classmethod
    async def open(cls, path: str | os.PathLike[str], *, synchronous: Synchronous = "full") -> SqliteJournal:
        """Open a journal, made if there is none.

        Args:
            path: The database file. ``-wal``, ``-shm`` and ``-lock`` files appear beside it.
            synchronous: ``"full"``: what is acknowledged survives a power cut. ``"normal"``: several times faster;
                it survives the process, and a power cut may take the last acknowledged records.

        Raises:
            JournalFormatError: The file is something else, or written by a newer backedge. It was not touched.
            JournalOpenError: The folder is missing, or the system does not allow it.
            JournalCorruptError: The file is damaged.
        """
        if synchronous not in ("full", "normal"):
            raise ValueError(f"synchronous must be 'full' or 'normal', not {synchronous!r}")
        if os.fspath(path) == ":memory:":
            raise JournalOpenError(
                ":memory:", "a journal in memory is a MemoryJournal(); this one needs a file"
            )
        where = Path(os.path.realpath(path))  # so that all names of a file lead to one lock
        opened: list[LockFile] = []

        def connect() -> Any:
            connection, locks = open_files(where, synchronous)
            opened.append(locks)
            return connection

        hop = await Hop.open(connect)
        return cls(where, hop, opened[0])

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def commits(self) -> int:
        """How many transactions were committed since the journal was opened."""
        return self._commits

    async def create(self, header: RunHeader, first: RunStarted) -> SqliteRunLog:
        """Store a new run with its first record, and own it. Raises RunExistsError."""
        [encoded], _ = encode_next(self.name, header.run_id, 0, [first])
        return await self._seat(Create(self.name, self._owners, header, encoded, self._me))

    async def acquire(self, run_id: str, *, takeover: bool = False) -> SqliteRunLog:
        """Become the owner of a run.

        With `takeover` a living owner is fenced off: whatever it appends from now on fails. Its lock is ours once it
        lets go or dies; until then a third process that does not ask for a takeover is refused because of the old
        owner's lock.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody else owns it.
        """
        log = await self._seat(Acquire(self.name, self._owners, run_id, self._me, takeover=takeover))
        if takeover:
            self._lock_late(log.seat)
        return log

    async def header(self, run_id: str) -> RunHeader:
        """The run's header. Raises RunNotFoundError."""
        return (await self._ask("reading a run", lambda db: find_run(db, self.name, run_id)))[1]

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records between `after` and `before`, both not included.

        Raises:
            RunNotFoundError: There is no such run.
            JournalCorruptError: A record is damaged; `seq` names it.
        """
        records: list[Record] = []
        while True:
            since = records[-1].seq if records else after
            piece = await self._ask(
                "reading records",
                lambda db, since=since: read_records(db, self.name, run_id, since, before, _PIECE),
            )
            records += piece
            if len(piece) < _PIECE:
                return records

    async def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first. Owners are those that hold a lock now."""
        return await self._ask("listing runs", lambda db: read_summaries(db, self.name, self._owners))

    async def close(self) -> None:
        """Write what is queued, let go of all runs, checkpoint if nobody else is at it, and close the files."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> SqliteJournal:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ----------------------------------------------------------------------- used by logs

    @property
    def owners(self) -> Owners:
        """Which runs this journal owns."""
        return self._owners

    def submit(self, part: Part) -> asyncio.Future[None]:
        """Queue a part of a transaction; the future is done when it is committed."""
        if self._closing is not None:
            return self.failed(self._closed())
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((part, future))
        if not self._called:
            self._called = True
            self._hop.send(self._write)
        return future

    def failed(self, error: JournalError) -> asyncio.Future[None]:
        """A future that has failed already."""
        future: asyncio.Future[None] = self._loop.create_future()
        future.set_exception(error)
        return future

    async def release(self, seat: Seat) -> None:
        """Let go of a run, after what is queued."""
        timer = self._timers.pop(seat, None)
        if timer is not None:
            timer.cancel()
        if self._closing is None:
            await self._ask("releasing a run", lambda _: self._owners.free(seat.key, seat))
        else:
            await self.close()

    # ----------------------------------------------------------------------- inside

    async def _seat(self, part: Create | Acquire) -> SqliteRunLog:
        try:
            await self.submit(part)
        except asyncio.CancelledError:
            if self._closing is None:  # nobody will have the log, so nobody would ever release it
                self._hop.send(lambda _: self._owners.free(part.seat.key, part.seat))
            raise
        return SqliteRunLog(self, part.seat)

    async def _ask(self, doing: str, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._closing is not None:
            raise self._closed()
        try:
            return await self._hop.run(job)
        except sqlite3.Error as error:
            raise translate(self.name, doing, error) from error

    def _closed(self) -> JournalWriteError:
        return JournalWriteError(self.name, "it was closed; open it again")

    def _write(self, db: sqlite3.Connection) -> None:
        """On the thread: commit what waits, tell it, then see to the write-ahead log."""
        # Taking comes after this mark: what is queued in between is taken now, and at worst a call finds nothing.
        self._called = False
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if not taken:
            return
        parts = [part for part, _ in taken]
        try:
            errors = commit_group(db, self.name, parts)
        except Exception as error:
            # A defect of ours; but nobody may be left waiting for ever.
            errors = dict.fromkeys(parts, _unexpected(self.name, db, error))
        for part in errors:
            if not isinstance(part, Append):
                self._owners.free(part.seat.key, part.seat)
        self._commits += len(errors) < len(parts)
        self._loop.call_soon_threadsafe(_tell, taken, errors)
        self._checkpoints.after_commit(db)

    def _lock_late(self, seat: Seat) -> None:
        self._timers.pop(seat, None)
        if self._closing is None:
            self._hop.send(lambda _: self._try_late(seat))

    def _try_late(self, seat: Seat) -> None:
        with contextlib.suppress(OSError):
            if not self._owners.lock_late(seat.key, seat):
                self._loop.call_soon_threadsafe(self._wait_late, seat)

    def _wait_late(self, seat: Seat) -> None:
        if self._closing is None:
            self._timers[seat] = self._loop.call_later(_LATE_LOCK, self._lock_late, seat)

    async def _close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        try:
            await self._hop.run(self._finish)
        finally:
            await self._hop.close()

    def _finish(self, db: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error, OSError):
            checkpoint(db, self._locks)
        self._owners.close()


class SqliteRunLog:
    """One run of a `SqliteJournal`, owned. Made by `create` and `acquire`."""

    def __init__(self, journal: SqliteJournal, seat: Seat) -> None:
        self._journal = journal
        self._next = seat.next_seq
        self._released = False
        self.seat = seat

    @property
    def header(self) -> RunHeader:
        """The run's header."""
        return self.seat.header

    @property
    def epoch(self) -> int:
        """How often the run had been acquired, this time included."""
        return self.seat.epoch

    def append(self, *records: Record) -> asyncio.Future[None]:
        """Queue records; the future is done when they are committed.

        Its exception is FencedError after a takeover, and JournalWriteError when the commit failed, a `seq` is not
        the next one, or the log was released.

        Raises:
            ValueError: A value is not compact JSON. Nothing was queued.
        """
        seat = self.seat
        try:
            if seat.error is not None:
                raise seat.error
            if self._released:
                raise JournalWriteError(self._journal.name, f"run {self.header.run_id!r} was released")
            encoded, status = encode_next(self._journal.name, self.header.run_id, self._next, records)
        except JournalError as error:
            seat.error = seat.error or error
            return self._journal.failed(error)
        self._next += len(encoded)
        return self._journal.submit(Append(self._journal.name, seat, self._journal.owners, encoded, status))

    async def release(self) -> None:
        """Write what is queued and let go of the run. Releasing twice does nothing."""
        if not self._released:
            self._released = True
            await self._journal.release(self.seat)


def _tell(taken: Sequence[tuple[Part, asyncio.Future[None]]], errors: Mapping[Part, JournalError]) -> None:
    for part, future in taken:
        if future.done():
            continue  # cancelled by who waited for it
        error = errors.get(part)
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _unexpected(name: str, db: sqlite3.Connection, error: Exception) -> JournalWriteError:
    with contextlib.suppress(sqlite3.Error):
        db.rollback()
    told = JournalWriteError(name, f"writing failed in an unexpected way: {error!r}")
    told.__cause__ = error
    return told
