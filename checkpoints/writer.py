"""The one that writes: a queue on the event loop's side, one transaction at a time on the thread's.

`submit` costs no task: the part is queued, and unless one is on its way already a call is sent to the connection's
thread, which takes all that waits by then as one group. A checkpoint is a call of its own after the futures are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from backedge.engine.errors import JournalError, JournalWriteError

from .database import Checkpoints, checkpoint, synced, translate
from .frontiers import Keep
from .group import Part, Seat, commit_group
from .hop import Hop
from .ownership import LockFile, Owners
from .parts import Append

T = TypeVar("T")


class Writer:
    """Everything that reaches the database goes through here, in the order of the calls.

    Attributes:
        owners: The runs this journal owns. Used on the thread alone.
        commits: How many transactions were committed.
        checkpoints: When the write-ahead log is moved into the database.
    """

    def __init__(self, path: Path, hop: Hop, locks: LockFile) -> None:
        self.owners = Owners(locks)
        self.checkpoints = Checkpoints(path, locks)
        self.commits = 0
        self._name = str(path)
        self._hop = hop
        self._locks = locks
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Part, asyncio.Future[None]]] = deque()
        self._written: deque[tuple[list[tuple[Part, asyncio.Future[None]]], dict[Part, JournalError]]] = (
            deque()
        )
        self._called = False  # a call is on its way to the thread that has not yet taken what waits
        self._closing: asyncio.Task[None] | None = None

    def submit(self, part: Part) -> asyncio.Future[None]:
        """Queue a part of a transaction; the future is done when it is committed."""
        if self._closing is not None:
            return self.failed(self._closed())
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((part, future))
        if not self._called:
            self._called = True
            self._hop.send(self._write, self._tell)
        return future

    def failed(self, error: JournalError) -> asyncio.Future[None]:
        """A future that has failed already."""
        future: asyncio.Future[None] = self._loop.create_future()
        future.set_exception(error)
        return future

    async def ask(self, doing: str, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job on the thread, after all that was submitted before. `doing` names it in errors."""
        if self._closing is not None:
            raise self._closed()
        try:
            return await self._hop.run(job)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise translate(self._name, doing, error) from error

    def send(self, job: Callable[[sqlite3.Connection], None], done: Callable[[], None]) -> bool:
        """Queue a job that does not raise, and call `done` after it; False once the journal is closed."""
        if self._closing is not None:
            return False
        self._hop.send(job, done)
        return True

    async def release(self, seat: Seat) -> None:
        """Let go of a run, after all that was submitted before."""
        if self._closing is None:
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
        self.commits += len(errors) < len(parts)
        self._written.append((taken, errors))

    def _tell(self) -> None:
        """On the event loop: tell what was written."""
        while self._written:
            taken, errors = self._written.popleft()
            for part, future in taken:
                if future.done():
                    continue  # cancelled by who waited for it
                error = errors.get(part)
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)
        if self.checkpoints.due() and self._closing is None:
            self._hop.send(self.checkpoints.run, lambda: None)

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
