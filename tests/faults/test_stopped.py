"""A process is stopped, another takes its run over and ends it; woken, the first may neither write nor do anything."""

import asyncio
import os
import re
import signal

import pytest

from backedge.checkpoints import SqliteJournal, database
from backedge.engine.errors import JournalError, RunOwnedError

from .kit import RUN, durable, injection, is_stopped, needs_strace, program, stopped

stopping = program("stopping")


async def taken_over(place, flow):
    async with await SqliteJournal.open(place.database) as journal:
        with pytest.raises(RunOwnedError):
            await flow.resume(RUN, journal=journal)
        result = await flow.resume(RUN, journal=journal, takeover=True)
    return result.state


@pytest.mark.parametrize("stop_at", stopping.PLACES)
def test_a_stopped_process_that_was_taken_over_neither_writes_nor_does_anything(warm, place, stop_at):
    before = {}

    async def meanwhile(pid):
        await stopped(lambda: is_stopped(pid))
        before["state"] = await taken_over(place, stopping.build(place.log))
        before["records"] = await place.records()
        before["effects"] = place.log.read_text().splitlines() if place.log.exists() else []
        os.kill(pid, signal.SIGCONT)

    ended = warm.run(place, program="stopping", more=[stop_at], meanwhile=meanwhile)
    assert ended.code == 3, ended.errors
    assert re.fullmatch(
        r"FencedError: [^\n]*run 'run' was taken over \(our epoch 1, now 2\)[^\n]*\n", ended.errors
    )
    assert asyncio.run(place.records()) == before["records"]
    assert place.log.read_text().splitlines() == before["effects"]
    done = [line.split(" ")[:-1] for line in before["effects"]]
    twice = [effect for number, effect in enumerate(done) if effect in done[:number]]
    assert twice == ([["second"]] if stop_at == "effect" else [])
    assert before["state"].done[0] == "plain"
    assert len(before["state"].done) == 9
    assert place.intact()


@needs_strace
def test_a_process_stopped_in_a_commit_keeps_the_file_and_goes_on_when_woken(
    warm, place, expected, monkeypatch
):
    """It holds SQLite's lock on the file: who wants to take its run over is told, and nothing is damaged."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.2)
    told = []

    async def meanwhile(pid):
        await stopped(lambda: warm.traced_stop)
        try:
            await taken_over(place, durable.build(place.log))
        except JournalError as error:
            told.append(str(error))
        os.kill(pid, signal.SIGCONT)

    place.make()
    syncs = injection(place, "fdatasync", "signal=STOP", 12)
    ended = warm.run(place, trace=syncs, meanwhile=meanwhile)
    assert ended.code == 0, ended.errors
    assert ended.completed
    assert len(told) == 1
    assert "another process kept the database locked" in told[0]
    assert asyncio.run(place.go_on()) == expected[0]
    assert sorted(place.effects) == expected[1]
