"""`backedge check-journal`: sound and damaged files, for people and for programs."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.records import ActivationId, NodeFinished, RunHeader, RunStarted

from .kit import call, contents, ran


async def fill() -> None:
    async with await SqliteJournal.open("runs.db") as journal:
        for name in ("one", "two"):
            header = RunHeader(name, "loop", "digest", b"{}", 1.0)
            records = [
                NodeFinished(
                    seq, ActivationId("n"), 1, 1.0, 2.0, {"x": b'"%s %d"' % (name.encode(), seq)}, ()
                )
                for seq in (1, 2)
            ]
            await journal.create(header, RunStarted(0, 1.0, {}, ()), *records)


def damage() -> None:
    with closing(sqlite3.connect("runs.db")) as db, db:
        db.execute("UPDATE records SET crc = crc + 1 WHERE place = (1 << 32 | 2)")


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(fill())


def test_a_sound_journal_is_told_as_such_and_not_touched():
    before = contents(Path())
    assert ran("check-journal", "runs.db").stdout == "journal runs.db: 2 runs, 6 records, sound\n"
    assert contents(Path()) == before


def test_what_is_damaged_is_named_and_the_exit_code_says_so():
    damage()
    result = call("check-journal", "runs.db")
    assert result.exit_code == 1
    assert result.stdout == (
        "damaged: run 'one': record 2 is damaged: its checksum does not match; the 2 records before it can be read\n"
        "journal runs.db: 2 runs, 6 records, 1 thing is damaged\n"
    )


def test_salvage_says_what_was_copied_and_the_copy_is_sound():
    damage()
    result = call("check-journal", "runs.db", "--salvage", "new.db")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:] == [
        "copied: run 'one', its first 2 records",
        "copied: run 'two', whole, 3 records",
        "journal new.db: 1 of 2 runs were copied whole",
    ]
    assert "5 records, sound" in ran("check-journal", "new.db").stdout


def test_programs_get_one_json_object():
    assert json.loads(ran("check-journal", "runs.db", "--json").stdout) == {
        "journal": "runs.db",
        "sound": True,
        "runs": 2,
        "records": 6,
        "findings": [],
        "salvaged": None,
    }
    damage()
    told = json.loads(call("check-journal", "runs.db", "--json", "--salvage", "new.db").stdout)
    assert not told["sound"]
    assert [(found["run_id"], found["seq"]) for found in told["findings"]] == [("one", 2)]
    assert told["salvaged"] == {
        "journal": "new.db",
        "runs": [
            {"run_id": "one", "records": 2, "whole": False},
            {"run_id": "two", "records": 3, "whole": True},
        ],
    }


def test_a_file_that_cannot_be_opened_is_an_error_but_can_be_salvaged():
    Path("runs.db").write_bytes(b"\0" * 100 + Path("runs.db").read_bytes()[100:])
    refused = call("check-journal", "runs.db")
    assert refused.exit_code == 4
    assert "what can be read is copied by --salvage" in refused.stderr
    result = call("check-journal", "runs.db", "--salvage", "new.db")
    assert result.exit_code == 1
    assert "2 of 2 runs were copied whole" in result.stdout
    told = json.loads(call("check-journal", "runs.db", "--salvage", "newer.db", "--json").stdout)
    assert (told["sound"], told["runs"], len(told["salvaged"]["runs"])) == (False, None, 2)


def test_a_run_of_which_nothing_can_be_read_is_named_as_lost():
    with closing(sqlite3.connect("runs.db")) as db, db:
        db.execute("DELETE FROM records WHERE place >> 32 = 1")
    result = call("check-journal", "runs.db", "--salvage", "new.db")
    assert "lost: run 'one', its first record cannot be read" in result.stdout


def test_nothing_is_salvaged_over_a_file():
    result = call("check-journal", "runs.db", "--salvage", "runs.db")
    assert result.exit_code == 4
    assert "there is a file already" in result.stderr


@pytest.mark.parametrize(("name", "told"), [("none.db", "no such file"), ("empty.db", "is empty")])
def test_a_missing_or_empty_file_is_told_and_not_made(name: str, told: str):
    Path("empty.db").touch()
    result = call("check-journal", name)
    assert result.exit_code == 4
    assert told in result.stderr
    assert not Path("none.db").exists()
