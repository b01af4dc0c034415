"""Processes are killed in the middle of maps, subgraphs, races and cancellations: each run ends as if nothing had been."""

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.records import ActivationCancelled, NodeFinished

from . import forking

PROGRAM = Path(__file__).parent / "programs" / "composed.py"


def records_of(database, run_id):
    async def read():
        async with await SqliteJournal.open(database) as journal:
            if run_id not in [each.header.run_id for each in await journal.runs()]:
                return []
            return await journal.read(run_id)

    return asyncio.run(read()) if database.exists() else []


@pytest.mark.parametrize(
    "wanted", [10, pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
def test_what_was_killed_inside_of_maps_and_subgraphs_ends_as_if_nothing_had_been(tmp_path, wanted):
    database, chance, number, kills, expected = tmp_path / "runs.db", random.Random(), 0, 0, None
    while kills < wanted or number < 2:
        run_id, log = f"run{number}", tmp_path / f"run{number}.log"
        log.touch()
        known = {
            str(each.activation) for each in records_of(database, run_id) if isinstance(each, NodeFinished)
        }
        before = len(log.read_text().split())
        process = forking.start(PROGRAM, str(database), run_id, str(log))
        time.sleep(chance.uniform(0, 0.15))  # the moment is the point of the test
        if number > 0 and kills < wanted:  # the first is left alone, to see what comes out
            process.send_signal(signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL), errors
        assert not known & set(log.read_text().split()[before:]), "a finished activation ran again"
        if process.returncode != 0:
            kills += 1
            continue
        expected = expected or output
        assert output == expected
        records, number = records_of(database, run_id), number + 1
        ended = [str(each.activation) for each in records if isinstance(each, NodeFinished)]
        assert len(ended) == len(set(ended))
        assert [name for name in ended if name.startswith("won")] == ["won@0", "won@1", "won@2"]
        stopped = {str(each.activation) for each in records if isinstance(each, ActivationCancelled)}
        racers = {name for name in ended if name.split("@")[0] in ("left", "right", "middle")}
        assert len(racers) >= 3
        assert not racers & {name for name in stopped if name not in ended}
