import asyncio
import signal
import sqlite3
from contextlib import closing

import pytest

from backedge.checkpoints import SqliteJournal, database, migrations
from backedge.checkpoints.codec import content_hash, encode
from backedge.checkpoints.migrations import APPLICATION_ID, MIGRATIONS, Migration, migrate, version_of
from backedge.engine.errors import JournalOpenError

from .. import forking
from .samples import BIG, finished, header, letter, started

ADDED = Migration("a note for each run", ("ALTER TABLE runs ADD COLUMN note TEXT", "CREATE TABLE notes (x)"))


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        yield db


def tables(db):
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_an_empty_database_gets_all_migrations_in_order(db):
    assert migrate(db) == [migration.name for migration in MIGRATIONS]
    assert version_of(db) == len(MIGRATIONS)
    assert {"runs", "records", "blobs"} <= tables(db)


def test_what_was_applied_is_not_applied_again(db):
    migrate(db)
    assert migrate(db) == []


def test_only_what_is_new_is_applied(db):
    migrate(db)
    more = (*MIGRATIONS, Migration("more", ("CREATE TABLE more (x)",)))
    assert migrate(db, more) == ["more"]
    assert version_of(db) == len(MIGRATIONS) + 1


def test_a_migration_that_fails_leaves_no_half_of_it(db):
    broken = (*MIGRATIONS, Migration("half", ("CREATE TABLE half (x)", "CREATE TABLE half (x)")))
    with pytest.raises(sqlite3.OperationalError, match="half already exists"):
        migrate(db, broken)
    assert version_of(db) == len(MIGRATIONS)
    assert "half" not in tables(db)
    assert not db.in_transaction


def test_no_two_migrations_share_a_name():
    assert len({migration.name for migration in MIGRATIONS}) == len(MIGRATIONS)


async def test_an_older_file_is_migrated_when_it_is_opened_and_keeps_its_runs(tmp_path, monkeypatch):
    path = tmp_path / "runs.db"
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), started())
        await log.append(finished(1))
    newer = (*MIGRATIONS, ADDED)
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    monkeypatch.setattr(database, "migrate", lambda db: migrations.migrate(db, newer))
    async with await SqliteJournal.open(path) as journal:
        assert await journal.read("demo") == [started(), finished(1)]
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == len(newer)
        assert "notes" in tables(db)


def test_the_view_for_people_shows_a_run_as_text(db):
    migrate(db)
    db.execute("INSERT INTO runs VALUES (3, 'demo', 'g', 'd', x'00', 1.0, NULL, NULL, 'running', 1, 'me')")
    db.execute("INSERT INTO records VALUES (?, 1, ?)", (3 << 32 | 5, b'[1,"ended",0]'))
    assert db.execute("SELECT * FROM log").fetchall() == [("demo", 5, '[1,"ended",0]')]


def make_first_version(path, values=()):
    """A closed file as the first version wrote it, with one run."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(db, MIGRATIONS[:1])
        db.execute("PRAGMA journal_mode = WAL")
        told = header()
        blobs = [(content_hash(told.shape), told.shape)]
        for record in [started(), *[finished(seq, value) for seq, value in enumerate(values, 1)]]:
            encoded = encode(record)
            db.execute(
                "INSERT INTO records VALUES (?, ?, ?)", (1 << 32 | encoded.seq, encoded.crc, encoded.body)
            )
            blobs += encoded.blobs
        db.executemany("INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", blobs)
        row = (1, told.run_id, told.graph, told.digest, content_hash(told.shape), told.created)
        db.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, 'running', 1, 'me')", row)


async def test_the_first_version_becomes_the_present_one_with_its_runs_and_what_they_use(tmp_path):
    path = tmp_path / "runs.db"
    make_first_version(path, [BIG, b'"small"', BIG, BIG[:-1] + b'c"'])
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO records VALUES (?, 0, x'ff')", (9 << 32,))  # too damaged to tell its blobs
        db.commit()
    async with await SqliteJournal.open(path) as journal:
        assert len(await journal.read("demo")) == 5
        log = await journal.acquire("demo")
        await log.append(finished(5))
        number = await journal.post("demo", letter())
        await log.append(finished(6), taken=[number])
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == len(MIGRATIONS)
        used = db.execute("SELECT place & 4294967295, blob FROM uses ORDER BY place").fetchall()
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert [seq for seq, _ in used] == [1, 3, 4]
    assert used[0][1] == used[1][1] != used[2][1]


KILLED = """
import asyncio, os, signal, sys
from backedge.checkpoints import database, migrations
from backedge.checkpoints.migrations import Migration

*before, last = migrations.MIGRATIONS
statements = last.statements[:{statements}]
def die(db):
    if {done}:
        last.then and last.then(db)
        db.execute("PRAGMA user_version = 99")
    os.kill(os.getpid(), signal.SIGKILL)
broken = (*before, Migration(last.name, statements, die))
database.migrate = lambda db: migrations.migrate(db, broken)
from pathlib import Path
database.open_files(Path(sys.argv[1]), "full")
"""


@pytest.mark.parametrize(("statements", "done"), [(0, False), (1, False), (99, True)])
async def test_a_process_killed_inside_a_migration_leaves_the_version_of_before(tmp_path, statements, done):
    path = tmp_path / "runs.db"
    make_first_version(path, [BIG])
    program = tmp_path / "killed.py"
    program.write_text(KILLED.format(statements=statements, done=done))
    assert forking.run(program, path).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == len(MIGRATIONS) - 1
        last = "".join(MIGRATIONS[-1].statements)
        assert not any(f"TABLE {name} " in last for name in tables(db))
    async with await SqliteJournal.open(path) as journal:
        assert len(await journal.read("demo")) == 2
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == len(MIGRATIONS)


async def test_two_that_open_an_older_file_at_once_migrate_it_once(tmp_path):
    path = tmp_path / "runs.db"
    make_first_version(path, [BIG])
    journals = await asyncio.gather(*[SqliteJournal.open(path) for _ in range(6)])
    assert [len(await journal.read("demo")) for journal in journals] == [2] * 6
    await asyncio.gather(*[journal.close() for journal in journals])


async def test_a_disk_that_is_full_during_a_migration_leaves_the_version_of_before(tmp_path, monkeypatch):
    path = tmp_path / "runs.db"
    make_first_version(path, [BIG])
    full = Migration(
        "full",
        ("CREATE TABLE more (x)", "PRAGMA max_page_count = 1", "INSERT INTO more VALUES (zeroblob(1000000))"),
    )
    monkeypatch.setattr(database, "migrate", lambda db: migrate(db, (*MIGRATIONS[:1], full)))
    with pytest.raises(JournalOpenError, match="full"):
        await SqliteJournal.open(path)
    monkeypatch.undo()
    async with await SqliteJournal.open(path) as journal:
        assert len(await journal.read("demo")) == 2
