"""The journal on disk: SQLite behind aiosqlite.

What it promises, each with a test:

* A record whose append is done is in the file, and with ``synchronous="full"`` (the default) it survives a power cut.
  With ``synchronous="normal"`` it survives the death of the process, but a power cut may take the last seconds; what
  is left is always a beginning of the run, never a damaged one. That an effect is about to be done which must not be
  done twice (an `EffectOpened`) survives a power cut with either.
* Records are committed in the order of the appends; those of one append together or not at all.
* What waits is committed in one transaction, over all nodes and runs of the journal.
* A run that is refused (fenced, a gap in its records) does not disturb the others.
* After a failed append every later one of that run fails with the same error. Other runs go on.
* An append is told to have failed only if its records are not there: after doubt the file is read again.
* Cancelling whoever waits for an append does not take it back, and closing writes what was queued.
* A letter stays until it is taken, and goes in the very transaction that stores the records which took it.
* A fork costs one record, however long its parent. Deleting the parent leaves it whole; what no run needs any more is
  given back, blobs too.
* A run has one owner. The death of its process frees it, and the owner of before a takeover cannot write.
* Damage is told by record, and what lies before it can be read. A file that is not ours is not touched.

How it works: `append` encodes and queues, without a task. The connection's thread takes all that waits as one group
(`backedge.checkpoints.group`) in one hop, and tells the futures. Whatever else touches the database runs on that
thread too, in turn; long reads in pieces, so that commits need not wait for them.

A journal belongs to the event loop it was opened in.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from backedge.engine.errors import (
    FencedError,
    JournalError,
    JournalOpenError,
    JournalWriteError,
    RunNotFoundError,
)
from backedge.engine.records import (
    Awaited,
    EffectOpened,
    Letter,
    Pending,
    Record,
    RunForked,
    RunHeader,
    RunStarted,
    RunStatus,
    RunSummary,
)

from .codec import encode_next, first_seq
from .database import Synchronous, open_files
from .frontiers import Keep, read_frontier
from .group import Seat
from .hop import Hop, JobConnection
from .inbox import Post, read_letters
from .mail import Mail
from .ownership import LockFile
from .parts import Acquire, Append, Create
from .pending import read_pending
from .refusals import must_be_id
from .removal import Delete, give_back
from .rows import find_run, read_records, read_summaries
from .writer import Writer

_PIECE = 500  # records read in one turn of the thread, some milliseconds


class SqliteJournal:
    """A store of runs in one file, shared by runs and processes. Made by `open`.

    Example:
        ::

            async with await SqliteJournal.open("runs.db") as journal:
                for run in await journal.runs():
                    print(run.header.run_id, run.status)
    """

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._mail = Mail(writer)
        self._me = f"pid {os.getpid()} on {socket.gethostname()}"

    @classmethod
    async def open(
        cls, path: str | os.PathLike[str], *, synchronous: Synchronous = "full", create: bool = True
    ) -> SqliteJournal:
        """Open a journal, made if there is none.

        Args:
            path: The database file. ``-wal``, ``-shm`` and ``-lock`` files appear beside it.
            synchronous: ``"full"``: what is acknowledged survives a power cut. ``"normal"``: several times faster;
                it survives the process, and a power cut may take the last acknowledged records.
            create: Whether to make a journal where there is none, or only an empty file.

        Raises:
            JournalFormatError: The file is something else, or written by a newer backedge. It was not touched.
            JournalOpenError: The folder is missing, the system does not allow it, or there is no journal and `create`
                is False.
            JournalCorruptError: The file is damaged.
        """
        if synchronous not in ("full", "normal"):
            raise ValueError(f"synchronous must be 'full' or 'normal', not {synchronous!r}")
        if os.fspath(path) == ":memory:":
            raise JournalOpenError(
                ":memory:", "a journal in memory is a MemoryJournal(); this one needs a file"
            )
        opened: list[tuple[Path, LockFile]] = []

        def connect() -> JobConnection:
            where = _resolved(path)
            connection, locks = open_files(where, synchronous, create=create)
            opened.append((where, locks))
            return connection

        try:
            hop = await Hop.open(connect)
        except BaseException:
            for _, locks in opened:  # the connection was closed again, because nobody waits for it any more
                locks.close()
            raise
        where, locks = opened[0]
        return cls(where, Writer(where, hop, locks, synchronous))

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def commits(self) -> int:
        """How many transactions were committed since the journal was opened."""
        return self._writer.commits

    async def create(self, header: RunHeader, first: RunStarted | RunForked, *more: Record) -> SqliteRunLog:
        """Store a new run with its first record, and any that follow it, at once, and own it.

        A run with a parent shares its parent's records up to the one named; nothing is copied.

        Raises:
            InputError: The id is no text that can be stored.
            RunExistsError: The id is taken.
            RunNotFoundError: There is no such parent.
            JournalWriteError: The parent has no such record, or the first record's `seq` does not follow it.
        """
        must_be_id(header.run_id)
        encoded, status = encode_next(self.name, header.run_id, first_seq(header), [first, *more])
        told = status or RunStatus.RUNNING
        return await self._seat(Create(self.name, self._writer.owners, header, encoded, told, self._me))

    async def acquire(self, run_id: str, *, takeover: bool = False, epoch: int | None = None) -> SqliteRunLog:
        """Become the owner of a run.

        With `takeover` a living owner is fenced off: whatever it appends from now on fails. What it has begun outside
        the journal it may still finish. With `epoch` only a run is acquired that nobody has owned since it had that one.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody else owns it, or has owned it since `epoch`.
        """
        return await self._seat(
            Acquire(self.name, self._writer.owners, run_id, self._me, takeover=takeover, wanted=epoch)
        )

    async def header(self, run_id: str) -> RunHeader:
        """The run's header. Raises RunNotFoundError."""
        return (await self._writer.ask("reading a run", lambda db: find_run(db, self.name, run_id)))[1]

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records between `after` and `before`, both not included.

        Raises:
            RunNotFoundError: There is no such run.
            JournalCorruptError: A record is damaged; `seq` names it.
        """
        key, records = await self._piece(run_id, after, before)
        piece = records
        while len(piece) == _PIECE:
            again, piece = await self._piece(run_id, records[-1].seq, before)
            if again != key:  # deleted, and another one made under its id
                raise RunNotFoundError(self.name, run_id)
            records += piece
        return records

    async def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first. Owners are those that hold a lock now."""
        return await self._writer.ask(
            "listing runs", lambda db: read_summaries(db, self.name, self._writer.owners)
        )

    async def post(self, run_id: str, letter: Letter) -> int:
        """Keep a letter for a run until its owner takes it, and return its number.

        Raises:
            RunNotFoundError: There is no such run.
            ValueError: The letter's name is no proper text. Nothing was stored.
        """
        letter.name.encode()  # what cannot be written is refused before it is in a transaction with others
        post = Post(self.name, run_id, letter)
        await self._writer.submit(post)
        self._mail.posted(post.key)
        return post.number

    async def letters(self, run_id: str, *, after: int = 0) -> Sequence[Letter]:
        """What was posted to a run and not taken yet. Raises RunNotFoundError."""
        return await self._writer.ask(
            "reading letters", lambda db: read_letters(db, self.name, run_id, after)
        )

    async def pending(self, graphs: Collection[str], now: float, *, limit: int = 1000) -> Sequence[Pending]:
        """Runs of these graphs that nobody works on and that should be gone on with, up to `limit`."""
        names = sorted(set(graphs))
        return await self._writer.ask(
            "looking for runs to go on with",
            lambda db: read_pending(db, self._writer.owners, names, now, limit),
        )

    async def delete(self, run_id: str) -> None:
        """Remove a run; what forks of it need stays until they are gone.

        Its pages are free at once, and the file is shorter after the next checkpoint (when the journal is closed, at
        the latest).

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody is working on it.
        """
        await self._writer.submit(Delete(self.name, self._writer.owners, run_id))
        with suppress(JournalError):  # what cannot be given back now is reused, and given back with the next
            while await self._writer.ask("giving space back", give_back):
                pass

    async def frontier(self, run_id: str, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The last frontier that was kept of the run, and its record's number. Raises RunNotFoundError."""
        return await self._writer.ask(
            "reading a run", lambda db: read_frontier(db, self.name, run_id, before)
        )

    async def close(self) -> None:
        """Write what is queued, let go of all runs, checkpoint if nobody else is at it, and close the files."""
        self._mail.close()
        await self._writer.close()

    async def __aenter__(self) -> SqliteJournal:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _piece(self, run_id: str, after: int, before: int | None) -> tuple[int, list[Record]]:
        return await self._writer.ask(
            "reading records", lambda db: read_records(db, self.name, run_id, after, before, _PIECE)
        )

    async def _seat(self, part: Create | Acquire) -> SqliteRunLog:
        since = self._mail.seen
        try:
            await self._writer.submit(part)
        except asyncio.CancelledError:
            await self._writer.release(part.seat)  # nobody will have the log, so nobody else would
            raise
        return SqliteRunLog(self.name, self._writer, part.seat, self._mail, since)


class SqliteRunLog:
    """One run of a `SqliteJournal`, owned. Made by `create` and `acquire`."""

    def __init__(self, name: str, writer: Writer, seat: Seat, mail: Mail, since: int) -> None:
        self._name = name
        self._mail = mail
        self._since = since  # the letters that looks had seen before the run was ours
        self._writer = writer
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

    def append(
        self, *records: Record, taken: Sequence[int] = (), awaited: Awaited | None = None
    ) -> asyncio.Future[None]:
        """Queue records; the future is done when they are committed, and the letters in `taken` removed with them.

        Its exception is FencedError after a takeover, and JournalWriteError when the commit failed, a `seq` is not
        the next one, a letter is not there, or the log was released.

        Raises:
            ValueError: A value is not compact JSON. Nothing was queued.
        """
        seat = self.seat
        try:
            if seat.error is not None:
                raise seat.error
            if self._released:
                raise JournalWriteError(self._name, f"run {self.header.run_id!r} was released")
            encoded, status = encode_next(self._name, self.header.run_id, self._next, records)
        except JournalError as error:
            seat.error = seat.error or error
            return self._writer.failed(error)
        self._next += len(encoded)
        # What is about to be done and must not be done twice has to be known whatever happens.
        lasting = any(isinstance(record, EffectOpened) for record in records)
        letters = tuple(dict.fromkeys(taken))
        return self._writer.submit(
            Append(self._name, seat, self._writer.owners, encoded, status, letters, awaited, lasting=lasting)
        )

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` soon after a letter for the run was posted, until it is released."""
        if not self._released:
            self._mail.watch(self.seat.key, self, tell, self._since)

    def keep(self, seq: int, frontier: bytes) -> None:
        """Keep what the records up to `seq` led to. A cache: when it cannot be kept nothing is told."""
        if self.seat.error is None and not self._released:
            kept = self._writer.submit(Keep(self.seat, seq, frontier))
            kept.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def check(self) -> None:
        """Make sure that the run is still ours. Raises FencedError."""
        seat = self.seat
        if seat.error is not None:
            raise seat.error
        query = "SELECT epoch FROM runs WHERE key = ?"
        row = await self._writer.ask(
            "checking an owner", lambda db: db.execute(query, (seat.key,)).fetchone(), brief=True
        )
        if row is None or row[0] != seat.epoch:
            raise FencedError(self._name, seat.header.run_id, seat.epoch, row[0] if row else seat.epoch)

    async def release(self) -> None:
        """Write what is queued and let go of the run. Releasing twice does nothing."""
        if not self._released:
            self._released = True
            self._mail.unwatch(self.seat.key, self)
            await self._writer.release(self.seat)


def _resolved(path: str | os.PathLike[str]) -> Path:
    """The file itself, so that all names of it lead to one lock."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a ring of links, a null character
        raise JournalOpenError(str(path), f"this cannot be the path of a file: {error}") from error
