"""Checkpoints of the write-ahead log, and what the lock on them is for."""

import sqlite3
from contextlib import closing

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.checkpoints.database import Checkpoints, checkpoint, open_files, translate
from backedge.checkpoints.ownership import MAINTENANCE, LockFile
from backedge.engine.errors import JournalCorruptError, JournalOpenError, JournalWriteError

from .samples import finished, header, started


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def opened(path):
    db, locks = open_files(path, "normal")
    yield db, locks
    db.close()
    locks.close()


@pytest.fixture
def wal(path):
    return lambda: path.with_name("runs.db-wal").stat().st_size


def write(db, rows=10):
    for _ in range(rows):
        db.execute("INSERT INTO blobs (hash, content) VALUES (randomblob(32), zeroblob(5000))")


def test_a_checkpoint_empties_the_log(opened, wal):
    db, locks = opened
    write(db)
    assert wal() > 0
    assert checkpoint(db, locks)
    assert wal() == 0
    assert not locks.held_elsewhere(MAINTENANCE)


def test_nobody_checkpoints_while_another_does(opened, wal, path):
    db, locks = opened
    write(db)
    other = LockFile(path.with_name("runs.db-lock"))
    other.lock(MAINTENANCE, timeout=0)
    assert not checkpoint(db, locks)
    assert wal() > 0
    other.close()
    assert checkpoint(db, locks)


def test_no_connection_checkpoints_by_itself(opened, wal):
    db, _ = opened
    write(db, 2000)  # SQLite would do so after 1,000 pages
    assert wal() > 2000 * 4096
    assert db.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_a_checkpoint_does_not_wait_for_a_reader_and_releases_its_lock(opened, path):
    db, locks = opened
    write(db)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM blobs").fetchone()
        write(db)
        assert not checkpoint(db, locks)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    assert checkpoint(db, locks)


def test_the_next_checkpoint_is_due_when_the_log_has_grown_again(opened, path, wal):
    db, locks = opened
    checkpoints = Checkpoints(path, locks, size=100_000)

    def due():
        return any(checkpoints.due() for _ in range(16))

    assert not due()
    write(db, 30)
    assert due()
    checkpoints.run(db)
    assert checkpoints.done == 1
    assert wal() == 0
    assert not due()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM blobs").fetchone()
        write(db, 30)
        assert due()
        checkpoints.run(db)  # it cannot be done, so it is not tried again with each commit
        assert checkpoints.done == 1
        assert not due()
        write(db, 30)
        assert due()


def test_a_database_without_log_is_never_due(path, opened):
    db, locks = opened
    assert not any(Checkpoints(path.with_name("other.db"), locks, size=0).due() for _ in range(32))
    db.execute("SELECT 1")


@pytest.mark.parametrize(("setting", "level"), [("full", 2), ("normal", 1)])
async def test_the_setting_reaches_the_database(path, setting, level):
    async with await SqliteJournal.open(path, synchronous=setting) as journal:
        assert await journal._writer.ask(
            "asking", lambda db: db.execute("PRAGMA synchronous").fetchone()
        ) == (level,)
        assert await journal._writer.ask(
            "asking", lambda db: db.execute("PRAGMA journal_mode").fetchone()
        ) == ("wal",)


async def test_a_log_that_has_grown_is_checkpointed_on_the_way(path, wal, monkeypatch):
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        journal._writer.checkpoints._next = 50_000
        log = await journal.create(header(), started())
        for seq in range(1, 40):
            await log.append(finished(seq, b'"' + b"x" * 8000 + b'"'))
        assert journal._writer.checkpoints.done == 1


async def test_closing_checkpoints(path):
    async with await SqliteJournal.open(
        path
    ) as keeper:  # so that SQLite does not do it when the last one closes
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started())
        assert path.with_name("runs.db-wal").stat().st_size == 0
        assert len(await keeper.runs()) == 1


def test_a_database_that_another_process_keeps_preparing_is_told(path, monkeypatch):
    from backedge.checkpoints import database

    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    other = LockFile(path.with_name("runs.db-lock"))
    other.lock(MAINTENANCE, timeout=0)
    with pytest.raises(JournalOpenError, match="has been preparing it"):
        open_files(path, "full")
    other.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (sqlite3.SQLITE_FULL, JournalWriteError, "make room"),
        (sqlite3.SQLITE_IOERR_FSYNC, JournalWriteError, "the disk or file system failed"),
        (sqlite3.SQLITE_READONLY_DBMOVED, JournalWriteError, "may only be read"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, JournalWriteError, "another process kept"),
        (sqlite3.SQLITE_CORRUPT_INDEX, JournalCorruptError, "damaged"),
        (sqlite3.SQLITE_NOTADB, JournalCorruptError, "damaged"),
        (sqlite3.SQLITE_MISUSE, JournalWriteError, "see the cause"),
    ],
)
def test_errors_of_sqlite_are_told_with_what_to_do(code, kind, told):
    error = sqlite3.OperationalError("it broke")
    error.sqlite_errorcode = code
    problem = translate("runs.db", "writing", error)
    assert type(problem) is kind
    assert "journal runs.db: writing" in str(problem)
    assert "it broke" in str(problem)
    assert told in str(problem)
