"""Looking for runs to go on with, and for letters, costs little however much there is."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from backedge.checkpoints import SqliteJournal, mail, pending
from backedge.checkpoints.migrations import MIGRATIONS, migrate
from backedge.checkpoints.ownership import LockFile, Owners
from backedge.checkpoints.pending import note_letter, note_rest, read_pending
from backedge.engine.records import Awaited, Cause, LetterKind, RunStatus

from .contract_pending import go, rested
from .samples import header, letter, started

GO = frozenset({(LetterKind.SIGNAL, "go")})


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        yield db


@pytest.fixture
def owners(tmp_path):
    owners = Owners(LockFile(tmp_path / "lock"))
    yield owners
    owners.close()


def fill(db, suspended, letters):
    """So many suspended runs whose timers are not due, with letters that none of them waits for; two that are due."""
    insert = "INSERT INTO runs VALUES (?, ?, 'loop', 'd', x'00', 1.0, NULL, NULL, 'suspended', 1, 'me')"
    post = (
        "INSERT INTO letters (run, kind, name, value, at, crc) VALUES (?, 'signal', 'stray', x'30', 1.0, 0)"
    )
    for key in range(1, suspended + 1):
        db.execute(insert, (key, f"run{key}"))
        due = 1.0 if key in (7, 9) else 1000.0 + key
        note_rest(db, key, RunStatus.SUSPENDED, Awaited(due, GO))
        for _ in range(letters):
            db.execute(post, (key,))
            note_letter(db, key, letter("stray", b"0", LetterKind.SIGNAL))


def steps(db, work):
    """How many steps of SQLite's machine the work takes."""
    count = 0

    def step():
        nonlocal count
        count += 1

    db.set_progress_handler(step, 1)
    try:
        return work(), count
    finally:
        db.set_progress_handler(None, 1)


def test_a_look_takes_as_many_steps_among_a_thousand_resting_runs_as_among_ten(db, owners, tmp_path):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as small:
        migrate(small)
        fill(small, 10, 1)
        fill(db, 1000, 3)
        few, least = steps(small, lambda: read_pending(small, owners, ["loop"], 100.0, 1000))
        many, most = steps(db, lambda: read_pending(db, owners, ["loop"], 100.0, 1000))
    assert [(found.run_id, found.cause) for found in many] == [("run7", Cause.DUE), ("run9", Cause.DUE)]
    assert few == many
    assert most == least


def test_posting_to_one_of_many_resting_runs_takes_no_more_steps(db, owners):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as small:
        migrate(small)
        fill(small, 10, 1)
        fill(db, 3000, 3)
        _, least = steps(small, lambda: note_letter(small, 3, go()))
        _, most = steps(db, lambda: note_letter(db, 3, go()))
    assert most == least
    assert [it.run_id for it in read_pending(db, owners, ["loop"], 0.5, 10)] == ["run3"]


def test_resting_runs_of_an_older_file_are_all_looked_at_once(db, owners):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as old:
        migrate(old, MIGRATIONS[: [it.name for it in MIGRATIONS].index("what resting runs wait for")])
        insert = "INSERT INTO runs VALUES (?, ?, 'loop', 'd', x'00', 1.0, NULL, NULL, ?, 1, 'me')"
        for key, status in enumerate(["suspended", "in_doubt", "failed", "completed", "running"], 1):
            old.execute(insert, (key, status, status))
        migrate(old)
        found = {it.run_id: it.cause for it in read_pending(old, owners, ["loop"], 0.0, 10)}
    assert found == {"suspended": Cause.LETTERS, "in_doubt": Cause.LETTERS, "running": Cause.CRASHED}


def test_runs_that_are_under_way_are_passed_over_by_the_index_alone(db, owners):
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {pending._RUNNING}", ("loop",)))
    assert "USING COVERING INDEX runs_under_way" in plan
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {pending._DUE}", ("loop", 1.0)))
    assert "USING INDEX dues_of" in plan or "USING COVERING INDEX dues_of" in plan


async def test_one_look_serves_all_runs_of_a_journal(tmp_path, monkeypatch):
    monkeypatch.setattr(mail, "POLL", 0.01)
    path = tmp_path / "runs.db"
    async with await SqliteJournal.open(path) as mine, await SqliteJournal.open(path) as theirs:
        told, coming = [], asyncio.Event()

        def tell(name):
            told.append(name)
            if len(told) == 2:
                coming.set()

        for number in range(500):
            log = await mine.create(header(f"run{number}"), started())
            log.watch(lambda name=f"run{number}": tell(name))
        told.clear()
        before = mine._mail.looks
        await theirs.post("run3", go())
        await theirs.post("run499", go())
        await asyncio.wait_for(coming.wait(), 30)
        assert sorted(told) == ["run3", "run499"]
        looks = mine._mail.looks - before
        await asyncio.sleep(0.05)  # the poll is the point
        assert looks < 500
        assert sorted(told) == ["run3", "run499"], "nobody is told twice"


async def test_nobody_looks_where_nobody_watches(tmp_path, monkeypatch):
    monkeypatch.setattr(mail, "POLL", 0.0)
    async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
        log = await journal.create(header(), started())
        log.watch(lambda: None)
        await journal.runs()
        await log.release()
        looks = journal._mail.looks
        for _ in range(5):
            await journal.runs()
        assert journal._mail.looks == looks


async def test_a_letter_that_a_look_has_seen_before_its_owner_watched_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(mail, "POLL", 0.01)
    path = tmp_path / "runs.db"
    async with await SqliteJournal.open(path) as mine, await SqliteJournal.open(path) as theirs:
        first = await mine.create(header("first"), started())
        late = await mine.create(header("late"), started())
        seen, told = asyncio.Event(), asyncio.Event()
        first.watch(seen.set)
        await theirs.post("late", go())
        await theirs.post("first", go())
        await asyncio.wait_for(seen.wait(), 30)
        late.watch(told.set)
        await asyncio.wait_for(told.wait(), 30)


async def test_nothing_is_left_of_a_deleted_run(tmp_path):
    path = tmp_path / "runs.db"
    async with await SqliteJournal.open(path) as journal:
        await rested(journal, awaited=Awaited(5.0, GO))
        await journal.delete("demo")
    with closing(sqlite3.connect(path)) as db:
        for table in ("waits", "dues"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
