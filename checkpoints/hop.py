"""The thread that a database connection lives on, and one hop to it.

aiosqlite runs every call on the connection's own thread and offers no public call that runs a function there. Awaiting
``BEGIN``, ``INSERT`` and ``COMMIT`` one by one costs three hops; a journal wants one for a whole transaction. So the
connection handed to aiosqlite is a subclass whose ``commit()``, which aiosqlite calls on that thread, runs the oldest
waiting job: with documented calls alone a hop carries any function. Transactions are begun and ended in SQL, and
the connection is in autocommit mode, so nobody else calls ``commit()``.

While its thread has nothing to do, the event loop may use the connection itself (`Hop.here`): what takes microseconds
takes less than the way there and back. There it waits for nobody; on the thread it waits for other processes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")


class JobConnection(sqlite3.Connection):
    """A connection whose ``commit()`` runs the oldest of its `jobs`. Made with ``check_same_thread=False``.

    Attributes:
        jobs: What is to be run on its thread, the oldest first.
        patience: Seconds that a job waits for another process's transaction.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.jobs: deque[Callable[[sqlite3.Connection], None]] = deque()
        self.patience = 0.0

    def commit(self) -> None:
        """Run one job. Jobs tell their own results and do not raise."""
        job = self.jobs.popleft()
        self.execute(f"PRAGMA busy_timeout = {int(self.patience * 1000)}")
        try:
            job(self)
        finally:
            self.execute("PRAGMA busy_timeout = 0")


class Hop:
    """A connection and its thread, as `open` makes them. Jobs run one after the other, in the order of the calls."""

    def __init__(self, proxy: aiosqlite.Connection, connection: JobConnection) -> None:
        self._proxy = proxy
        self._connection = connection
        self._under_way = 0  # jobs that were sent and whose end was not told yet
        self._closed = False

    @classmethod
    async def open(cls, connector: Callable[[], JobConnection]) -> Hop:
        """Start a thread, and call `connector` on it. What that raises is raised here, and the thread ends.

        It cannot be cancelled halfway: a connection that nobody would close must not be left behind.
        """
        opening = asyncio.ensure_future(cls._open(connector))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])
            if not opening.cancelled() and opening.exception() is None:
                await opening.result().close()
            raise

    @classmethod
    async def _open(cls, connector: Callable[[], JobConnection]) -> Hop:
        made: list[JobConnection | Exception] = []

        def connect() -> sqlite3.Connection:
            # aiosqlite does not wait for its thread when this fails, so it never does: an empty stand-in is closed
            # like any connection.
            try:
                made.append(connector())
            except Exception as error:
                made.append(error)
            return made[0] if isinstance(made[0], JobConnection) else sqlite3.connect(":memory:")

        proxy = _made_by_daemon(lambda: aiosqlite.Connection(connect, iter_chunk_size=64))
        await proxy
        if isinstance(made[0], JobConnection):
            return cls(proxy, made[0])
        await proxy.close()
        raise made[0]

    @property
    def here(self) -> sqlite3.Connection | None:
        """The connection, to be used on the event loop before anything is awaited; None while its thread is at work."""
        return None if self._under_way or self._closed else self._connection

    def send(self, job: Callable[[sqlite3.Connection], None], done: Callable[[], None]) -> None:
        """Queue a job and return at once; `done` is called on the event loop after it. The job must not raise."""
        hop = self._proxy.commit()
        # Started by hand up to its first wait, by which the call is queued: a task would cost more than the hop.
        # What it would wait for is the future that tells the call's end.
        self._connection.jobs.append(job)
        hop.send(None).add_done_callback(partial(self._told, done))
        hop.close()
        self._under_way += 1

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job on the thread and return what it returns. Cancelling the wait does not stop the job."""
        results: list[T] = []
        failed: list[Exception] = []
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def keep(connection: sqlite3.Connection) -> None:
            try:
                results.append(job(connection))
            except Exception as error:
                failed.append(error)

        def tell() -> None:
            if not over.done():
                over.set_result(None)

        self.send(keep, tell)
        await over
        if failed:
            raise failed[0]
        return results[0]

    async def close(self) -> None:
        """Run what is queued, close the connection and end the thread."""
        self._closed = True
        await self._proxy.close()

    def _told(self, done: Callable[[], None], _: asyncio.Future[None]) -> None:
        self._under_way -= 1
        done()


def _made_by_daemon(make: Callable[[], T]) -> T:
    """Call `make` on a daemon thread, for threads it makes are daemons too.

    A program that forgot to close its journal would wait for its thread for ever when it ends, or when it is to end
    because of an exception. A daemon is stopped then, which is a crash to the database, and those it survives.
    """
    made: list[T] = []
    maker = threading.Thread(target=lambda: made.append(make()), daemon=True)
    maker.start()
    maker.join()
    return made[0]
