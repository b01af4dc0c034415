"""The one that writes: a queue on the event loop's side, one transaction at a time on the thread's.

`submit` costs no task: the part is queued, and unless one is on its way already a call is sent to the connection's
thread, which takes all that waits by then as one group. A checkpoint is a call of its own after the futures are told.

Where a commit does not wait for the disk (``synchronous="normal"``) a few small records are written in less time than the
way to the thread and back takes. So the event loop commits them itself, and the future is done when `submit` returns,
unless anything could make it wait: the thread is at work, another process is writing, there is much to write, the
write-ahead log is begun anew (which SQLite syncs). What else is submitted in the same turn of the loop waits for its end
and is committed together.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from backedge.engine.errors import JournalError, JournalWriteError

from .database import Checkpoints, Synchronous, checkpoint, synced, translate
from .frontiers import Keep
from .group import Part, Seat, commit_at_once, commit_group
from .hop import Hop
from .ownership import LockFile, Owners
from .parts import Append

T = TypeVar("T")
Submitted: TypeAlias = tuple[Part, asyncio.Future[None]]

_FEW = 32  # parts that the event loop commits at a time: more would hold up others


class Writer:
    """Everything that reaches the database goes through here, in the order of the calls.

    Attributes:
        owners: The runs this journal owns. Used where the connection is.
        commits: How many transactions were committed.
        checkpoints: When the write-ahead log is moved into the database.
    """

    def __init__(self, path: Path, hop: Hop, locks: LockFile, synchronous: Synchronous) -> None:
        self.owners = Owners(locks)
        self.checkpoints = Checkpoints(path, locks)
        self.commits = 0
        self._name = str(path)
        self._hop = hop
        self._locks = locks
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Submitted] = deque()
        self._written: deque[tuple[Sequence[Submitted], Mapping[Part, JournalError]]] = deque()
        self._called = False  # a call is on its way to the thread that has not yet taken what waits
        self._waits_for_disk = synchronous == "full"
        self._log_begun = False  # the thread has written since the write-ahead log was begun anew
        self._turn = False  # the event loop has committed in this turn; what comes later in it goes together
        self._closing: asyncio.Task[None] | None = None

    def submit(self, part: Part) -> asyncio.Future[None]:
        """Queue a part of a transaction; the future is done when it is committed."""
        if self._closing is not None:
            return self.failed(self._closed())
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((part, future))
        if not self._turn and not self._called:
            self._flush()
        return future

    def failed(self, error: JournalError) -> asyncio.Future[None]:
        """A future that has failed already."""
        future: asyncio.Future[None] = self._loop.create_future()
        future.set_exception(error)
        return future

    async def ask(self, doing: str, job: Callable[[sqlite3.Connection], T], *, brief: bool = False) -> T:
        """Run a job on the thread, after all that was submitted before. `doing` names it in errors.

        One that is `brief`, a look at a row, is run here and now if the thread has nothing to do.
        """
        if self._closing is not None:
            raise self._closed()
        db = self._hop.here
        if brief and db is not None and not self._waiting:
            with contextlib.suppress(sqlite3.Error):  # which the thread may be spared, or tells
                return job(db)
        self._send_waiting()
        try:
            return await self._hop.run(job)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise translate(self._name, doing, error) from error

    def send(self, job: Callable[[sqlite3.Connection], None], done: Callable[[], None]) -> bool:
        """Queue a job that does not raise, and call `done` after it; False once the journal is closed."""
        if self._closing is not None:
            return False
        self._send_waiting()
        self._hop.send(job, done)
        return True

    async def release(self, seat: Seat) -> None:
        """Let go of a run, after all that was submitted before."""
        if self._closing is None:
            self._send_waiting()
            await self._hop.run(lambda _: self.owners.free(seat.key, seat.epoch))
        else:
            await self.close()

    async def close(self) -> None:
        """Write what is queued, let go of all runs, checkpoint if nobody else is at it, close the files."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    def _closed(self) -> JournalWriteError:
        return JournalWriteError(self._name, "it was closed; open it again")

    def _flush(self) -> None:
        """Commit what waits, here if it can be done at once."""
        if not self._commit_here():
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Let the thread commit what waits."""
        if self._waiting and not self._called:
            self._called = True
            self._hop.send(self._write, self._tell)

    def _commit_here(self) -> bool:
        """On the event loop: commit what waits, unless that could take long; whether it was done."""
        if self._waits_for_disk or not self._log_begun or len(self._waiting) > _FEW:
            return False
        db = self._hop.here
        if db is None:
            return False
        taken = list(self._waiting)
        parts = [part for part, _ in taken]
        if not all(part.quick for part in parts):
            return False
        errors = commit_at_once(db, self._name, parts)
        if errors is None:
            return False
        self._waiting.clear()
        self._turn = True
        self._loop.call_soon(self._turned)
        self._over(taken, errors)
        return True

    def _turned(self) -> None:
        """The turn of the loop in which it committed is over: now what was submitted since then."""
        self._turn = False
        if self._waiting and not self._called:
            self._flush()

    def _write(self, db: sqlite3.Connection) -> None:
        """On the thread: commit what waits."""
        # Taking comes after this mark: what is queued in between is taken now, and at worst a call finds nothing.
        self._called = False
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if not taken:
            return
        parts = [part for part, _ in taken]
        lasting = any(isinstance(part, Append) and part.lasting for part in parts)
        try:
            with synced(db) if lasting else contextlib.nullcontext():
                errors = commit_group(db, self._name, parts)
        except Exception as error:
            # A defect of ours; but nobody may be left waiting for ever, nor go on over a gap.
            told = _unexpected(self._name, db, error)
            errors = dict.fromkeys(parts, told)
            for part in parts:
                part.seat.error = part.seat.error or told
        for part in errors:
            if not isinstance(part, Append | Keep):
                self.owners.free(part.seat.key, part.seat.epoch)
        self._written.append((taken, errors))

    def _tell(self) -> None:
        """On the event loop: tell what the thread wrote."""
        while self._written:
            self._log_begun = True
            self._over(*self._written.popleft())

    def _over(self, taken: Sequence[Submitted], errors: Mapping[Part, JournalError]) -> None:
        """A transaction is over: tell its futures."""
        self.commits += len(errors) < len(taken)
        for part, future in taken:
            if future.done():
                continue  # cancelled by who waited for it
            error = errors.get(part)
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        if self.checkpoints.due() and self._closing is None:
            self._hop.send(self.checkpoints.run, self._checkpointed)

    def _checkpointed(self) -> None:
        self._log_begun = False

    async def _close(self) -> None:
        try:
            await self._hop.run(self._finish)
        finally:
            await self._hop.close()

    def _finish(self, db: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error, OSError):
            checkpoint(db, self._locks)
        self.owners.close()


def _unexpected(name: str, db: sqlite3.Connection, error: Exception) -> JournalWriteError:
    with contextlib.suppress(sqlite3.Error):
        db.rollback()
    told = JournalWriteError(name, f"writing failed in an unexpected way: {error!r}")
    told.__cause__ = error
    return told
