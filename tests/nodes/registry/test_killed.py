"""A manager's process that is killed again and again: no job is lost or doubled, and no effect that completed is repeated."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from backedge import RunStatus
from backedge.checkpoints import SqliteJournal

from ... import forking

PROGRAM = Path(__file__).parents[2] / "programs" / "managing.py"
JOBS = [f"j{number}" for number in range(6)]


def killed_inside(folder, effect):
    """What the process had found, and was killed inside of its so-manieth effect."""
    process = forking.start(PROGRAM, folder / "jobs.db", folder / "account", effect)
    try:
        found = process.stdout.readline()
        assert process.stdout.readline() == b"inside\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    return int(found.split()[1])


def account(folder):
    return [line.split(" ") for line in (folder / "account").read_text().splitlines()]


async def states(path):
    async with await SqliteJournal.open(path) as journal:
        return {run.header.run_id: run.status for run in await journal.runs()}


def check_concurrency(lines):
    """Never more than two jobs at once in any one process."""
    running = Counter()
    for pid, what, *_ in lines:
        running[pid] += {"job": 1, "over": -1}.get(what, 0)
        assert running[pid] <= 2


@pytest.mark.parametrize("kills", [[1], [4, 3, 5]])
def test_a_manager_that_was_killed_loses_and_doubles_nothing(tmp_path, kills):
    found = [killed_inside(tmp_path, effect) for effect in kills]
    assert found[0] == 0
    done = forking.run(PROGRAM, tmp_path / "jobs.db", tmp_path / "account")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(b"found ")
    assert asyncio.run(states(tmp_path / "jobs.db")) == {
        f"jobs/ann/{name}": RunStatus.COMPLETED for name in JOBS
    }
    lines = account(tmp_path)
    check_concurrency(lines)
    over = Counter(words[2] for words in lines if words[1] == "over")
    assert set(over) == set(JOBS)
    effects = {f"{name}-{number}" for name in JOBS for number in range(3)}
    begun = Counter(words[2] for words in lines if words[1] == "begin")
    assert set(begun) == effects
    # what was under way at a kill, of two jobs at once, comes again, with the same key
    assert sum(begun.values()) - len(effects) <= 2 * len(kills)
    keys = {tuple(words[2:]) for words in lines if words[1] == "begin"}
    assert len(keys) == len(effects)


def test_the_queue_outlives_the_process(tmp_path):
    killed_inside(tmp_path, 1)
    found = killed_inside(tmp_path, 1)
    assert 1 <= found <= 6, "the first process was killed after it had been given some jobs"
    done = forking.run(PROGRAM, tmp_path / "jobs.db", tmp_path / "account")
    assert int(done.stdout.split()[-1]) == 6
