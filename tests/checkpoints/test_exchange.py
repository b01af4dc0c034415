"""Runs as files: what is exported comes back equal, and what is damaged changes nothing."""

import hashlib
import json

import pytest

from backedge.checkpoints import MemoryJournal, SqliteJournal, export_run, import_run
from backedge.engine.errors import (
    InputError,
    JournalCorruptError,
    JournalFormatError,
    RunExistsError,
    RunNotFoundError,
)
from backedge.engine.records import RunEnded, RunStatus

from .contract_forks import fork, grown
from .samples import BIG, TALK, every_kind, finished, header, letter, started


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.fixture
async def exported(file):
    """A file with a run of every kind of record."""
    async with MemoryJournal() as journal:
        await journal.create(header(), *every_kind())
        assert await export_run(journal, "demo", file) == len(every_kind())
    return file


@pytest.fixture
async def target(tmp_path):
    async with await SqliteJournal.open(tmp_path / "target.db") as journal:
        yield journal


async def test_a_run_comes_back_equal_in_another_journal(exported, target):
    told = await import_run(target, exported)
    assert told == header() == await target.header("demo")
    assert await target.read("demo") == every_kind()
    [summary] = await target.runs()
    assert (summary.status, summary.records, summary.owner) == (RunStatus.SUSPENDED, len(every_kind()), None)


async def test_an_imported_run_goes_on(exported, target):
    await import_run(target, exported)
    log = await target.acquire("demo")
    await log.append(finished(len(every_kind())))
    assert len(await target.read("demo")) == len(every_kind()) + 1


async def test_an_imported_run_can_have_another_name(exported, target):
    await import_run(target, exported)
    assert (await import_run(target, exported, "copy")).run_id == "copy"
    assert await target.read("copy") == await target.read("demo")


@pytest.mark.parametrize("wrong", [3, "", "half \ud800"])
async def test_a_name_that_is_no_text_is_refused_before_the_file_is_read(target, tmp_path, wrong):
    with pytest.raises(InputError, match="the id of a run is a text"):
        await import_run(target, tmp_path / "missing.jsonl", wrong)


async def test_a_file_whose_run_has_no_proper_name_is_damaged(exported, target):
    lines = exported.read_bytes().replace(b'"run_id":"demo"', b'"run_id":7').splitlines(keepends=True)
    end = {**json.loads(lines[-1]), "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}
    exported.write_bytes(b"".join(lines[:-1]) + json.dumps(end).encode() + b"\n")
    with pytest.raises(JournalCorruptError, match="its first line lacks the run's id"):
        await import_run(target, exported)
    assert await target.runs() == []


async def test_what_was_imported_exports_to_the_same_bytes(exported, target, tmp_path):
    await import_run(target, exported)
    await export_run(target, "demo", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


async def test_values_come_back_byte_for_byte(file, target):
    values = [
        b'{"a":1.00,"b":12345678901234567890123}',
        '"ü€"'.encode(),
        b'"\\ud800"',
        b"\xff\xfe raw",
        BIG,
        TALK,
        b"",
    ]
    async with MemoryJournal() as journal:
        await journal.create(header(), started(), *[finished(seq, v) for seq, v in enumerate(values, 1)])
        await export_run(journal, "demo", file)
    await import_run(target, file)
    assert [record.writes["code"] for record in await target.read("demo", after=0)] == values


async def test_a_fork_is_exported_with_what_it_shares(file, target):
    async with MemoryJournal() as journal:
        await grown(journal)
        await fork(journal, "fork", "demo", 3, more=2)
        records = await journal.read("fork")
        await export_run(journal, "fork", file)
    assert (await import_run(target, file)).parent is None
    assert await target.read("fork") == records
    assert json.loads(file.read_text().splitlines()[0])["parent"] == ["demo", 3]


async def test_the_file_is_lines_of_json_and_holds_no_letters(file):
    async with MemoryJournal() as journal:
        await grown(journal, records=3)
        await journal.post("demo", letter("secret"))
        await export_run(journal, "demo", file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert (lines[0]["format"], lines[0]["version"], lines[0]["run_id"]) == ("backedge run", 1, "demo")
    assert [line["seq"] for line in lines[1:-1]] == [0, 1, 2]
    assert lines[-1]["records"] == 3
    assert "secret" not in file.read_text()


async def test_a_run_under_way_is_exported_as_far_as_it_got(file, target):
    async with MemoryJournal() as journal:
        log = await grown(journal, records=3)
        await export_run(journal, "demo", file)
        await log.append(RunEnded(3, 5.0, RunStatus.COMPLETED))
    await import_run(target, file)
    assert (await target.runs())[0].status is RunStatus.RUNNING
    assert len(await target.read("demo")) == 3


async def test_an_id_that_is_taken_changes_nothing(exported, target):
    await target.create(header(), started())
    with pytest.raises(RunExistsError):
        await import_run(target, exported)
    assert await target.read("demo") == [started()]


async def test_a_run_that_is_not_there_leaves_no_file(file):
    async with MemoryJournal() as journal:
        with pytest.raises(RunNotFoundError):
            await export_run(journal, "demo", file)
    assert list(file.parent.iterdir()) == []


async def test_a_file_that_cannot_be_written_leaves_what_was_there(file, monkeypatch):
    file.write_text("before")
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    async with MemoryJournal() as journal:
        await grown(journal)
        with pytest.raises(OSError, match="No space"):
            await export_run(journal, "demo", file)
    assert file.read_text() == "before"
    assert list(file.parent.iterdir()) == [file]


async def test_any_cut_is_refused_and_changes_nothing(file, target):
    async with MemoryJournal() as journal:
        await grown(journal, records=3)
        await export_run(journal, "demo", file)
    whole = file.read_bytes()
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        with pytest.raises((JournalCorruptError, JournalFormatError)):
            await import_run(target, file)
    assert await target.runs() == []


async def test_any_flipped_byte_is_refused_and_changes_nothing(file, target):
    async with MemoryJournal() as journal:
        await grown(journal, records=3)
        await export_run(journal, "demo", file)
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises((JournalCorruptError, JournalFormatError)):
            await import_run(target, file)
    assert await target.runs() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [*lines[:2], lines[2].replace("code", "c0de"), *lines[3:]], "record 1, on line 3, is"),
        (lambda lines: [*lines[:2], *lines[3:]], "lines are missing"),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], "record 1, on line 3, is"),
        (lambda lines: [lines[0].replace("loop", "l00p"), *lines[1:]], "its first line is"),
        (lambda lines: lines[:-1], "its end is missing|lines are missing"),
    ],
)
async def test_damage_is_told_by_record_and_line(exported, target, change, told):
    lines = exported.read_text(errors="surrogateescape").split("\n")
    exported.write_text("\n".join(change(lines)), errors="surrogateescape")
    with pytest.raises(JournalCorruptError, match=told):
        await import_run(target, exported)
    assert await target.runs() == []


@pytest.mark.parametrize("text", ["", "hello", "[1]", '{"format":"other"}\n{}\n{}\n'])
async def test_another_file_is_told_as_such(file, target, text):
    file.write_text(text)
    with pytest.raises(JournalFormatError, match="no run that backedge exported"):
        await import_run(target, file)


async def test_a_newer_version_is_refused(exported, target):
    exported.write_bytes(exported.read_bytes().replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(JournalFormatError, match="version 2, this backedge knows 1"):
        await import_run(target, exported)


async def test_a_record_of_a_newer_version_is_not_guessed_at(exported, target):
    import hashlib

    from backedge.checkpoints.codec import checksum

    lines = exported.read_bytes().split(b"\n")
    body = '[3,"finished",0]'
    lines[3] = json.dumps({"seq": 2, "crc": checksum(2, body.encode()), "body": [body]}).encode()
    summary = hashlib.sha256(b"".join(line + b"\n" for line in lines[:-2])).hexdigest()
    lines[-2] = json.dumps({"records": len(lines) - 3, "sha256": summary}).encode()
    exported.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalFormatError, match="record 2: its format is version 3"):
        await import_run(target, exported)
