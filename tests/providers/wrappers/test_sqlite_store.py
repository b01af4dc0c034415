"""The store in a file: it lasts, it is shared, it leaves alone what is not its own."""

import fcntl
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from backedge.providers.wrappers import sqlite_store
from backedge.providers.wrappers.sqlite_store import NotACacheError, SqliteStore
from backedge.providers.wrappers.stores import CacheError, Stored

from ... import forking
from .contract_store import ANSWER, StoreContract

ANSWERS = Path(__file__).parents[2] / "programs" / "answers.py"


@pytest.fixture
async def store(tmp_path):
    async with SqliteStore(tmp_path / "answers.db") as opened:
        yield opened


class TestSqliteStore(StoreContract):
    pass


async def test_answers_outlive_the_store(tmp_path):
    for _ in range(2):
        async with SqliteStore(tmp_path / "a.db") as store:
            found = await store.get("a")
            await store.put("a", Stored(ANSWER, 5.0))
    assert found == Stored(ANSWER, 5.0)


async def test_a_closed_store_opens_again_when_it_is_used(store):
    await store.put("a", Stored(ANSWER))
    await store.aclose()
    await store.aclose()
    assert await store.get("a")


async def test_answers_can_be_cleared_all_or_the_expired_ones(store):
    for key, expires in [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", None)]:
        await store.put(key, Stored(ANSWER, expires))
    assert await store.clear(expired_at=2.0) == 2
    assert await store.get("c")
    assert await store.clear() == 2
    assert await store.get("d") is None


async def test_another_processs_answers_are_there_at_once(store, tmp_path):
    assert await store.get("k") is None
    writers = [forking.start(ANSWERS, tmp_path / "answers.db", name) for name in "kl"]
    for number in range(250):
        await store.put(f"m{number}", Stored(ANSWER))
    assert [writer.communicate() for writer in writers] == [(b"", b"")] * 2
    assert [writer.returncode for writer in writers] == [0, 0]
    for name in "klm":
        for number in (0, 249):
            assert await store.get(f"{name}{number}")


async def test_the_log_is_carried_over_now_and_then_unless_another_process_does(store, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "_OFTEN", 2)

    def in_file():
        with closing(sqlite3.connect(f"file:{tmp_path / 'copy.db'}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM answers").fetchone()[0]

    def copied():
        (tmp_path / "copy.db").write_bytes((tmp_path / "answers.db").read_bytes())  # without the log
        data = bytearray((tmp_path / "copy.db").read_bytes())
        data[18:20] = b"\x01\x01"  # and said to have none
        (tmp_path / "copy.db").write_bytes(data)
        return in_file()

    with (tmp_path / "answers.db-lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        await store.put("a", Stored(ANSWER))
        await store.put("b", Stored(ANSWER))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        copied()
    await store.put("c", Stored(ANSWER))
    await store.put("d", Stored(ANSWER))
    assert copied() == 4


async def test_a_file_that_is_something_else_is_not_touched(tmp_path):
    (tmp_path / "text").write_text("dear diary, " * 100)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE answers (mine)")
    for name in ("text", "other.db"):
        before = (tmp_path / name).read_bytes()
        async with SqliteStore(tmp_path / name) as store:
            with pytest.raises(NotACacheError, match=f"{name} is not .* name another file"):
                await store.get("a")
        assert (tmp_path / name).read_bytes() == before


async def test_a_cache_of_another_form_is_emptied(tmp_path):
    async with SqliteStore(tmp_path / "a.db") as store:
        await store.put("a", Stored(ANSWER))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA user_version=77")
    async with SqliteStore(tmp_path / "a.db") as store:
        assert await store.get("a") is None


async def test_an_answer_that_cannot_be_read_is_none(store, tmp_path):
    await store.put("a", Stored(ANSWER))
    with closing(sqlite3.connect(tmp_path / "answers.db")) as connection, connection:
        connection.execute("UPDATE answers SET answer = '{}'")
    assert await store.get("a") is None


async def test_a_folder_that_is_missing_is_an_error_of_the_cache(tmp_path):
    async with SqliteStore(tmp_path / "nowhere" / "a.db") as store:
        with pytest.raises(CacheError, match="a.db cannot be used: unable to open"):
            await store.get("a")


async def test_a_locked_file_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.05, other.execute, ["ROLLBACK"])
        timer.start()
        async with SqliteStore(path) as store:
            await store.put("a", Stored(ANSWER))
            assert await store.get("a")
        timer.join()
        monkeypatch.setattr(sqlite_store, "_PATIENCE", 0.01)
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        async with SqliteStore(path) as store:
            with pytest.raises(CacheError, match="locked"):
                await store.put("a", Stored(ANSWER))


async def test_a_file_that_cannot_be_prepared_is_left_as_it_was(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(f"PRAGMA application_id={sqlite_store._OURS}")
        connection.execute("CREATE VIEW answers AS SELECT 1 AS mine")
    async with SqliteStore(tmp_path / "a.db") as store:
        with pytest.raises(CacheError, match="use DROP VIEW"):
            await store.get("a")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT mine FROM answers").fetchone() == (1,)
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


def test_other_processes_that_open_the_file_are_waited_for_but_not_for_ever(monkeypatch):
    ends = [sqlite3.OperationalError("database is locked"), None]

    def act():
        end = ends.pop(0)
        if end:
            raise end

    sqlite_store._patiently(act)
    assert ends == []
    ends = [sqlite3.OperationalError("disk I/O error"), None]
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        sqlite_store._patiently(act)
    monkeypatch.setattr(sqlite_store, "_PATIENCE", -1)
    ends = [sqlite3.OperationalError("database is locked"), None]
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite_store._patiently(act)
