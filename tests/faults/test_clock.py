"""The clock on the wall is set by an hour while a run waits for timers: the run ends, each effect done once."""

import asyncio

import pytest

HOUR = 3600.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back and right again"])
def test_a_run_with_timers_ends_though_the_clock_is_set(warm, place, jump):
    ended = warm.run(place, program="clocked", more=[jump])
    assert ended.code == 0, ended.errors
    assert place.effects == ["before_one", "after_one", "before_two", "after_two"]
    records = asyncio.run(place.records())
    assert [record.seq for record in records] == list(range(len(records)))
    assert ended.output.count("the clock was set") == (1 if jump > 0 else 2)
