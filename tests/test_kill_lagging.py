"""A process that goes on before its records are on disk is killed with SIGKILL: a beginning is there, and it ends right."""

import asyncio
import signal
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.records import EffectOpened, NodeFinished, RunStatus

from . import forking
from .programs.lagging import ROUNDS, build

PROGRAM = Path(__file__).parent / "programs" / "lagging.py"


def killed(folder, durability, victim):
    """The records of a run whose process died at an effect."""
    log = folder / "effects.log"
    process = forking.run(PROGRAM, str(folder / "runs.db"), str(log), durability, victim)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert log.read_text().split()[-1] == victim

    async def read():
        async with await SqliteJournal.open(folder / "runs.db") as journal:
            return await journal.read("r")

    return asyncio.run(read())


async def gone_on(folder, durability, answers=None):
    flow = build(folder / "effects.log")
    return await flow.resume("r", journal=folder / "runs.db", durability=durability, answers=answers)


def activations(records):
    return [str(record.activation) for record in records if isinstance(record, NodeFinished)]


EVERY = [f"{node}@{number}" for number in range(ROUNDS) for node in ("plain", "stepping", "paying")]


@pytest.mark.parametrize("durability", ["step", "batched", "exit"])
@pytest.mark.parametrize("victim", ["plain@0", "stepping@2/step", "plain@5"])
def test_a_killed_run_has_a_whole_beginning_and_ends_as_if_undisturbed(tmp_path, durability, victim):
    records = killed(tmp_path, durability, victim)
    assert [record.seq for record in records] == list(range(len(records)))
    known = activations(records)
    died_at = EVERY.index(victim.removesuffix("/step"))
    assert known == EVERY[: len(known)]
    assert len(known) <= died_at
    if durability == "step":
        assert len(known) == died_at
    before = (tmp_path / "effects.log").read_text().split()
    result = asyncio.run(gone_on(tmp_path, durability))
    assert result.status is RunStatus.COMPLETED
    trail = [effect for number in range(ROUNDS) for effect in (f"plain@{number}", f"stepping@{number}/step")]
    assert result.state.trail == trail
    assert result.state.paid == ["paying@3/pay"]
    again = (tmp_path / "effects.log").read_text().split()[len(before) :]
    assert not set(known) & set(again)
    assert again.count("paying@3/pay") + before.count("paying@3/pay") == 1


def test_with_exit_a_crash_takes_all_that_was_done_since_what_had_to_be_on_disk(tmp_path):
    records = killed(tmp_path, "exit", "stepping@2/step")
    assert activations(records) == []
    assert len(records) == 1


@pytest.mark.parametrize("durability", ["step", "batched", "exit"])
def test_an_unsafe_step_is_in_doubt_after_a_crash_under_every_setting(tmp_path, durability):
    records = killed(tmp_path, durability, "paying@3/pay")
    assert isinstance(records[-1], EffectOpened)
    assert activations(records) == EVERY[: EVERY.index("paying@3")], "its intent stands after all before it"
    result = asyncio.run(gone_on(tmp_path, durability))
    assert result.status is RunStatus.IN_DOUBT
    (question,) = result.questions
    result = asyncio.run(gone_on(tmp_path, durability, {question.id: {"done": "paying@3/pay"}}))
    assert result.state.paid == ["paying@3/pay"]
    assert (tmp_path / "effects.log").read_text().split().count("paying@3/pay") == 1


@pytest.mark.parametrize("durability", ["batched", "exit"])
def test_an_unsafe_step_that_ended_is_not_in_doubt_after_a_crash(tmp_path, durability):
    killed(tmp_path, durability, "plain@4")
    result = asyncio.run(gone_on(tmp_path, durability))
    assert result.status is RunStatus.COMPLETED
    assert (tmp_path / "effects.log").read_text().split().count("paying@3/pay") == 1
