"""However fast a journal is, a body of many effects lets others run, and can be cancelled."""

import asyncio

import pytest

from backedge import Context, RunCancelledError
from backedge.checkpoints import MemoryJournal

from ...virtual import run_virtual
from .kit import flow_of


async def at_once(number):
    return number


def test_others_run_between_the_effects_of_a_body():
    async def body(ctx: Context) -> list:
        return [await ctx.step("number", at_once, number) for number in range(100)]

    async def go():
        run = asyncio.ensure_future(flow_of(body).run(journal=MemoryJournal()))
        turns = 0
        while not run.done():
            turns += 1
            await asyncio.sleep(0)
        assert (await run).state.out == list(range(100))
        assert turns >= 100

    run_virtual(go())


def test_a_body_that_never_waits_is_cancelled_at_its_next_effect():
    begun = asyncio.Event()

    async def body(ctx: Context) -> None:
        number = 0
        while number < 2_000:
            number = await ctx.step("number", at_once, number + 1)
            begun.set()

    async def go():
        async with flow_of(body).start(journal=MemoryJournal()) as run:
            await begun.wait()
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()

    run_virtual(go())
