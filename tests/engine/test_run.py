"""The handle of a live run: its events, its result, how it is left."""

import asyncio
import threading
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, BackedgeError, Context, Graph, RunFailedError, RunInterruptedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.events import (
    ActivationFailed,
    ActivationFinished,
    ActivationsReady,
    ActivationStarted,
    CustomEvent,
    EventsDropped,
    RunFinished,
)
from backedge.engine.records import RunStatus

from ..virtual import run_virtual


class State(BaseModel):
    log: Annotated[list[str], extend] = []


def flow_of(*nodes):
    """A chain of nodes made of functions."""
    graph = Graph(State)
    graph.chain(START, *(graph.node(work, name=work.__name__, writes="log") for work in nodes), END)
    return graph.compile()


async def first(ctx: Context) -> list[str]:
    ctx.emit({"at": "first"})
    await asyncio.sleep(1)
    return ["first"]


async def second() -> list[str]:
    await asyncio.sleep(1)
    return ["second"]


async def broken() -> list[str]:
    raise ValueError("no good")


def test_events_tell_what_happens_from_the_beginning_to_the_end():
    async def go():
        async with flow_of(first, second).start(run_id="r") as run:
            seen = [event async for event in run.events()]
            return seen, await run.result()

    seen, result = run_virtual(go())
    assert [type(event) for event in seen] == [
        ActivationsReady,
        ActivationStarted,
        CustomEvent,
        ActivationFinished,
        ActivationsReady,
        ActivationStarted,
        ActivationFinished,
        RunFinished,
    ]
    told = [str(event.activation) for event in seen[:-1] if not isinstance(event, ActivationsReady)]
    assert told == ["first", "first", "first", "second", "second"]
    assert seen[2].data == {"at": "first"}
    assert seen[3].updates == {"log": ["first"]}
    assert seen[3].taken == ("first->second",)
    assert seen[-1].status is result.status is RunStatus.COMPLETED
    assert result.state.log == ["first", "second"]


def test_events_of_what_is_recorded_come_after_the_commit():
    async def go():
        journal = MemoryJournal()
        async with flow_of(first).start(journal=journal, run_id="r") as run:
            async for event in run.events():
                if isinstance(event, ActivationFinished):
                    return [getattr(record, "activation", None) for record in await journal.read("r")]
        return []

    assert str(run_virtual(go())[-1]) == "first"


def test_failures_are_events_and_raise_when_the_result_is_asked_for():
    async def go():
        async with flow_of(broken).start() as run:
            seen = [event async for event in run.events()]
            with pytest.raises(RunFailedError, match="no good"):
                await run.result()
            return seen

    failed = next(event for event in run_virtual(go()) if isinstance(event, ActivationFailed))
    assert (failed.final, failed.error.message, failed.taken) == (True, "no good", ())


def test_a_failure_that_nobody_asked_for_is_raised_on_leaving():
    async def go():
        async with flow_of(broken).start() as run:
            async for _ in run.events():
                pass

    with pytest.raises(RunFailedError):
        run_virtual(go())


def test_leaving_early_interrupts_the_run_and_leaves_nothing_behind():
    async def go():
        journal = MemoryJournal()
        async with flow_of(first, second).start(journal=journal, run_id="r") as run:
            await asyncio.sleep(1.5)
            assert run.status is RunStatus.RUNNING
        assert run.status is RunStatus.INTERRUPTED
        assert asyncio.all_tasks() == {asyncio.current_task()}
        async with flow_of(first, second).reopen("r", journal=journal) as again:
            assert again.run_id == "r"
            return (await again.result()).state.log

    assert run_virtual(go()) == ["first", "second"]


def test_an_error_of_the_callers_own_is_not_replaced():
    async def go():
        async with flow_of(first).start():
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run_virtual(go())


def test_a_slow_listener_loses_the_oldest_events_and_is_told_how_many():
    async def chatty(ctx: Context) -> list[str]:
        for number in range(100):
            ctx.emit(number)
        await asyncio.sleep(1)
        return []

    async def go():
        async with flow_of(chatty).start(buffer=10) as run:
            await asyncio.sleep(0.5)
            return [event async for event in run.events()]

    seen = run_virtual(go())
    assert seen[0] == EventsDropped(92)
    assert [event.data for event in seen if isinstance(event, CustomEvent)] == list(range(90, 100))


def test_a_second_listener_hears_what_comes_from_then_on_and_a_late_one_nothing():
    async def go():
        async with flow_of(first, second).start() as run:
            everything = run.events()
            await asyncio.sleep(1.5)
            rest = [event async for event in run.events()]
            assert len([event async for event in everything]) > len(rest) == 2
            assert [event async for event in run.events()] == []

    run_virtual(go())


def test_events_may_come_from_a_worker_thread():
    main = threading.get_ident()

    def work(ctx: Context) -> list[str]:
        assert threading.get_ident() != main
        ctx.emit("from a thread")
        return []

    async def go():
        async with flow_of(work).start() as run:
            return [event.data async for event in run.events() if isinstance(event, CustomEvent)]

    assert asyncio.run(go()) == ["from a thread"]


def test_a_handle_that_was_not_entered_says_how():
    run = flow_of(first).start()
    with pytest.raises(BackedgeError, match="async with"):
        run.events()


def test_a_handle_is_entered_once():
    async def go():
        run = flow_of(second).start()
        async with run:
            await run.result()
        with pytest.raises(BackedgeError, match="before"):
            async with run:
                pass

    run_virtual(go())


def test_waiting_for_the_result_may_be_given_up_without_stopping_the_run():
    async def go():
        async with flow_of(second).start() as run:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await run.result()
            assert run.status is RunStatus.RUNNING
            return (await run.result()).state.log

    assert run_virtual(go()) == ["second"]


def test_an_interrupted_run_says_how_to_go_on():
    async def go():
        async with flow_of(second).start(journal=MemoryJournal(), run_id="r") as run:
            run.interrupt()
            await run.result()

    with pytest.raises(RunInterruptedError, match=r"resume\('r', journal='memory'\)"):
        run_virtual(go())


def test_the_context_knows_the_run_the_activation_and_the_round():
    graph = Graph(State)
    rounds = []

    @graph.node(writes="log")
    async def node(ctx: Context) -> list[str]:
        rounds.append((ctx.run_id, str(ctx.activation), ctx.attempt, ctx.round(), ctx.round("node")))
        with pytest.raises(KeyError):
            ctx.round("other")
        return ["x"]

    graph.edge(START, node)
    graph.feedback(node, node, when=lambda log: len(log) < 2, limit=None)
    graph.edge(node, END, when=lambda log: len(log) >= 2)
    run_virtual(graph.compile().run(run_id="r"))
    assert rounds == [("r", "node@0", 1, 0, 0), ("r", "node@1", 1, 1, 1)]
