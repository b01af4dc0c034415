"""The clock on the wall is set by an hour while a run waits for timers: the run ends, each effect done once."""

import asyncio
import re

import pytest

from .kit import program

clocked = program("clocked")
HOUR = 3600.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_run_with_timers_ends_though_the_clock_is_set(warm, place, jump):
    ended = warm.run(place, program="clocked", more=[jump])
    assert ended.code == 0, ended.errors
    assert place.effects == ["before_one", "after_one", "before_two", "after_two"]
    records = asyncio.run(place.records())
    assert [record.seq for record in records] == list(range(len(records)))
    assert ended.output.startswith("the clock was set\n")
    slept = [float(seconds) for seconds in re.findall("slept (.*)", ended.output)]
    assert len(slept) == 2
    assert min(slept) > clocked.SECONDS * 0.9
