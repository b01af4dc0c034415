"""What can happen to a run while nodes of it wait: it is cancelled, interrupted, out of time, short of slots."""

import asyncio

import pytest

from backedge import (
    END,
    START,
    Context,
    Graph,
    RunCancelledError,
    RunFailedError,
    RunInterruptedError,
    RunStatus,
    send,
)
from backedge.checkpoints import MemoryJournal

from ...virtual import run_virtual
from .kit import State, World, flow_of, to_the_end


def waiting(world):
    async def body(ctx: Context) -> str:
        await ctx.step("fetch", world.fetch, "a")
        await ctx.first(ctx.receive("go"), ctx.sleep(3600.0))
        return await ctx.step("fetch", world.fetch, "b")

    return flow_of(body)


def test_cancelling_a_run_that_waits_ends_it_for_good(wall):
    async def go():
        journal, world = MemoryJournal(), World()
        async with waiting(world).start(journal=journal, run_id="r") as run:
            await asyncio.sleep(100)
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()
        assert asyncio.get_running_loop().time() < 200
        assert len(asyncio.all_tasks()) == 1
        return world.done

    assert run_virtual(go()) == ["a"]


def test_interrupting_a_run_that_waits_lets_it_be_resumed(wall):
    async def go():
        journal, world = MemoryJournal(), World()
        async with waiting(world).start(journal=journal, run_id="r"):
            await asyncio.sleep(100)
        assert (await journal.runs())[0].status is RunStatus.INTERRUPTED
        result = await waiting(world).resume("r", journal=journal)
        return world.done, result.status

    assert run_virtual(go()) == (["a", "b"], RunStatus.COMPLETED)


def test_a_deadline_ends_waiting_too(wall):
    async def go():
        journal, world = MemoryJournal(), World()
        with pytest.raises(RunInterruptedError):
            await waiting(world).run(journal=journal, run_id="r", deadline=60)
        assert asyncio.get_running_loop().time() == pytest.approx(60, abs=2)
        await send("r", "go", journal=journal)
        result = await waiting(world).resume("r", journal=journal)
        return world.done, result.status

    assert run_virtual(go()) == (["a", "b"], RunStatus.COMPLETED)


def test_a_node_that_waits_holds_no_slot():
    world = World()
    graph = Graph(State)

    @graph.node(writes="text")
    async def asks(ctx: Context) -> str:
        return await ctx.ask("ok?")

    @graph.node(writes="out")
    async def works(ctx: Context) -> str:
        return await ctx.step("slow", world.slow, "a", 5.0)

    graph.chain(START, asks, END)
    graph.chain(START, works, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        result = await flow.run(journal=journal, run_id="r", concurrency=1)
        assert (result.status, world.done) == (RunStatus.SUSPENDED, ["a"])
        result = await to_the_end(flow, journal, answers={"ok?": "yes"}, concurrency=1)
        return result.state.text, result.state.out

    assert run_virtual(go()) == ("yes", "A")


def test_a_failing_sibling_fails_the_run_and_the_question_stays_open():
    failures = []
    graph = Graph(State)

    @graph.node(writes="text")
    async def asks(ctx: Context) -> str:
        return await ctx.ask("ok?")

    @graph.node(writes="out")
    async def fails() -> str:
        await asyncio.sleep(5)
        if not failures:
            failures.append(1)
            raise ValueError("once")
        return "fine"

    graph.chain(START, asks, END)
    graph.chain(START, fails, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match="once"):
            await flow.run(journal=journal, run_id="r")
        result = await flow.resume("r", journal=journal, answers={"asks": "yes"})
        return result.state.text, result.state.out

    assert run_virtual(go()) == ("yes", "fine")


def test_a_timeout_does_not_count_while_a_node_waits(wall):
    async def body(ctx: Context) -> str:
        await ctx.sleep(1000.0)
        return await ctx.ask("ok?")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body, timeout=10)
        assert (await flow.run(journal=journal, run_id="r")).status is RunStatus.SUSPENDED
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run_virtual(go()) == "yes"


def test_a_timeout_ends_a_step_and_the_next_attempt_does_it_again():
    world = World()

    async def body(ctx: Context) -> str:
        await ctx.step("fetch", world.fetch, "a")
        return await ctx.step("slow", world.slow, "b", 5.0 if ctx.attempt > 1 else 50.0)

    async def go():
        journal, flow = MemoryJournal(), flow_of(body, timeout=10)
        with pytest.raises(RunFailedError, match="took longer than its timeout"):
            await flow.run(journal=journal, run_id="r")
        return (await flow.resume("r", journal=journal)).state.out

    assert run_virtual(go()) == "B"
    assert world.done == ["a", "b"]


def test_a_part_that_does_what_is_no_effect_may_finish_it_while_another_waits():
    """Else a body that got its answer could be let go of again and again before it asks for it."""
    world = World()

    async def plain(ctx):
        await asyncio.sleep(2)
        return await ctx.step("fetch", world.fetch, "a")

    async def body(ctx: Context) -> list[str]:
        return await ctx.gather(ctx.ask("ok?"), plain(ctx))

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        result = await flow.run(journal=journal, run_id="r")
        assert (result.status, world.done) == (RunStatus.SUSPENDED, ["a"])
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run_virtual(go()) == ["yes", "A"]


def test_an_answer_that_a_body_never_asks_for_again_wakes_it_once():
    ran = []

    async def body(ctx: Context) -> str:
        ran.append(1)
        if len(ran) == 1:
            stray = asyncio.create_task(ctx.ask("old?"))
            await asyncio.sleep(0)
        answer = await ctx.ask("ok?")
        return answer if len(ran) > 1 else await stray

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        result = await flow.run(journal=journal, run_id="r")
        old = next(each for each in result.questions if each.text == "old?")
        result = await flow.resume("r", journal=journal, answers={old.id: "x"})
        assert result.status is RunStatus.SUSPENDED
        assert len(ran) == 2

    run_virtual(go())
