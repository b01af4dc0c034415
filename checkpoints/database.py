"""The database file: opened only when it is ours, made in one piece, checkpointed by one process at a time.

A file is judged by its first 100 bytes before SQLite sees it, so a foreign database gets no ``-wal`` or ``-lock``
file beside it. A new database is made whole under another name and then renamed: there is never a half-made one.

SQLite before 3.51.3 can corrupt a database that several processes checkpoint at once. So nobody checkpoints on his
own (``wal_autocheckpoint=0``); whoever sees that the write-ahead log has grown takes the maintenance lock first. What
SQLite does by itself when the last connection is closed is safe: it holds the whole database exclusively then.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from backedge.engine.errors import (
    JournalCorruptError,
    JournalError,
    JournalFormatError,
    JournalOpenError,
    JournalWriteError,
)

from .hop import JobConnection
from .migrations import APPLICATION_ID, MIGRATIONS, migrate, version_of
from .ownership import MAINTENANCE, LockFile
from .raw import reading_uri

Synchronous: TypeAlias = Literal["full", "normal"]
BUSY_TIMEOUT = 30.0  # seconds that one process waits for another's transaction
CHECKPOINT_SIZE = 4 * 1024 * 1024
_LOOK = 16  # commits between two looks at the log's size

_GIVES_BACK = "PRAGMA auto_vacuum = INCREMENTAL"
_MAGIC = b"SQLite format 3\0"
_HINTS = {
    sqlite3.SQLITE_FULL: "make room on the disk, then resume",
    sqlite3.SQLITE_IOERR: "the disk or file system failed; check it, then resume",
    sqlite3.SQLITE_READONLY: "the file or its folder may only be read; allow writing, then resume",
    sqlite3.SQLITE_BUSY: f"another process kept the database locked for {BUSY_TIMEOUT:g} s; end it, then resume",
    sqlite3.SQLITE_CANTOPEN: "a file beside the database cannot be opened; check its folder, then resume",
}


def translate(name: str, doing: str, error: sqlite3.Error | UnicodeDecodeError) -> JournalError:
    """What an error of SQLite means: the one place where they become ours.

    Python cannot read a message of SQLite's that quotes what damage left of a name, and raises UnicodeDecodeError.
    """
    if isinstance(error, UnicodeDecodeError):
        return JournalCorruptError(name, f"{doing}: the database file is damaged ({error}); restore a copy")
    code = _code(error)
    symbol = getattr(error, "sqlite_errorname", type(error).__name__)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return JournalCorruptError(
            name, f"{doing}: the database file is damaged ({error}, {symbol}); restore a copy"
        )
    return JournalWriteError(name, f"{doing} failed: {error} ({symbol}); {_hint(error)}")


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _hint(error: Exception) -> str:
    return _HINTS.get(_code(error), "see the cause")


def open_files(
    path: Path, synchronous: Synchronous, *, create: bool = True
) -> tuple[JobConnection, LockFile]:
    """Open a database, migrated if need be, and its lock file; with `create` a missing one is made.

    One that may only be read is opened for reading: what is asked to be written fails.

    Raises:
        JournalFormatError: The file is no journal, or a newer version's. It was not touched.
        JournalOpenError: The system does not allow it, the folder is missing, or so is the file without `create`.
        JournalCorruptError: It is damaged.
    """
    name = str(path)
    try:
        fresh = _is_fresh(path)
        if fresh and not create:
            raise JournalOpenError(name, "there is no such journal; nothing was made")
        reading = not fresh and not _may_write(path)
        locks = LockFile(path.with_name(f"{path.name}-lock"), reading=reading)
    except OSError as error:
        raise _cannot_open(path, error) from error
    try:
        if reading:
            return _connect_to_read(path), locks
        if fresh or _raw_version(path) < len(MIGRATIONS):
            _prepare(path, locks)
        return _connect(path, synchronous), locks
    except (sqlite3.Error, UnicodeDecodeError) as error:
        locks.close()
        problem = translate(name, "opening it", error)
        if isinstance(problem, JournalCorruptError):
            raise problem from error
        raise JournalOpenError(name, f"it cannot be opened: {error}; {_hint(error)}") from error
    except OSError as error:
        locks.close()
        raise _cannot_open(path, error) from error
    except BaseException:
        locks.close()
        raise


@contextlib.contextmanager
def synced(db: sqlite3.Connection) -> Iterator[None]:
    """What is committed meanwhile survives a power cut, whatever the journal's setting."""
    (level,) = db.execute("PRAGMA synchronous").fetchone()
    db.execute("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        db.execute(f"PRAGMA synchronous = {level}")


def checkpoint(db: sqlite3.Connection, locks: LockFile) -> bool:
    """Move the write-ahead log into the database, unless another process is at it; True when all of it was moved.

    It waits for nobody: what a reader still needs stays for the next time.
    """
    if not locks.try_lock(MAINTENANCE):
        return False
    try:
        db.execute("PRAGMA busy_timeout = 0")
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        locks.unlock(MAINTENANCE)


class Checkpoints:
    """Decides when to checkpoint: when the write-ahead log has grown by `size` bytes since the last try."""

    def __init__(self, path: Path, locks: LockFile, size: int = CHECKPOINT_SIZE) -> None:
        self._wal = f"{path}-wal"
        self._locks = locks
        self._size = size
        self._next = size
        self._asked = 0
        self.done = 0  # how many were complete

    def due(self) -> bool:
        """Whether it is time to. Asked after each commit; it looks at the file every so many times."""
        self._asked += 1
        if self._asked % _LOOK:
            return False
        try:
            return os.stat(self._wal).st_size >= self._next  # noqa: PTH116  # half the time of Path.stat
        except OSError:
            return False

    def run(self, db: sqlite3.Connection) -> None:
        """Checkpoint. A failure is no one's loss: the log stays as it is, and it is tried again when it has grown."""
        with contextlib.suppress(OSError, sqlite3.Error):
            self.done += checkpoint(db, self._locks)
        with contextlib.suppress(OSError):
            self._next = os.stat(self._wal).st_size + self._size  # noqa: PTH116


def _is_fresh(path: Path) -> bool:
    """Whether there is nothing at `path` yet. Raises JournalFormatError for what is not ours."""
    if path.is_dir():
        raise JournalOpenError(str(path), "this is a folder; name a file in it")
    if not path.parent.is_dir():
        raise JournalOpenError(str(path), f"there is no folder {path.parent}; make it first")
    try:
        # Opening a pipe waits for whoever writes, and a new database would take the place of a device.
        if not stat.S_ISREG(path.stat().st_mode):
            raise JournalOpenError(str(path), "this is a device or a pipe; name a file")
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        return True
    if not head:
        return True
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise JournalFormatError(str(path), "this is no SQLite database; name another file")
    application: int = struct.unpack_from(">I", head, 68)[0]
    if application != APPLICATION_ID:
        raise JournalFormatError(
            str(path),
            f"this database is not a backedge journal (application id {application:#x}, ours is "
            f"{APPLICATION_ID:#x}); name another file",
        )
    _refuse_newer(path, struct.unpack_from(">I", head, 60)[0])
    return False


def _refuse_newer(path: Path, version: int) -> None:
    if version > len(MIGRATIONS):
        raise JournalFormatError(
            str(path),
            f"it was written by a newer backedge (schema {version}, this one knows up to {len(MIGRATIONS)}); "
            f"upgrade backedge, or name another file",
        )


def _may_write(path: Path) -> bool:
    """Whether the file may be written, and files made beside it."""
    try:
        path.open("r+b").close()
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return False
        raise
    return os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True)


def _raw_version(path: Path) -> int:
    with path.open("rb") as file:
        version: int = struct.unpack_from(">I", file.read(100), 60)[0]
    return version


def _prepare(path: Path, locks: LockFile) -> None:
    """Make or migrate the database, alone."""
    if not locks.lock(MAINTENANCE, BUSY_TIMEOUT):
        raise JournalOpenError(str(path), f"another process has been preparing it for {BUSY_TIMEOUT:g} s")
    try:
        if _is_fresh(path):
            make_database(path)
        db = _connect(path, "full")
        try:
            if migrate(db):
                _make_room(db)
        finally:
            db.close()
    finally:
        locks.unlock(MAINTENANCE)


def _make_room(db: sqlite3.Connection) -> None:
    """Let a file of an older version give pages back, which takes rewriting it once. It works without that, too."""
    if db.execute("PRAGMA auto_vacuum").fetchone() == (0,):
        with contextlib.suppress(sqlite3.Error):
            db.execute(_GIVES_BACK)
            db.execute("VACUUM")


def make_database(path: Path) -> None:
    """Make an empty journal, whole or not at all."""
    draft = path.with_name(f"{path.name}-new")
    # A log left beside a database that was deleted would be replayed into the new one.
    for suffix in ("-new", "-new-journal", "-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    db = sqlite3.connect(draft, isolation_level=None)
    try:
        db.execute(_GIVES_BACK)  # before all else: later it would need the whole file to be rewritten
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(db)
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is part of what is promised to be on disk
    finally:
        os.close(folder)


def _connect(path: Path, synchronous: Synchronous) -> JobConnection:
    db = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT,
        check_same_thread=False,
        factory=JobConnection,
    )
    db.patience = BUSY_TIMEOUT
    try:
        _refuse_newer(path, version_of(db))  # a migration may still lie in the write-ahead log alone
        (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise JournalOpenError(str(path), f"its file system has no write-ahead logging (mode {mode})")
        db.execute(f"PRAGMA synchronous = {synchronous.upper()}")
        db.execute("PRAGMA wal_autocheckpoint = 0")
    except BaseException:
        db.close()
        raise
    return db


def _connect_to_read(path: Path) -> JobConnection:
    db = sqlite3.connect(
        reading_uri(path), uri=True, isolation_level=None, check_same_thread=False, factory=JobConnection
    )
    db.patience = BUSY_TIMEOUT
    try:
        version = version_of(db)
        _refuse_newer(path, version)
        if version < len(MIGRATIONS):
            raise JournalOpenError(
                str(path),
                f"it was written by an older backedge (schema {version}, this one needs {len(MIGRATIONS)}) and may "
                f"only be read, so it cannot be brought up to date; allow writing, or open a copy",
            )
    except BaseException:
        db.close()
        raise
    return db


def _cannot_open(path: Path, error: OSError) -> JournalOpenError:
    return JournalOpenError(
        str(path), f"it cannot be opened for writing: {error.strerror or error} ({path.parent})"
    )
