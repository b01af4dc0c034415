"""What forks, letters and removals do to the file: what is written, what is left, and what a crash leaves."""

import shutil
import sqlite3
import struct
from contextlib import closing

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.checkpoints.database import open_files
from backedge.checkpoints.lineage import segments
from backedge.checkpoints.removal import give_back
from backedge.engine.errors import JournalCorruptError, RunNotFoundError, RunOwnedError

from .contract_forks import deleted, fork, grown
from .samples import BIG, finished, forked, header, letter, started


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


def ask(path, sql):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def change(path, sql, *parameters):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, parameters)


async def changes(journal):
    """How many rows this journal has changed so far."""
    return await journal._writer.ask("counting", lambda db: db.total_changes)


def large(number):
    return b'"' + b"%d " % number + b"x" * 50_000 + b'"'


class TestForks:
    @pytest.mark.parametrize("records", [2, 4000])
    async def test_a_fork_writes_three_rows_and_some_pages_however_long_its_parent(self, path, records):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            await grown(journal, records=records)
            wal = path.with_name("runs.db-wal")
            size, rows = wal.stat().st_size, await changes(journal)
            await fork(journal, "fork", "demo", records - 1)
            assert await changes(journal) - rows == 3  # the run, what it goes on from, its first record
            assert wal.stat().st_size - size <= 12 * 4200
            assert len(await journal.read("fork")) == records + 1

    async def test_a_fork_of_forks_keeps_no_link_that_gives_nothing(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal)
            for number in range(20):
                await fork(journal, f"f{number}", f"f{number - 1}" if number else "demo", 3)
        with closing(sqlite3.connect(path)) as db:
            assert [len(segments(db, key)) for (key,) in db.execute("SELECT key FROM runs ORDER BY key")] == [
                1,
                *[2] * 20,
            ]

    async def test_a_chain_of_forks_is_read_as_one(self, path):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            await grown(journal, records=2)
            for number in range(60):
                parent = f"f{number - 1}" if number else "demo"
                await fork(journal, f"f{number}", parent, 1 + number * 2, more=1)
            assert [record.seq for record in await journal.read("f59")] == list(range(122))
            assert [record.seq for record in await journal.read("f59", after=40, before=60)] == list(
                range(41, 60)
            )

    async def test_a_long_fork_is_read_in_pieces_over_the_border(self, path):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            await grown(journal, records=1300)
            await fork(journal, "fork", "demo", 777, more=900)
            assert [record.seq for record in await journal.read("fork")] == list(range(1679))

    async def test_damage_of_a_shared_record_is_told_for_the_fork(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal)
            await fork(journal, "fork", "demo", 3, more=1)
        change(path, "UPDATE records SET body = CAST(body || ' ' AS BLOB) WHERE place & 4294967295 = 2")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 2 of run 'fork' is damaged") as caught:
                await journal.read("fork")
            assert (caught.value.run_id, caught.value.seq) == ("fork", 2)
            assert len(await journal.read("fork", after=2)) == 3

    async def test_a_shared_record_that_is_missing_is_named(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal)
            await fork(journal, "fork", "demo", 3, more=1)
        change(path, "DELETE FROM records WHERE place & 4294967295 = 3")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 3 of run 'fork' is damaged: it is missing"):
                await journal.read("fork")

    async def test_a_damaged_chain_that_leads_in_a_circle_ends(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal)
            await fork(journal, "fork", "demo", 3)
        change(path, "UPDATE forks SET parent = key")
        async with await SqliteJournal.open(path) as journal:
            with pytest.raises(JournalCorruptError, match="record 0 of run 'fork' is damaged: it is missing"):
                await journal.read("fork")

    async def test_a_fork_that_lost_its_own_records_goes_on_after_the_shared_ones(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal)
            await fork(journal, "fork", "demo", 3)
        change(path, "DELETE FROM records WHERE place & 4294967295 = 4 AND place >> 32 = 2")
        async with await SqliteJournal.open(path) as journal:
            log = await journal.acquire("fork")
            await log.append(forked(4))
            assert [record.seq for record in await journal.read("fork")] == [0, 1, 2, 3, 4]


class TestSpace:
    async def test_the_file_does_not_grow_over_many_runs_made_and_deleted(self, path):
        sizes = []
        async with await SqliteJournal.open(path, synchronous="normal") as keeper:
            await keeper.create(header("keeper"), started())
            for number in range(30):
                async with await SqliteJournal.open(path, synchronous="normal") as journal:
                    log = await journal.create(header(), started())
                    values = [large(number), *[b'"%d%s"' % (number, b"y" * 2000)] * 20]
                    await log.append(*[finished(seq, value) for seq, value in enumerate(values, 1)])
                    await deleted(journal, log)
                sizes.append(path.stat().st_size)
        assert max(sizes) <= sizes[0]
        assert ask(path, "PRAGMA freelist_count") == [(0,)]

    async def test_the_space_of_a_deleted_run_goes_back_to_the_file_system(self, path):
        async with await SqliteJournal.open(path) as journal:
            await grown(journal, "keeper")
        before = path.stat().st_size
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            log = await journal.create(header(), started())
            await log.append(*[finished(seq, large(seq)) for seq in range(1, 60)])
            await log.append(*[finished(seq, b'"%s"' % (b"x" * 9000)) for seq in range(60, 300)])
        assert path.stat().st_size > 5_000_000
        async with await SqliteJournal.open(path) as journal:
            await journal.delete("demo")
            assert len(await journal.read("keeper")) == 6
        assert path.stat().st_size <= before + 4096
        assert ask(path, "PRAGMA integrity_check") == [("ok",)]

    def test_pages_are_given_back_hundreds_at_a_time(self, path):
        db, locks = open_files(path, "normal")
        db.execute("INSERT INTO blobs (hash, content) VALUES (x'00', zeroblob(5000000))")
        db.execute("DELETE FROM blobs")
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        assert free > 1200
        assert [give_back(db) for _ in range(4)] == [True, True, False, False]
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
        db.close()
        locks.close()

    @pytest.mark.parametrize("form", [b"%b", b'[{"picture":%b}]'], ids=["whole", "inside"])
    async def test_a_blob_goes_with_the_last_record_that_uses_it(self, path, form):
        async with await SqliteJournal.open(path) as journal:
            one = await journal.create(header("one"), started())
            await one.append(finished(1, form % BIG), finished(2, form % large(1)), finished(3, form % BIG))
            two = await journal.create(header("two"), started())
            await two.append(finished(1, form % BIG))
            three = await journal.create(header("three", parent=("one", 2)), forked(3, form % large(2)))
            await deleted(journal, one)
            assert ask(path, "SELECT count(*) FROM blobs") == [(4,)]  # two values, the fork's, the shape
            await deleted(journal, two)
            assert await journal.read("three", after=0) == [
                finished(1, form % BIG),
                finished(2, form % large(1)),
                forked(3, form % large(2)),
            ]
            assert ask(path, "SELECT count(*) FROM blobs") == [(4,)]
            await deleted(journal, three)
        for table in ("blobs", "uses", "records", "forks", "runs", "letters"):
            assert ask(path, f"SELECT count(*) FROM {table}") == [(0,)], table

    async def test_a_shape_stays_while_a_run_or_a_record_uses_it(self, path):
        shaped = header("one")._replace(shape=BIG)
        async with await SqliteJournal.open(path) as journal:
            one = await journal.create(shaped, started())
            two = await journal.create(header("two"), started())
            await two.append(finished(1, BIG))
            await deleted(journal, one)
            assert await journal.read("two") == [started(), finished(1, BIG)]
            await journal.create(shaped, started())
            await deleted(journal, two)
            assert await journal.header("one") == shaped

    async def test_of_a_deleted_run_only_what_forks_need_is_kept(self, path):
        async with await SqliteJournal.open(path) as journal:
            demo = await grown(journal, records=10)
            early = await fork(journal, "early", "demo", 2)
            late = await fork(journal, "late", "demo", 6)
            count = "SELECT count(*) FROM records WHERE place >> 32 = 1"
            await deleted(journal, demo)
            assert ask(path, count) == [(7,)]
            await deleted(journal, late)
            assert ask(path, count) == [(3,)]
            await deleted(journal, early)
            assert ask(path, count) == [(0,)]

    async def test_the_middle_of_a_chain_goes_with_its_last_fork(self, path):
        async with await SqliteJournal.open(path) as journal:
            demo = await grown(journal)
            middle = await fork(journal, "middle", "demo", 3, more=3)
            leaf = await fork(journal, "leaf", "middle", 5, more=1)
            await deleted(journal, demo, middle)
            assert [record.seq for record in await journal.read("leaf")] == list(range(8))
            await deleted(journal, leaf)
        assert ask(path, "SELECT count(*) FROM records") == [(0,)]
        assert ask(path, "SELECT count(*) FROM forks") == [(0,)]

    async def test_a_run_owned_by_another_handle_is_not_deleted(self, path):
        async with await SqliteJournal.open(path) as one, await SqliteJournal.open(path) as two:
            log = await grown(one)
            with pytest.raises(RunOwnedError):
                await two.delete("demo")
            await log.release()
            await two.delete("demo")
            with pytest.raises(RunNotFoundError):
                await one.read("demo")

    async def test_a_deletion_that_cannot_be_committed_leaves_the_run(self, path):
        async with await SqliteJournal.open(path) as journal:
            await (await grown(journal)).release()
            await journal._writer.ask("locking", lambda db: db.execute("PRAGMA query_only = 1").fetchall())
            with pytest.raises(Exception, match="READONLY"):
                await journal.delete("demo")
            assert len(await journal.read("demo")) == 6

    async def test_a_file_of_the_first_version_gives_space_back_once_it_is_migrated(self, path):
        from .test_migrations import make_first_version

        make_first_version(path, values=[large(n) for n in range(40)])
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            assert len(await journal.read("demo")) == 41
            await journal.delete("demo")
        assert path.stat().st_size < 200_000


class TestLetters:
    async def test_letters_are_there_when_the_file_is_opened_again(self, path):
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started())
            number = await journal.post("demo", letter())
        async with await SqliteJournal.open(path) as journal:
            assert [found.number for found in await journal.letters("demo")] == [number]

    async def test_a_damaged_letter_is_told(self, path):
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started())
            await journal.post("demo", letter())
        for sql in ("UPDATE letters SET value = x'00'", "UPDATE letters SET kind = 'other'"):
            change(path, sql)
            async with await SqliteJournal.open(path) as journal:
                with pytest.raises(JournalCorruptError, match="letter 1 of run 'demo' is damaged"):
                    await journal.letters("demo")

    async def test_wherever_a_crash_cuts_the_log_there_is_the_letter_or_the_record_that_took_it(
        self, path, tmp_path
    ):
        async with await SqliteJournal.open(path) as journal:
            log = await journal.create(header(), started())
            number = await journal.post("demo", letter(value=large(1)))
            await journal._writer.ask("checkpoint", lambda db: db.execute("PRAGMA wal_checkpoint").fetchall())
            start = path.with_name("runs.db-wal").stat().st_size
            await log.append(finished(1, large(2)), taken=[number])
            whole = path.with_name("runs.db-wal").read_bytes()
            database = path.read_bytes()
        (page,) = struct.unpack_from(">I", whole, 8)
        seen = set()
        for cut in [*range(0, len(whole), page + 24), 32, 32 + 100, len(whole) - 1, len(whole), start]:
            crashed = tmp_path / f"cut{cut}" / "runs.db"
            crashed.parent.mkdir(exist_ok=True)
            crashed.write_bytes(database)
            crashed.with_name("runs.db-wal").write_bytes(whole[:cut])
            async with await SqliteJournal.open(crashed) as journal:
                seen.add((len(await journal.letters("demo")), len(await journal.read("demo"))))
            shutil.rmtree(crashed.parent)
        assert seen == {(1, 1), (0, 2)}
