"""Damage in real files: what `check_file` finds, and what `salvage` saves."""

import asyncio
import random
import sqlite3
import struct
from contextlib import closing, suppress

import pytest

from backedge.checkpoints import SqliteJournal, checking
from backedge.checkpoints.checking import check_file
from backedge.checkpoints.salvage import Salvaged, salvage
from backedge.checkpoints.walfile import passed_over
from backedge.engine.errors import (
    JournalCorruptError,
    JournalFormatError,
    JournalOpenError,
)
from backedge.engine.records import RunEnded, RunStatus

from .contract_forks import fork, grown
from .samples import BIG, every_kind, finished, header, letter, started

MARK = b'"a value to be found in the file"'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "saved.db"


async def filled(path):
    """A closed journal with several runs: 'demo' of every kind, 'marked', 'fork' of marked, 'other'."""
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        await journal.create(header("demo", created=1.0), *every_kind())
        marked = await grown(journal, "marked", records=4)
        await marked.append(finished(4, MARK), finished(5, BIG), finished(6))
        await fork(journal, "fork", "marked", 5, more=2)
        await fork(journal, "early", "marked", 2)
        await grown(journal, "other", records=3)
        await journal.post("marked", letter())


def corrupt(path, needle, *, at=0):
    """Flip a bit of the file, so many bytes behind the only place where `needle` stands."""
    content = bytearray(path.read_bytes())
    assert content.count(needle) == 1
    content[content.index(needle) + at] ^= 4
    path.write_bytes(content)


def change(path, sql, *parameters):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, parameters)


def named(checked):
    return {(finding.run_id, finding.seq) for finding in checked.findings}


async def saved(path, target):
    told = {one.run_id: one for one in await salvage(path, target)}
    assert check_file(target).findings == ()
    return told


async def runs_of(path):
    async with await SqliteJournal.open(path) as journal:
        return {run.header.run_id: await journal.read(run.header.run_id) for run in await journal.runs()}


class TestSound:
    async def test_a_sound_journal_has_no_findings_and_is_not_touched(self, path):
        await filled(path)
        before = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}
        checked = check_file(path)
        assert checked.findings == ()
        assert checked.runs == 5
        assert checked.records == len(every_kind()) + 7 + 3 + 1 + 3
        assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == before

    async def test_a_journal_that_comes_into_use_while_it_is_looked_over_is_looked_over_again(
        self, path, monkeypatch
    ):
        await filled(path)
        look = checking._looked_over
        looks = []

        def meddled(where, db):
            looks.append(where)
            if len(looks) == 1:
                path.with_name("runs.db-wal").touch()
                return checking.Checked(0, 0, (checking.Finding("half of what was just being written"),))
            return look(where, db)

        monkeypatch.setattr(checking, "_looked_over", meddled)
        assert check_file(path).findings == ()
        assert len(looks) == 2

    async def test_a_journal_in_use_is_sound_with_what_lies_in_its_log(self, path):
        async with await SqliteJournal.open(path) as journal:
            log = await grown(journal)
            await journal.post("demo", letter())
            checked = await asyncio.to_thread(check_file, path)
            assert (checked.findings, checked.records) == ((), 6)
            await log.append(finished(6))

    async def test_what_forks_of_a_deleted_run_need_is_no_finding(self, path):
        await filled(path)
        async with await SqliteJournal.open(path) as journal:
            await journal.delete("marked")
        checked = check_file(path)
        assert (checked.findings, checked.runs) == ((), 4)

    async def test_all_of_a_sound_journal_is_salvaged(self, path, target):
        await filled(path)
        told = await saved(path, target)
        assert all(one.whole for one in told.values())
        assert told["fork"] == Salvaged("fork", 9, True)
        assert await runs_of(target) == await runs_of(path)
        async with await SqliteJournal.open(target) as journal:
            assert (await journal.header("fork")).parent == ("marked", 5)
            [posted] = await journal.letters("marked")
            assert (posted.name, posted.value) == (letter().name, letter().value)

    async def test_forks_of_a_deleted_run_are_salvaged_with_all_their_records(self, path, target):
        await filled(path)
        async with await SqliteJournal.open(path) as journal:
            await journal.delete("marked")
        assert all(one.whole for one in (await saved(path, target)).values())
        assert await runs_of(target) == await runs_of(path)

    async def test_a_fork_is_not_hung_on_a_newer_run_with_its_parents_name(self, path, target):
        await filled(path)
        async with await SqliteJournal.open(path) as journal:
            await journal.delete("marked")
            await grown(journal, "marked", records=8)
        before = await runs_of(path)
        assert all(one.whole for one in (await saved(path, target)).values())
        assert await runs_of(target) == before


class TestDamagedRecords:
    async def test_a_flipped_bit_in_a_record_is_named_for_its_run_and_the_forks_that_share_it(
        self, path, target
    ):
        await filled(path)
        before = await runs_of(path)
        corrupt(path, MARK, at=5)
        checked = check_file(path)
        assert named(checked) == {("marked", 4), ("fork", 4)}
        assert (
            "its checksum does not match; the 4 records before it can be read" in checked.findings[0].message
        )
        async with await SqliteJournal.open(path) as journal:
            assert await journal.read("marked", before=4) == before["marked"][:4]
        told = await saved(path, target)
        assert told["marked"] == Salvaged("marked", 4, False)
        assert told["fork"] == Salvaged("fork", 4, False)
        assert {name for name, one in told.items() if one.whole} == {"demo", "early", "other"}
        after = await runs_of(target)
        assert after == before | {"marked": before["marked"][:4], "fork": before["fork"][:4]}

    async def test_a_flipped_bit_in_a_large_value_is_damage_of_the_records_that_hold_it(self, path, target):
        await filled(path)
        change(
            path,
            "UPDATE blobs SET content = CAST(replace(content, 'bbbb', 'bbcb') AS BLOB) WHERE length(content) > 16384",
        )
        checked = check_file(path)
        first = next(record.seq for record in every_kind() if BIG in getattr(record, "writes", {}).values())
        assert ("marked", 5) in named(checked)
        assert ("fork", 5) in named(checked)
        assert ("demo", first) in named(checked)
        assert any("large value" in finding.message for finding in checked.findings)
        assert (await saved(path, target))["marked"] == Salvaged("marked", 5, False)

    @pytest.mark.parametrize(
        ("sql", "run_id", "seq", "told"),
        [
            ("DELETE FROM records WHERE place = (2 << 32 | 3)", "marked", 3, "it is missing"),
            ("DELETE FROM records WHERE place = (2 << 32 | 6)", None, None, None),
            ("DELETE FROM records WHERE place = (2 << 32)", "marked", 0, "it is missing"),
            ("DELETE FROM records WHERE place >> 32 = 5", "other", 0, "it is missing"),
            ("UPDATE runs SET status = 'completed' WHERE key = 5", "other", None, "its records say running"),
            ("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'runs'", None, None, None),
            ("DELETE FROM runs WHERE key = 5", None, None, "run number 5 are there"),
            ("UPDATE runs SET shape = x'00' WHERE key = 5", "other", None, "description of its graph"),
            ("UPDATE letters SET value = x'00'", "marked", None, "letter 1 to run 'marked'"),
            ("UPDATE letters SET run = 77", None, None, "for a run that is not there"),
            ("UPDATE forks SET seq = 3 WHERE key = 3", "fork", 4, "it is missing"),
            ("UPDATE records SET place = (9 << 32) WHERE place = (1 << 32)", "demo", 0, "it is missing"),
        ],
    )
    async def test_what_does_not_fit_together_is_told(self, path, sql, run_id, seq, told):
        await filled(path)
        change(path, sql)
        checked = check_file(path)
        if told is None:
            assert checked.findings == ()  # the last record with all its traces: nothing tells
        else:
            assert any((f.run_id, f.seq) == (run_id, seq) and told in f.message for f in checked.findings)

    async def test_a_lost_end_of_a_shared_part_is_told_for_the_fork(self, path, target):
        await filled(path)
        change(path, "DELETE FROM records WHERE place BETWEEN (2 << 32 | 4) AND (2 << 32 | 9)")
        assert ("fork", 4) in named(check_file(path))
        assert (await saved(path, target))["fork"] == Salvaged("fork", 4, False)

    async def test_a_run_whose_end_was_lost_is_told_by_its_status(self, path):
        async with await SqliteJournal.open(path) as journal:
            await journal.create(header(), started(), RunEnded(1, 5.0, RunStatus.COMPLETED))
        change(path, "DELETE FROM records WHERE place & 1 = 1")
        [finding] = check_file(path).findings
        assert "listed as completed, but its records say running" in finding.message

    async def test_a_run_without_its_first_record_is_lost_and_the_others_are_not(self, path, target):
        await filled(path)
        change(path, "UPDATE records SET crc = 1 WHERE place = (5 << 32)")
        told = await saved(path, target)
        assert told["other"] == Salvaged("other", 0, False)
        assert set(await runs_of(target)) == {"demo", "marked", "fork", "early"}


class TestDamagedPages:
    async def big(self, path, records=200):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            for name in ("one", "two", "three"):
                log = await journal.create(header(name), started())
                await log.append(
                    *[finished(seq, b'"%s %d"' % (name.encode() * 60, seq)) for seq in range(1, records)]
                )

    @pytest.mark.parametrize(("how", "first"), [("zeros", 0), ("noise", 3)])  # every third page, one way each
    async def test_any_page_may_be_destroyed_and_what_is_salvaged_is_what_was_there(
        self, path, target, how, first
    ):
        await self.big(path, 100)
        before = await runs_of(path)
        whole = path.read_bytes()
        pages = len(whole) // 4096
        lost = b"\0" * 4096 if how == "zeros" else b"\xa5\x0d\x07" * 1365 + b"\0"
        kept = []
        for page in range(first, pages, 6):
            path.write_bytes(whole[: page * 4096] + lost + whole[(page + 1) * 4096 :])
            try:
                sound = not check_file(path).findings
            except JournalCorruptError:
                sound = False
            assert not sound, f"page {page + 1} of {pages}"
            target.unlink(missing_ok=True)
            try:
                told = await salvage(path, target)
            except JournalCorruptError:
                kept.append(0)
                continue
            after = await runs_of(target)
            for one in told:
                assert after.get(one.run_id, []) == before[one.run_id][: one.records]
                assert one.whole == (one.records == 100)
            kept.append(sum(one.records for one in told))
        assert sum(kept) > 300 * len(kept) * 0.7

    async def test_random_damage_is_told_and_what_is_salvaged_is_what_was_there(self, path, target):
        await filled(path)
        before = await runs_of(path)
        whole = path.read_bytes()
        chance = random.Random(7)
        for _ in range(15):
            damaged = bytearray(whole)
            for _ in range(chance.choice([1, 3, 20])):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path.write_bytes(damaged)
            target.unlink(missing_ok=True)
            try:
                sound = not check_file(path).findings
                told = await salvage(path, target)
            except JournalCorruptError:
                continue
            after = await runs_of(target)
            for one in told:
                if one.run_id in before:  # a header's own texts have no checksum
                    assert after.get(one.run_id, []) == before[one.run_id][: one.records]
                assert one.whole or not sound

    async def test_a_destroyed_header_is_told_and_everything_is_salvaged(self, path, target):
        await filled(path)
        before = await runs_of(path)
        content = path.read_bytes()
        path.write_bytes(b"\0" * 100 + content[100:])
        with pytest.raises(JournalCorruptError, match="cannot be opened"):
            check_file(path)
        assert all(one.whole for one in (await saved(path, target)).values())
        assert await runs_of(target) == before

    async def test_a_destroyed_first_page_is_replaced_by_that_of_a_fresh_journal(self, path, target):
        await filled(path)
        before = await runs_of(path)
        content = path.read_bytes()
        path.write_bytes(b"\xff" * 4096 + content[4096:])
        assert all(one.whole for one in (await saved(path, target)).values())
        assert await runs_of(target) == before

    async def test_a_truncated_file_is_told_and_its_beginning_salvaged(self, path, target):
        await self.big(path)
        before = await runs_of(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2 // 4096 * 4096])
        with suppress(JournalCorruptError):
            assert check_file(path).findings
        told = await salvage(path, target)
        after = await runs_of(target)
        assert sum(one.records for one in told) > 100
        assert all(after.get(one.run_id, []) == before[one.run_id][: one.records] for one in told)

    @pytest.mark.parametrize("content", [b"hello " * 1000, b"\0" * 40960])
    async def test_a_file_that_was_never_a_journal_leaves_no_salvage(self, path, target, content):
        path.write_bytes(content)
        with pytest.raises(JournalCorruptError):
            check_file(path)
        with pytest.raises(JournalCorruptError, match="nothing of it can be read"):
            await salvage(path, target)
        assert not target.exists()

    async def test_a_foreign_database_is_no_journal(self, path, target):
        change(path, "CREATE TABLE runs (x)")
        with pytest.raises(JournalFormatError, match="not a backedge journal"):
            check_file(path)
        with pytest.raises(JournalFormatError, match="not a backedge journal"):
            await salvage(path, target)

    @pytest.mark.parametrize(("version", "told"), [(99, "newer"), (1, "older")])
    async def test_another_version_is_told(self, path, version, told):
        await filled(path)
        change(path, f"PRAGMA user_version = {version}")
        with pytest.raises(JournalFormatError, match=told):
            check_file(path)

    async def test_nothing_is_salvaged_over_a_file_that_is_there(self, path, target):
        await filled(path)
        target.write_text("mine")
        with pytest.raises(JournalOpenError, match="there is a file already"):
            await salvage(path, target)
        assert target.read_text() == "mine"


class TestDamagedLogs:
    @pytest.fixture
    async def crashed(self, path, tmp_path):
        """What a killed process leaves: a database and a log with twenty transactions."""
        async with await SqliteJournal.open(path) as journal:
            log = await grown(journal, records=1)
            await journal._writer.ask(
                "moving", lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            )
            for seq in range(1, 21):
                await log.append(finished(seq))
            left = tmp_path / "left.db"
            left.write_bytes(path.read_bytes())
            left.with_name("left.db-wal").write_bytes(path.with_name("runs.db-wal").read_bytes())
        return left

    async def test_a_whole_log_is_no_finding(self, crashed):
        checked = check_file(crashed)
        assert (checked.findings, checked.records) == ((), 21)

    async def test_a_log_that_was_cut_keeps_what_lies_before(self, crashed, target):
        log = crashed.with_name("left.db-wal")
        content = log.read_bytes()
        log.write_bytes(content[: len(content) // 2])
        checked = check_file(crashed)
        assert checked.findings == ()  # a crash leaves the same
        assert 5 < checked.records < 21
        assert (await saved(crashed, target))["demo"].records == checked.records

    async def test_a_torn_page_in_the_log_is_told_with_what_is_lost_behind_it(self, crashed, target):
        log = crashed.with_name("left.db-wal")
        content = bytearray(log.read_bytes())
        content[32 + (24 + 4096) * 8 + 1000] ^= 1
        log.write_bytes(content)
        [finding] = check_file(crashed).findings
        assert "cannot be read behind page 8" in finding.message
        told = await salvage(crashed, target)
        assert 1 <= told[0].records < 21
        assert len((await runs_of(target))["demo"]) == told[0].records

    async def test_a_damaged_header_of_the_log_is_told(self, crashed):
        log = crashed.with_name("left.db-wal")
        content = bytearray(log.read_bytes())
        content[17] ^= 1
        log.write_bytes(content)
        [finding] = check_file(crashed).findings
        assert "log's header is damaged" in finding.message

    async def test_a_log_shorter_than_its_header_is_told(self, crashed):
        crashed.with_name("left.db-wal").write_bytes(b"\x37\x7f\x06")
        [finding] = check_file(crashed).findings
        assert "cut off" in finding.message

    def test_no_log_is_sound(self):
        assert passed_over(b"") is None

    async def test_frames_from_before_the_last_checkpoint_do_not_count(self, crashed):
        content = bytearray(crashed.with_name("left.db-wal").read_bytes())
        frames = (len(content) - 32) // 4120
        for frame in range(5, frames):
            struct.pack_into(">2I", content, 32 + frame * 4120 + 8, 1, 2)
        assert passed_over(bytes(content)) is None
