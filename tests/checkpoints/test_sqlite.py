import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal, open_journal
from backedge.checkpoints.migrations import APPLICATION_ID
from backedge.engine.errors import (
    FencedError,
    InputError,
    JournalCorruptError,
    JournalError,
    JournalFormatError,
    JournalOpenError,
    JournalWriteError,
    RunExistsError,
    RunOwnedError,
)
from backedge.engine.records import RunStarted

from .contract import JournalContract
from .samples import BIG, ended, every_kind, finished, header, started


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    async def journal(self, tmp_path):
        async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
            yield journal


class TestRelaxedSqliteJournal(JournalContract):
    @pytest.fixture
    async def journal(self, tmp_path):
        async with await SqliteJournal.open(tmp_path / "runs.db", synchronous="normal") as journal:
            yield journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


async def stored(path, *records):
    """A file with one closed run of these records."""
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), records[0] if records else started())
        await log.append(*records[1:])


def change(path, sql, *parameters):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, parameters)


def ask(path, sql):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def files_beside(path):
    return {entry.name: entry.read_bytes() for entry in path.parent.iterdir() if entry.is_file()}


def log_of(path):
    """The write-ahead log's file."""
    return path.with_name(f"{path.name}-wal")


def still_open(path):
    """Files of the journal that this process has open."""
    opened = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
    return [entry for entry in opened if str(entry).startswith(str(path))]


async def eventually(condition):
    """Wait for what a thread is about to do."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")


class TestReopening:
    async def test_what_was_stored_is_there_again(self, path):
        await stored(path, *every_kind())
        async with await SqliteJournal.open(path) as journal:
            assert await journal.read("demo") == every_kind()
            assert await journal.header("demo") == header()
            assert (await journal.acquire("demo")).epoch == 2

    async def test_closing_leaves_one_database_and_its_lock_file_and_nothing_open(self, path):
        threads = set(threading.enumerate())  # one of an earlier test may be about to end
        await stored(path)
        assert sorted(files_beside(path)) == ["runs.db", "runs.db-lock"]
        assert still_open(path) == []
        await eventually(lambda: threads.issuperset(threading.enumerate()))

    async def test_close_writes_what_is_queued(self, path):
        journal = await SqliteJournal.open(path)
        log = await journal.create(header(), started())
        waits = [log.append(finished(seq)) for seq in range(1, 20)]
        await journal.close()
        assert all(wait.done() and wait.exception() is None for wait in waits)
        async with await SqliteJournal.open(path) as journal:
            assert len(await journal.read("demo")) == 20

    async def test_a_cancelled_close_still_closes(self, path):
        journal = await SqliteJournal.open(path)
        await journal.create(header(), started())
        task = asyncio.ensure_future(journal.close())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.close()
        assert still_open(path) == []

    async def test_two_names_of_one_file_are_one_journal(self, path):
        link = path.parent / "link.db"
        link.symlink_to(path)
        async with await SqliteJournal.open(path) as one, await SqliteJournal.open(link) as two:
            await one.create(header(), started())
            with pytest.raises(RunOwnedError):
                await two.acquire("demo")

    async def test_an_empty_file_becomes_a_journal(self, path):
        path.touch()
        await stored(path)
        assert ask(path, "SELECT count(*) FROM records") == [(1,)]

    async def test_the_log_of_a_deleted_database_does_not_haunt_the_next(self, path):
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started())
            left = log_of(path).read_bytes()
        path.unlink()
        log_of(path).write_bytes(left)
        async with await SqliteJournal.open(path) as journal:
            assert await journal.runs() == []

    async def test_many_can_make_one_file_at_once(self, path):
        journals = await asyncio.gather(*[SqliteJournal.open(path) for _ in range(8)])
        await asyncio.gather(
            *[journal.create(header(f"run{n}"), started()) for n, journal in enumerate(journals)]
        )
        assert len(await journals[0].runs()) == 8
        await asyncio.gather(*[journal.close() for journal in journals])


class TestFilesThatAreNotOurs:
    async def refused(self, path, error):
        before = files_beside(path)
        with pytest.raises(error) as caught:
            await SqliteJournal.open(path)
        assert files_beside(path) == before
        return str(caught.value)

    async def test_a_foreign_database_is_refused_untouched(self, path):
        change(path, "CREATE TABLE mine (x)")
        assert "not a backedge journal" in await self.refused(path, JournalFormatError)

    async def test_a_foreign_database_in_wal_mode_is_refused_untouched(self, path):
        change(path, "PRAGMA journal_mode = WAL")
        change(path, "CREATE TABLE mine (x)")
        assert "not a backedge journal" in await self.refused(path, JournalFormatError)

    async def test_a_file_that_is_no_database_is_refused_untouched(self, path):
        path.write_text("hello " * 100)
        assert "no SQLite database" in await self.refused(path, JournalFormatError)

    async def test_a_newer_schema_is_refused_untouched(self, path):
        await stored(path)
        change(path, "PRAGMA user_version = 99")
        change(path, "PRAGMA journal_mode = DELETE")
        told = await self.refused(path, JournalFormatError)
        assert "newer" in told
        assert "99" in told

    async def test_a_newer_schema_that_lies_in_the_log_alone_is_refused_too(self, path):
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started())
            change(path, "PRAGMA user_version = 99")
            with pytest.raises(JournalFormatError, match="newer"):
                await SqliteJournal.open(path)

    async def test_a_missing_folder_is_told_and_not_made(self, tmp_path):
        with pytest.raises(JournalOpenError, match="no folder"):
            await SqliteJournal.open(tmp_path / "missing" / "runs.db")
        assert list(tmp_path.iterdir()) == []

    async def test_a_folder_is_no_journal(self, tmp_path):
        with pytest.raises(JournalOpenError, match="this is a folder"):
            await SqliteJournal.open(tmp_path)

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody may write to")
    async def test_a_folder_that_may_not_be_written_is_one_clear_error(self):
        with pytest.raises(JournalOpenError, match="cannot be opened for writing"):
            await SqliteJournal.open("/proc/self/runs.db")

    async def test_a_pipe_or_a_device_is_refused_and_stays_what_it_is(self, path):
        os.mkfifo(path)  # not a real device: root would lose it if this failed
        with pytest.raises(JournalOpenError, match="a device or a pipe; name a file"):
            await SqliteJournal.open(path)
        assert path.is_fifo()
        assert [each.name for each in path.parent.iterdir()] == [path.name]

    async def test_what_can_be_no_path_is_one_clear_error(self, path):
        path.symlink_to(path)
        for name in (path, "a\0b"):
            with pytest.raises(JournalOpenError, match="cannot be"):
                await SqliteJournal.open(name)

    @pytest.mark.parametrize("empty", [False, True])
    async def test_who_only_reads_makes_no_journal(self, path, empty):
        if empty:
            path.touch()
        before = list(path.parent.iterdir())
        with pytest.raises(JournalOpenError, match="there is no such journal"):
            async with open_journal(path, create=False):
                raise AssertionError("it was opened")
        assert list(path.parent.iterdir()) == before
        await stored(path, started())
        async with open_journal(path, create=False) as journal:
            assert await journal.read("demo") == [started()]

    async def test_memory_is_not_a_path(self):
        with pytest.raises(JournalOpenError, match="MemoryJournal"):
            await SqliteJournal.open(":memory:")

    async def test_an_unknown_setting_is_refused(self, path):
        with pytest.raises(ValueError, match="'full' or 'normal'"):
            await SqliteJournal.open(path, synchronous="off")
        assert not path.exists()

    async def test_a_refused_file_leaves_no_thread(self, path):
        threads = set(threading.enumerate())  # one of an earlier test may be about to end
        path.write_text("hello " * 100)
        await self.refused(path, JournalFormatError)
        await eventually(lambda: threads.issuperset(threading.enumerate()))

    def test_the_application_id_is_ours_for_ever(self):
        assert APPLICATION_ID == 0x6261636B


class TestDamage:
    async def test_a_flipped_byte_names_the_record_and_what_lies_before_stays_readable(self, path):
        await stored(path, *every_kind())
        ((body,),) = ask(path, "SELECT body FROM records WHERE place & 4294967295 = 3")
        flipped = bytearray(body)
        flipped[len(body) // 2] ^= 1
        change(path, "UPDATE records SET body = ? WHERE place & 4294967295 = 3", bytes(flipped))
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(
                JournalCorruptError, match="record 3 of run 'demo' is damaged: its checksum"
            ) as caught:
                await journal.read("demo")
            assert (caught.value.run_id, caught.value.seq) == ("demo", 3)
            assert await journal.read("demo", before=caught.value.seq) == every_kind()[:3]
            assert await journal.read("demo", after=3) == every_kind()[4:]

    async def test_a_damaged_last_record_does_not_hide_the_list_of_runs(self, path):
        await stored(path, *every_kind())
        change(path, "UPDATE records SET crc = crc + 1")
        async with await SqliteJournal.open(path) as journal:
            assert [run.records for run in await journal.runs()] == [len(every_kind())]

    async def test_a_record_in_the_place_of_another_is_damage(self, path):
        await stored(path, started(), finished(1, b"1"), finished(2, b"2"))
        change(
            path,
            "UPDATE records SET (crc, body) = (SELECT crc, body FROM records LIMIT 1 OFFSET 1) WHERE place & 3 = 2",
        )
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 2"):
                await journal.read("demo")

    async def test_a_missing_shape_is_told_for_its_run(self, path):
        await stored(path)
        change(path, "DELETE FROM blobs")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="shape of run 'demo' is missing"):
                await journal.header("demo")

    async def test_a_missing_record_is_named(self, path):
        await stored(path, *every_kind())
        change(path, "DELETE FROM records WHERE place & 4294967295 = 5")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 5 of run 'demo' is damaged: it is missing"):
                await journal.read("demo")

    @pytest.mark.parametrize("sql", ["DELETE FROM blobs", "UPDATE blobs SET content = substr(content, 2)"])
    async def test_a_damaged_blob_is_damage_of_its_record(self, path, sql):
        await stored(path, started(), finished(1, BIG))
        change(path, f"{sql} WHERE length(content) > 10000")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 1 of run 'demo' is damaged: its blob"):
                await journal.read("demo")

    async def test_a_record_of_a_newer_version_is_not_guessed_at(self, path):
        from backedge.checkpoints.codec import checksum

        await stored(path, started(), finished(1))
        body = b'[3,"finished",0]'
        change(path, "UPDATE records SET crc = ?, body = ? WHERE place & 1 = 1", checksum(1, body), body)
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalFormatError, match="record 1 of run 'demo': its format is version 3"):
                await journal.read("demo")

    async def test_a_truncated_file_is_told_as_damage(self, path):
        await stored(path, started(), *[finished(seq, b'"%s"' % (b"x" * 1000)) for seq in range(1, 50)])
        os.truncate(path, 3 * 4096)
        with pytest.raises(JournalCorruptError, match="damaged"):
            async with await SqliteJournal.open(path) as journal:
                await journal.read("demo")


class TestGroupCommit:
    async def test_what_waits_is_one_transaction_over_all_runs(self, path):
        async with await SqliteJournal.open(path) as journal:
            logs = [await journal.create(header(f"run{n}"), started()) for n in range(20)]
            before = journal.commits
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute(
                    "BEGIN IMMEDIATE"
                )  # the first group waits for this; all others gather behind it
                waits = [log.append(finished(seq)) for seq in (1, 2, 3) for log in logs]
                await asyncio.sleep(0.01)
                waits += [log.append(finished(seq)) for seq in (4, 5) for log in logs]
                other.execute("COMMIT")
            await asyncio.gather(*waits)
            assert journal.commits - before <= 2 + 1
            assert {run.records for run in await journal.runs()} == {6}

    async def test_one_append_is_one_transaction(self, path):
        async with await SqliteJournal.open(path) as journal:
            log = await journal.create(header(), started())
            for seq in range(1, 11):
                await log.append(finished(seq))
            assert journal.commits == 11

    async def test_new_runs_are_grouped_too(self, path):
        async with await SqliteJournal.open(path) as journal:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                tasks = [asyncio.ensure_future(journal.create(header(f"r{n}"), started())) for n in range(30)]
                tasks.append(asyncio.ensure_future(journal.create(header("r0"), started())))
                await asyncio.sleep(0.01)
                other.execute("COMMIT")
            *_, last = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(last, RunExistsError)
            assert journal.commits <= 2
            assert len(await journal.runs()) == 30

    async def test_equal_large_values_and_shapes_are_stored_once(self, path):
        async with await SqliteJournal.open(path) as journal:
            for name in ("one", "two"):
                log = await journal.create(header(name), started())
                await log.append(finished(1, BIG))
                await log.append(finished(2, BIG))
            assert await journal.read("one", after=0) == [finished(1, BIG), finished(2, BIG)]
        assert ask(path, "SELECT count(*) FROM blobs") == [(2,)]

    async def test_a_thousand_rounds_of_a_kilobyte_take_at_most_1600_kilobytes(self, path):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            log = await journal.create(header(), started())
            for seq in range(1, 2001, 2):
                log.append(finished(seq, b'"' + b"x" * 1022 + b'"'), finished(seq + 1, b"[]"))
        assert path.stat().st_size <= 1_600_000

    async def test_the_write_ahead_log_does_not_grow_without_bounds(self, path):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            log = await journal.create(header(), started())
            sizes = []
            for seq in range(1, 1501, 5):
                await log.append(*[finished(seq + n, b'"' + b"x" * 8000 + b'"') for n in range(5)])
                sizes.append(log_of(path).stat().st_size)
        assert max(sizes) < 6_000_000
        assert any(after < before for before, after in pairwise(sizes))


class TestFailingWrites:
    @pytest.fixture
    async def full(self, path):
        """A journal whose disk is full but for a few pages."""
        async with await SqliteJournal.open(path) as journal:
            yield journal

    async def fill(self, journal, pages):
        await journal._writer.ask(
            "limiting", lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        )

    async def test_a_full_disk_fails_the_run_that_needs_room_and_no_other(self, full):
        greedy = await full.create(header("greedy"), started())
        modest = await full.create(header("modest"), started())
        await self.fill(full, 12)
        waits = [
            modest.append(finished(1)),
            greedy.append(finished(1, b'"' + b"x" * 200_000 + b'"')),
            modest.append(finished(2)),
        ]
        await asyncio.wait(waits)
        assert [type(wait.exception()) for wait in waits] == [type(None), JournalWriteError, type(None)]
        assert "make room" in str(waits[1].exception())
        assert len(await full.read("greedy")) == 1
        assert len(await full.read("modest")) == 3

    async def test_after_a_failed_append_the_log_fails_at_once_with_the_same_error(self, full):
        log = await full.create(header(), started())
        await self.fill(full, 12)
        first = log.append(finished(1, b'"' + b"x" * 200_000 + b'"'))
        await asyncio.wait([first])
        await self.fill(full, 100_000)
        later = log.append(finished(1))
        assert later.done()
        assert later.exception() is first.exception()

    async def test_a_run_goes_on_once_there_is_room_again(self, full):
        log = await full.create(header(), started())
        await self.fill(full, 12)
        await asyncio.wait([failed := log.append(finished(1, b'"' + b"x" * 200_000 + b'"'))])
        assert failed.exception() is not None
        await log.release()
        await self.fill(full, 100_000)
        again = await full.acquire("demo")
        await again.append(finished(1))
        assert await full.read("demo") == [started(), finished(1)]

    async def test_a_run_that_cannot_be_made_is_not_owned_by_anybody(self, full, path):
        await self.fill(full, 12)
        with pytest.raises(JournalWriteError, match="make room"):
            await full.create(header(), RunStarted(0, 1.0, {"x": BIG * 10}, None))
        await self.fill(full, 100_000)
        async with await SqliteJournal.open(path) as other:
            await other.create(header(), started())

    async def test_a_read_only_database_is_told(self, full):
        log = await full.create(header(), started())
        await full._writer.ask("locking", lambda db: db.execute("PRAGMA query_only = 1").fetchall())
        with pytest.raises(JournalWriteError, match="READONLY"):
            await log.append(finished(1))

    async def test_a_database_kept_locked_by_another_is_told(self, full, path):
        log = await full.create(header(), started())
        await full._writer.ask("hurrying", lambda db: setattr(db, "patience", 0.001))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalWriteError, match="another process kept the database locked"):
                await log.append(finished(1))

    async def test_a_defect_in_the_writer_leaves_nobody_waiting(self, full, monkeypatch):
        from backedge.checkpoints import writer

        log = await full.create(header(), started())

        def broken(*_):
            raise ZeroDivisionError

        monkeypatch.setattr(writer, "commit_group", broken)
        with pytest.raises(JournalWriteError, match="unexpected way: ZeroDivisionError"):
            await log.append(finished(1))
        monkeypatch.undo()
        with pytest.raises(JournalWriteError, match="unexpected way: ZeroDivisionError"):
            await log.append(finished(2))
        assert len(await full.read("demo")) == 1


class TestCancellation:
    async def test_a_cancelled_acquisition_leaves_the_run_free(self, path):
        await stored(path)
        async with await SqliteJournal.open(path) as journal:
            task = asyncio.ensure_future(journal.acquire("demo"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await journal.acquire("demo")

    async def test_a_cancelled_opening_leaves_nothing_open(self, path):
        threads = set(threading.enumerate())  # one of an earlier test may be about to end
        task = asyncio.ensure_future(SqliteJournal.open(path))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: threads.issuperset(threading.enumerate()))
        assert still_open(path) == []

    async def test_a_log_can_be_released_while_its_journal_closes(self, path):
        journal = await SqliteJournal.open(path)
        log = await journal.create(header(), started())
        closing_ = asyncio.ensure_future(journal.close())
        await asyncio.sleep(0)
        await log.release()
        assert closing_.done()
        await closing_


class TestTwoHandles:
    async def test_two_handles_in_one_process_exclude_each_other(self, path):
        async with await SqliteJournal.open(path) as one, await SqliteJournal.open(path) as two:
            log = await one.create(header(), started())
            with pytest.raises(RunOwnedError, match=f"pid {os.getpid()} on"):
                await two.acquire("demo")
            assert (await two.runs())[0].owner == f"pid {os.getpid()} on {os.uname().nodename}"
            await log.release()
            assert (await one.runs())[0].owner is None
            assert (await two.acquire("demo")).epoch == 2

    async def test_closing_a_journal_frees_its_runs(self, path):
        async with await SqliteJournal.open(path) as two:
            async with await SqliteJournal.open(path) as one:
                await one.create(header(), started())
            assert (await two.acquire("demo")).epoch == 2

    async def test_a_takeover_from_another_handle_owns_the_run_at_once_and_for_good(self, path):
        async with await SqliteJournal.open(path) as one, await SqliteJournal.open(path) as two:
            old = await one.create(header(), started())
            new = await two.acquire("demo", takeover=True)
            with pytest.raises(RunOwnedError):
                await one.acquire("demo")
            with pytest.raises(FencedError):
                await old.append(finished(1))
            await old.release()
            with pytest.raises(RunOwnedError):
                await one.acquire("demo")
            await new.append(ended(1))


class TestOpenJournal:
    async def test_a_path_is_opened_and_closed(self, path):
        async with open_journal(str(path)) as journal:
            await journal.create(header(), started())
        with pytest.raises(JournalError, match="closed"):
            await journal.runs()

    async def test_an_open_journal_passes_through_and_stays_open(self, path):
        async with await SqliteJournal.open(path) as journal:
            async with open_journal(journal) as same:
                assert same is journal
            assert await journal.runs() == []

    async def test_anything_else_is_refused(self):
        with pytest.raises(InputError, match="journal= is the path of a journal or an open journal, not 7"):
            async with open_journal(7):
                pass
