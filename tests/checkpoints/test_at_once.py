"""A journal that does not wait for the disk commits a little on the event loop, and never waits there."""

import asyncio
import sqlite3
import threading
from contextlib import closing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.checkpoints import SqliteJournal
from backedge.checkpoints.hop import JobConnection
from backedge.engine.errors import FencedError, JournalWriteError
from backedge.engine.records import EffectKind, EffectOpened

from .samples import BIG, CODER, finished, header, started


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
async def journal(path):
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        yield journal


@pytest.fixture
def hops(monkeypatch):
    """The threads that jobs were run on so far."""
    threads = []
    plain = JobConnection.commit

    def commit(db):
        threads.append(threading.current_thread())
        plain(db)

    monkeypatch.setattr(JobConnection, "commit", commit)
    return threads


def count(path):
    """How many records another connection sees."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM records").fetchone()[0]


async def turn():
    await asyncio.sleep(0)


async def test_a_record_is_in_the_file_when_append_returns(journal, path, hops):
    log = await journal.create(header(), started())
    before = len(hops)
    for seq in range(1, 6):
        assert log.append(finished(seq)).done()
        assert count(path) == seq + 1
        await turn()
    assert len(hops) == before
    assert threading.current_thread() not in hops


async def test_a_journal_that_waits_for_the_disk_leaves_all_to_its_thread(path, hops):
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), started())
        before = len(hops)
        waiting = log.append(finished(1))
        assert not waiting.done()
        await waiting
        assert len(hops) == before + 1


async def test_what_is_appended_later_in_a_turn_is_one_transaction_at_its_end(journal, path, hops):
    logs = [await journal.create(header(f"run{n}"), started()) for n in range(10)]
    before, commits = len(hops), journal.commits
    waits = [log.append(finished(1)) for log in logs]
    assert [wait.done() for wait in waits] == [True] + [False] * 9
    await turn()
    assert all(wait.done() for wait in waits)
    assert count(path) == 20
    assert (len(hops), journal.commits) == (before, commits + 2)


async def test_much_at_a_time_is_the_threads(journal, hops):
    log = await journal.create(header(), started())
    before, commits = len(hops), journal.commits
    waits = [log.append(finished(seq)) for seq in range(1, 101)]
    await asyncio.gather(*waits)
    assert len(hops) == before + 1
    assert journal.commits == commits + 2


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(finished(1, BIG), id="large"),
        pytest.param(finished(1, b'"' + b"x" * 200_000 + b'"'), id="larger"),
        pytest.param(
            EffectOpened(1, CODER, 1, "0", "pay", "d", 1.0, EffectKind.STEP, b"{}"), id="about to happen"
        ),
    ],
)
async def test_what_takes_long_or_must_survive_a_power_cut_is_the_threads(journal, hops, record):
    log = await journal.create(header(), started())
    before = len(hops)
    waiting = log.append(record)
    assert not waiting.done()
    await waiting
    assert len(hops) == before + 1


async def test_while_another_process_writes_the_thread_waits_and_the_event_loop_goes_on(journal, path):
    log = await journal.create(header(), started())
    # SQLite itself waits for nobody there; on the thread it is patient.
    assert journal._writer._hop.here.execute("PRAGMA busy_timeout").fetchone() == (0,)
    patience = await journal._writer.ask("", lambda db: db.execute("PRAGMA busy_timeout").fetchone())
    assert patience == (30_000,)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = log.append(finished(1))
        for _ in range(20):
            await turn()
        assert not waiting.done()
        other.execute("COMMIT")
        await waiting
    await turn()
    assert log.append(finished(2)).done()
    assert await journal.read("demo") == [started(), finished(1), finished(2)]


async def test_while_the_thread_is_at_work_appends_go_to_it_in_their_order(journal):
    log = await journal.create(header(), started())
    gate = threading.Event()
    busy = asyncio.ensure_future(journal._writer.ask("waiting", lambda _: gate.wait(10)))
    await turn()
    waits = [log.append(finished(1)), log.append(finished(2))]
    for _ in range(5):
        await turn()
    assert not any(wait.done() for wait in waits)
    gate.set()
    await asyncio.gather(busy, *waits)
    assert await journal.read("demo") == [started(), finished(1), finished(2)]


async def test_who_stops_waiting_for_a_job_leaves_the_connection_to_it(journal):
    log = await journal.create(header(), started())
    gate = threading.Event()
    busy = asyncio.ensure_future(journal._writer.ask("waiting", lambda _: gate.wait(10)))
    await turn()
    busy.cancel()
    await asyncio.wait([busy])
    waiting = log.append(finished(1))
    assert not waiting.done()
    gate.set()
    await waiting


async def test_the_first_commit_after_the_log_was_begun_anew_is_the_threads(journal, hops):
    log = await journal.create(header(), started())
    assert log.append(finished(1)).done()
    await turn()
    journal._writer.checkpoints.due = lambda: (
        True
    )  # SQLite syncs when the next transaction begins the log anew
    assert log.append(finished(2)).done()
    del journal._writer.checkpoints.due
    await journal._writer.ask("waiting for the checkpoint", lambda _: None)
    before = len(hops)
    waiting = log.append(finished(3))
    assert not waiting.done()
    await waiting
    assert len(hops) == before + 1
    assert log.append(finished(4)).done()


async def test_the_loop_of_an_owner_that_was_fenced_is_told_and_others_of_its_turn_are_written(journal, path):
    fenced, other = [await journal.create(header(name), started()) for name in ("fenced", "other")]
    change = "UPDATE runs SET epoch = epoch + 1 WHERE run_id = 'fenced'"
    await journal._writer.ask("taking over", lambda db: db.execute(change).fetchall())
    first = other.append(finished(1))
    waits = [fenced.append(finished(1)), other.append(finished(2))]
    assert first.done()
    await asyncio.wait(waits)
    assert isinstance(waits[0].exception(), FencedError)
    assert waits[1].exception() is None
    assert count(path) == 4
    assert isinstance(fenced.append(finished(2)).exception(), FencedError)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("written", [True, False])
async def test_when_a_commit_fails_the_file_says_whether_it_was_one(
    journal, path, monkeypatch, written, several
):
    log = await journal.create(header(), started())
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
    plain = JobConnection.execute
    faults = 2  # on the loop, and if that led to nothing on the thread

    def failing(db, sql, *parameters):
        nonlocal faults
        if not faults or not sql.startswith("COMMIT" if several else "INSERT"):
            return plain(db, sql, *parameters)
        faults -= 1
        if written:
            plain(db, sql, *parameters)
        elif several:
            plain(db, "ROLLBACK")
        raise error

    monkeypatch.setattr(JobConnection, "execute", failing, raising=False)
    wait = log.append(*[finished(seq) for seq in range(1, 2 + several)])
    assert wait.done() is (written or several)
    await asyncio.wait([wait])
    assert isinstance(wait.exception(), JournalWriteError) is not written
    assert count(path) == 1 + written * (1 + several)


async def test_what_ctrl_c_comes_amid_is_committed_later(journal, path, monkeypatch):
    log = await journal.create(header(), started())
    plain = JobConnection.execute

    def interrupted(db, sql, *parameters):
        if sql.startswith("INSERT"):
            raise KeyboardInterrupt
        return plain(db, sql, *parameters)

    monkeypatch.setattr(JobConnection, "execute", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        log.append(finished(1))
    monkeypatch.undo()
    await log.release()
    assert count(path) == 2


@pytest.mark.parametrize("how", ["release", "close", "check", "read"])
async def test_what_waits_for_the_end_of_a_turn_comes_before_what_is_asked_in_it(journal, path, how):
    log, other = [await journal.create(header(name), started()) for name in ("one", "two")]
    assert other.append(finished(1)).done()
    waiting = log.append(finished(1))
    assert not waiting.done()
    await {
        "release": log.release,
        "close": journal.close,
        "check": log.check,
        "read": lambda: journal.read("one"),
    }[how]()
    assert waiting.done()
    assert waiting.exception() is None
    assert count(path) == 4


async def test_whether_a_run_is_still_ours_is_looked_up_at_once_when_nothing_is_in_the_way(path, hops):
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), started())
        before = len(hops)
        await log.check()
        assert len(hops) == before
        log.append(finished(1))
        await log.check()  # after what was appended, so on the thread
        assert len(hops) > before
        change = "UPDATE runs SET epoch = epoch + 1"
        await journal._writer.ask("taking over", lambda db: db.execute(change).fetchall())
        with pytest.raises(FencedError):
            await log.check()


class Mixed:
    """A journal with one run, another process that writes now and then, and what was appended so far."""

    def __init__(self, path, journal, log, other):
        self.path, self.journal, self.log, self.other = path, journal, log, other
        self.records, self.waits, self.rest = [started()], [], []

    def small(self, value=b"1"):
        self.records.append(finished(len(self.records), value))
        self.waits.append(self.log.append(self.records[-1]))
        done = [wait.done() for wait in self.waits]
        assert done == sorted(done, reverse=True)  # none before the one it follows
        assert count(self.path) >= 1 + sum(done)

    def large(self):
        self.small(BIG)

    def frontier(self):
        self.log.keep(len(self.records) - 1, b"frontier")

    def read(self):
        self.later(self.journal.read("demo"))

    def check(self):
        self.later(self.log.check())

    def checkpoint(self):
        self.later(self.journal._writer.ask("moving the log", self.journal._writer.checkpoints.run))

    def lock(self):
        if not self.other.in_transaction:
            with suppress(sqlite3.OperationalError):  # while the thread writes
                self.other.execute("BEGIN IMMEDIATE")

    def unlock(self):
        if self.other.in_transaction:
            self.other.execute("COMMIT")

    def later(self, coroutine):
        self.rest.append(asyncio.ensure_future(coroutine))


DOINGS = st.sampled_from(
    ["small", "small", "large", "turn", "read", "check", "lock", "unlock", "checkpoint", "frontier"]
)


@given(doings=st.lists(DOINGS, max_size=40))
def test_whatever_is_done_in_between_all_records_are_there_in_their_order(doings, tmp_path_factory):
    path = tmp_path_factory.mktemp("mixed") / "runs.db"

    async def go():
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            log = await journal.create(header(), started())
            with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
                mixed = Mixed(path, journal, log, other)
                for doing in doings:
                    if doing == "turn":
                        await turn()
                    else:
                        getattr(mixed, doing)()
                mixed.unlock()
                await asyncio.gather(*mixed.waits, *mixed.rest)
            assert await journal.read("demo") == mixed.records

    asyncio.run(go())
