"""Cached answers in an SQLite file, shared by processes.

One table in WAL mode, written and read by a thread of its own. SQLite before 3.51.3 can damage a file when several
processes checkpoint at once, so nobody does so by itself: now and then one does, under a lock. A power cut may take the
last answers (``synchronous=NORMAL``), which then are asked for again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from pydantic import ValidationError

from ..protocol import ModelResponse
from .stores import CacheError, Stored

T = TypeVar("T")

_OURS: Final = 0x62654361  # the application id in the file's header
_FORM: Final = 1  # of the table; a file of another form is emptied, being only a cache
_OFTEN: Final = 200  # answers between two checkpoints
_PATIENCE: Final = 10.0  # seconds to wait for other processes


class NotACacheError(Exception):
    """The file is something else. It was not touched."""


class SqliteStore:
    """Keeps answers in a file. It is opened, and made, when first used; close it in the end.

    Args:
        path: The file; ``-wal``, ``-shm`` and ``-lock`` files appear beside it.

    Example::

        async with SqliteStore("answers.db") as store:
            cached = Cached(model("openai:gpt-5"), store=store)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._thread: ThreadPoolExecutor | None = None
        # Used in the thread only.
        self._connection: sqlite3.Connection | None = None
        self._puts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def get(self, key: str) -> Stored | None:
        """See `Store.get`.

        Raises:
            NotACacheError: The file is something else.
        """
        row = await self._in_thread(lambda connection: _read(connection, key))
        if row is None:
            return None
        try:
            return Stored(ModelResponse.model_validate_json(row[0]), row[1])
        except ValidationError:
            return None  # written by another version of us

    async def put(self, key: str, stored: Stored) -> None:
        """See `Store.put`.

        Raises:
            NotACacheError: The file is something else.
        """
        row = (key, stored.response.model_dump_json(), stored.expires)
        await self._in_thread(lambda connection: self._write(connection, row))

    async def clear(self, *, expired_at: float | None = None) -> int:
        """Forget all answers, or only those that have expired at a time; gives how many these were.

        Raises:
            CacheError: They cannot be removed.
        """

        def clear(connection: sqlite3.Connection) -> int:
            if expired_at is None:
                return connection.execute("DELETE FROM answers").rowcount
            return connection.execute("DELETE FROM answers WHERE expires <= ?", (expired_at,)).rowcount

        return await self._in_thread(clear)

    async def aclose(self) -> None:
        """Close the file. It is opened again when it is used again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disconnect)
            thread.shutdown()  # it has nothing left to do

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="backedge-cache")

        def act() -> T:
            if self._connection is None:
                self._connection = _opened(self._path)
            return work(self._connection)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, act)
        except (sqlite3.Error, OSError) as error:
            raise CacheError(f"the cache {self._path} cannot be used: {error}") from error

    def _write(self, connection: sqlite3.Connection, row: tuple[str, str, float | None]) -> None:
        connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)
        self._puts += 1
        if self._puts % _OFTEN == 0:
            _checkpoint(connection, self._path)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read(connection: sqlite3.Connection, key: str) -> tuple[str, float | None] | None:
    found: tuple[str, float | None] | None = connection.execute(
        "SELECT answer, expires FROM answers WHERE key = ?", (key,)
    ).fetchone()
    return found


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _refuse_others(connection, path)
        _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        _patiently(lambda: _prepare(connection))
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_others(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise NotACacheError(
            f"{path} is not an SQLite file: {error}; name another file for the cache"
        ) from None
    if tables and application != _OURS:
        raise NotACacheError(f"{path} is not a cache of answers; name another file for the cache")


def _prepare(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        if form != _FORM:
            connection.execute("DROP TABLE IF EXISTS answers")
            connection.execute(
                "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, expires REAL)"
            )
            connection.execute(f"PRAGMA application_id={_OURS}")
            connection.execute(f"PRAGMA user_version={_FORM}")


def _patiently(act: Callable[[], object]) -> None:
    """Try again while another process is opening the file too: SQLite does not wait for all of its locks."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            act()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def _checkpoint(connection: sqlite3.Connection, path: Path) -> None:
    """Carry the log over into the file, unless another process is doing so."""
    with Path(f"{path}-lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
