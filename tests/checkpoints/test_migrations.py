import sqlite3
from contextlib import closing

import pytest

from backedge.checkpoints import SqliteJournal, database, migrations
from backedge.checkpoints.migrations import MIGRATIONS, Migration, migrate, version_of

from .samples import finished, header, started

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
