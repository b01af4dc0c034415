"""A real process is killed with SIGKILL at random moments, over and over on one database, and always goes on."""

import asyncio
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.records import NodeFinished

from . import forking

PROGRAM = Path(__file__).parent / "programs" / "looping.py"


def start(database, run_id, log, *setting):
    return forking.start(PROGRAM, str(database), run_id, str(log), *setting)


def finished(database, run_id):
    async def read():
        async with await SqliteJournal.open(database) as journal:
            return await journal.read(run_id)

    return {str(record.activation) for record in asyncio.run(read()) if isinstance(record, NodeFinished)}


def has_run(database, run_id):
    if not database.exists():
        return False
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT count(*) FROM runs WHERE run_id = ?", (run_id,)).fetchone()[0]
    return bool(found)


def undisturbed(folder):
    process = start(folder / "undisturbed.db", "run", folder / "undisturbed.log")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    ran = (folder / "undisturbed.log").read_text().split()
    return output, sorted(ran)


@pytest.mark.parametrize("wanted", [50, pytest.param(300, marks=pytest.mark.soak)])
def test_fifty_kills_and_more_in_a_row_lose_nothing_and_repeat_nothing(tmp_path, wanted):
    expected, activations = undisturbed(tmp_path)
    chance = random.Random(random.randrange(2**32))
    database, kills, number, completed = tmp_path / "runs.db", 0, 0, 0
    while kills < wanted or completed == 0:
        run_id, log = f"run{number}", tmp_path / f"run{number}.log"
        log.touch()
        known = finished(database, run_id) if has_run(database, run_id) else set()
        before = len(log.read_text().split())
        process = start(database, run_id, log, chance.choice(["full", "normal"]))
        time.sleep(chance.uniform(0, 0.12))  # the moment is the point of the test
        if kills < wanted:
            process.send_signal(signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL), errors
        again = log.read_text().split()[before:]
        assert not known & set(again), "a finished activation ran again"
        if process.returncode == 0:
            assert output == expected
            assert set(log.read_text().split()) == set(activations)
            assert finished(database, run_id) == set(activations)
            number, completed = number + 1, completed + 1
        else:
            kills += 1
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
