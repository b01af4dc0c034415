"""Durable timers: over crashes, with a clock that is set, with patience."""

import asyncio

import pytest

from backedge import Context, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectOpened, EffectRecorded

from ...virtual import run_virtual
from .kit import World, broken_off, flow_of


def sleeping(*seconds, world=None):
    world = world or World()

    async def body(ctx: Context) -> list[float]:
        times = []
        for each in seconds:
            await ctx.sleep(each)
            times.append(asyncio.get_running_loop().time())
        await ctx.step("fetch", world.fetch, "end")
        return times

    return flow_of(body)


def test_a_run_stays_for_its_timers_and_takes_as_long_as_they_say(wall):
    async def go():
        result = await sleeping(3600.0, 0.5, 60.0).run(journal=MemoryJournal())
        return result.status, asyncio.get_running_loop().time()

    status, seconds = run_virtual(go())
    assert status is RunStatus.COMPLETED
    assert seconds == pytest.approx(3660.5, abs=1)


def test_a_timer_works_without_a_journal(wall):
    async def go():
        await sleeping(3600.0).run()
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == pytest.approx(3600, abs=1)


def test_after_a_crash_only_the_rest_of_the_time_is_waited(wall):
    async def crash():
        journal = MemoryJournal()
        async with sleeping(3600.0).start(journal=journal, run_id="r"):
            await asyncio.sleep(1000)
        records = [r for r in await journal.read("r") if isinstance(r, EffectOpened)]
        assert len(records) == 1
        return (await journal.read("r"))[:2], await journal.header("r")

    records, header = run_virtual(crash())
    wall.base += 3000  # that long nobody was there

    async def go_on():
        await sleeping(3600.0).resume("r", journal=await broken_off(records, header))
        return asyncio.get_running_loop().time()

    assert run_virtual(go_on()) == pytest.approx(600, abs=1)
    wall.base += 10_000
    assert run_virtual(go_on()) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("hours", [-1, 1, -1000, 1000])
def test_setting_the_clock_while_a_timer_runs_changes_nothing(wall, hours):
    async def go():
        async with sleeping(3600.0).start(journal=MemoryJournal()) as run:
            await asyncio.sleep(600)
            wall.set += 3600 * hours
            await run.result()
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == pytest.approx(3600, abs=1)


def test_a_clock_set_back_while_nobody_is_there_costs_no_more_than_the_whole_time(wall):
    async def begin():
        journal = MemoryJournal()
        result = await sleeping(3600.0).run(journal=journal, run_id="r", patience=10)
        assert result.status is RunStatus.SUSPENDED
        assert result.questions[0].due == pytest.approx(wall.base + 3600, abs=1)
        return await journal.read("r"), await journal.header("r")

    records, header = run_virtual(begin())
    wall.set -= 86400

    async def go_on():
        await sleeping(3600.0).resume("r", journal=await broken_off(records, header))
        return asyncio.get_running_loop().time()

    assert run_virtual(go_on()) == pytest.approx(3600, abs=1)


def test_without_patience_a_run_is_suspended_at_a_long_timer_and_stays_for_a_short_one(wall):
    async def go():
        journal, flow = MemoryJournal(), sleeping(5.0, 100.0, 0.5)
        result = await flow.run(journal=journal, run_id="r", patience=10)
        assert result.status is RunStatus.SUSPENDED
        assert [each.kind for each in result.questions] == ["timer"]
        assert (await flow.resume("r", journal=journal, patience=10)).status is RunStatus.SUSPENDED
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=1)
        await asyncio.sleep(100)
        result = await flow.resume("r", journal=journal, patience=10)
        assert result.status is RunStatus.COMPLETED
        assert asyncio.get_running_loop().time() == pytest.approx(105.5, abs=1)

    run_virtual(go())


def test_timers_side_by_side_take_as_long_as_the_longest_and_each_is_recorded_when_it_is_due(wall):
    async def body(ctx: Context) -> list:
        return await ctx.gather(*(ctx.sleep(seconds) for seconds in (30.0, 10.0, 20.0)))

    async def go():
        journal = MemoryJournal()
        await flow_of(body).run(journal=journal, run_id="r")
        at = [r.at - wall.base for r in await journal.read("r") if isinstance(r, EffectRecorded)]
        assert at == pytest.approx([10, 20, 30], abs=1)

    run_virtual(go())


def test_a_timer_is_set_anew_in_a_next_attempt(wall):
    import tenacity

    async def body(ctx: Context) -> float:
        began = asyncio.get_running_loop().time()
        if ctx.attempt == 1:
            await ctx.gather(ctx.sleep(1000.0), ctx.step("fail", World().fail, "x"))
        await ctx.sleep(1000.0)
        return asyncio.get_running_loop().time() - began

    async def go():
        retry = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_fixed(900))
        await flow_of(body, retry=retry).run(journal=MemoryJournal())
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == pytest.approx(1900, abs=2)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_sleep_is_a_number_of_seconds(wall, seconds):
    async def go():
        with pytest.raises(RunFailedError, match="sleep takes a number of seconds from 0"):
            await sleeping(seconds).run(journal=MemoryJournal())

    run_virtual(go())


def test_a_hundred_nodes_may_sleep_at_once(wall):
    from backedge import END, START, Graph

    from .kit import State

    graph = Graph(State)

    async def body(ctx: Context) -> None:
        await ctx.sleep(100.0)

    for number in range(100):
        graph.chain(START, graph.node(body, name=f"n{number}"), END)

    async def go():
        await graph.compile().run(journal=MemoryJournal())
        return asyncio.get_running_loop().time()

    assert run_virtual(go(), debug=False) == pytest.approx(100, abs=5)


def test_timers_in_real_time_take_their_time():
    async def body(ctx: Context) -> None:
        await ctx.first(ctx.receive("never"), ctx.sleep(0.05))

    async def go():
        began = asyncio.get_running_loop().time()
        await flow_of(body).run(journal=MemoryJournal())
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(go()) >= 0.049
