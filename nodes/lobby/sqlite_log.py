"""A lobby's log in a file: what was acknowledged is on disk, whatever happens to the process.

One thread holds the connection. What waits while it writes goes into the next transaction together (group commit), so a
busy lobby pays one ``fsync`` for many messages. The file is locked for as long as it is open: two lobbies over one file
would give the same numbers twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from pydantic import TypeAdapter

from .errors import LobbyClosedError, LobbyError
from .log import Opened, Page
from .message import LobbyMessage
from .room import Presence, Record

T = TypeVar("T")

_MARK: Final = 0x6C6F6262  # "lobb": tells a lobby's log from other databases
_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE lobby (ident TEXT NOT NULL, name TEXT NOT NULL)",
    "CREATE TABLE records (number INTEGER PRIMARY KEY, handle TEXT UNIQUE, body BLOB NOT NULL)",
    "CREATE INDEX presences ON records (number) WHERE handle IS NULL",
    f"PRAGMA application_id = {_MARK}",
    f"PRAGMA user_version = {_VERSION}",
)
_MESSAGE: Final = TypeAdapter(LobbyMessage)
_PRESENCE: Final = TypeAdapter(Presence)

Row: TypeAlias = tuple[int, str | None, bytes]


class SqliteLog:
    """All records of a lobby, in an SQLite file. A presence is a row without handle.

    Args:
        path: The file; made if it is not there, in a folder that is.

    Example::

        async with Lobby("hall", log=SqliteLog("hall.db")) as lobby: ...
    """

    durable = True

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = Path(path)
        self._thread: ThreadPoolExecutor | None = None
        # Used on its thread alone.
        self._connection: sqlite3.Connection
        # What goes into the next transaction, and who waits for it.
        self._waiting: list[tuple[list[Row], asyncio.Future[None]]] = []
        # The transaction under way.
        self._writing: asyncio.Future[None] | None = None

    async def open(self, name: str) -> Opened:
        """See `LobbyLog.open`."""
        if self._thread is not None:
            raise LobbyError(
                f"{self._path} is open in this process already: give each lobby a log of its own"
            )
        self._thread = ThreadPoolExecutor(1, f"lobby {name}")
        try:
            return await self._run(lambda: self._open(name))
        except BaseException:
            self._thread.shutdown(wait=False)
            self._thread = None
            raise

    def add(self, records: Sequence[Record]) -> None:
        """Not for a durable log: it is committed to."""
        raise NotImplementedError("a durable log remembers by commit()")

    def commit(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """See `LobbyLog.commit`."""
        self._its_thread()
        rows: list[Row] = [_row(record) for record in records]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._writing is None:
            self._write()
        return done

    async def after(self, number: int, limit: int) -> Page:
        """See `LobbyLog.after`."""
        query = "SELECT number, handle, body FROM records WHERE number > ? ORDER BY number LIMIT ?"
        rows = await self._run(lambda: self._connection.execute(query, (number, limit)).fetchall())
        return Page([_record(row) for row in rows], rows[-1][0] if rows else number, 0)

    async def find(self, handle: str) -> LobbyMessage | None:
        """See `LobbyLog.find`."""
        query = "SELECT body FROM records WHERE handle = ?"
        row = await self._run(lambda: self._connection.execute(query, (handle,)).fetchone())
        return None if row is None else _MESSAGE.validate_json(row[0])

    async def close(self) -> None:
        """See `LobbyLog.close`."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._connection.close)
            thread.shutdown()

    # ------------------------------------------------------------------ one transaction after the other

    def _write(self) -> None:
        group, self._waiting = self._waiting, []
        rows = [row for each, _ in group for row in each]
        writing = asyncio.get_running_loop().run_in_executor(self._its_thread(), self._insert, rows)
        self._writing = writing
        writing.add_done_callback(lambda _: self._wrote(writing, group))

    def _wrote(
        self, writing: asyncio.Future[None], group: list[tuple[list[Row], asyncio.Future[None]]]
    ) -> None:
        self._writing = None
        error = asyncio.CancelledError() if writing.cancelled() else writing.exception()
        for _, done in group:
            if done.done():
                continue  # who waited was cancelled: it is kept all the same
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(LobbyError(f"{self._path} could not be written: {error}"))
        if self._waiting:
            self._write()

    async def _run(self, job: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._its_thread(), job)
        except sqlite3.Error as error:
            raise LobbyError(f"{self._path} could not be read: {error}") from error

    def _its_thread(self) -> ThreadPoolExecutor:
        if self._thread is None:
            raise LobbyClosedError(f"the log {self._path} is closed")
        return self._thread

    # ------------------------------------------------------------------ on the thread

    def _open(self, name: str) -> Opened:
        try:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise LobbyError(f"{self._path} cannot be opened: {error}; is there such a folder?") from error
        try:
            opened = _begin(connection, self._path, name)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return opened

    def _insert(self, rows: Sequence[Row]) -> None:
        db = self._connection
        db.execute("BEGIN")
        try:
            db.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _begin(db: sqlite3.Connection, path: Path, name: str) -> Opened:
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # before anything that would make a shared index
        mark = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not empty and mark != _MARK:
            raise LobbyError(f"{path} is no lobby's log: name another file")
        if version > _VERSION:
            raise LobbyError(f"{path} was written by a newer version of backedge: use that one")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        if empty:
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute("INSERT INTO lobby VALUES (?, ?)", (uuid.uuid4().hex[:12], name))
        ident, called = db.execute("SELECT ident, name FROM lobby").fetchone()
        rows = db.execute("SELECT body FROM records WHERE handle IS NULL ORDER BY number").fetchall()
        number = db.execute("SELECT max(number) FROM records").fetchone()[0] or 0
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise LobbyError(
                f"{path} is in use: a lobby's log has one lobby at a time; serve that one to other processes"
            ) from error
        raise LobbyError(f"{path} cannot be opened: {error}") from error
    if called != name:
        raise LobbyError(f"{path} is the log of the lobby {called!r}, not of {name!r}")
    return Opened(ident, [_PRESENCE.validate_json(body) for (body,) in rows], number)


def _row(record: Record) -> Row:
    if isinstance(record, LobbyMessage):
        return record.number, record.handle, _MESSAGE.dump_json(record)
    return record.number, None, _PRESENCE.dump_json(record)


def _record(row: Row) -> Record:
    return _PRESENCE.validate_json(row[2]) if row[1] is None else _MESSAGE.validate_json(row[2])
