"""Whatever leaves a node or a condition, the run ends, says why, and leaves nothing behind."""

import asyncio
import gc
from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, RunInterruptedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import BackedgeError
from backedge.engine.records import AttemptFailed, RunStatus

from ..virtual import run_virtual


class State(BaseModel):
    log: Annotated[list[str], extend] = []


class Odd(BaseException):
    """Neither an Exception nor anything Python knows."""


def graph_of(raised, kind):
    """A node that raises, of one of three kinds, beside one that sleeps, and a node after them."""
    graph = Graph(State)
    state = {"raise": True}

    def plain() -> list[str]:
        if state["raise"]:
            raise raised
        return ["mended"]

    async def asynchronous() -> list[str]:
        await asyncio.sleep(1)
        return plain()

    work = asynchronous if kind == "async" else plain
    node = graph.node(work, name="node", writes="log", inline=kind == "inline")

    @graph.node(writes="log")
    async def sibling() -> list[str]:
        await asyncio.sleep(3)
        return ["sibling"]

    graph.chain(START, node, END)
    graph.chain(START, sibling, END)
    return graph.compile(), state


KINDS = ["async", "thread", "inline"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raised", [GeneratorExit("x"), Odd("x"), asyncio.CancelledError("x")], ids=repr)
def test_what_is_no_exception_fails_the_node_and_its_siblings_finish(raised, kind):
    flow, state = graph_of(raised, kind)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match=type(raised).__name__) as caught:
            await flow.run(journal=journal, run_id="r")
        assert list(caught.value.failures) == ["node"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        state["raise"] = False
        result = await flow.resume("r", journal=journal)
        assert sorted(result.state.log) == ["mended", "sibling"]
        kinds = [type(record).__name__ for record in await journal.read("r")]
        assert kinds.count("NodeFinished") == 2

    run_virtual(go(), thorough=True)


@pytest.mark.parametrize("how", ["run", "start"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_ending_the_program_in_a_node_interrupts_the_run_and_ends_the_program(raised, kind, how):
    flow, state = graph_of(raised, kind)
    journal = MemoryJournal()

    async def go():
        if how == "run":
            await flow.run(journal=journal, run_id="r")
        else:
            async with flow.start(journal=journal, run_id="r") as run:
                await run.result()

    with pytest.raises(type(raised)):
        run_virtual(go(), thorough=True)
    records = run_virtual(journal.read("r"))
    assert records[-1].status is RunStatus.INTERRUPTED
    state["raise"] = False
    result = run_virtual(flow.resume("r", journal=journal))
    assert sorted(result.state.log) == ["mended", "sibling"]


@pytest.mark.parametrize("raised", [Odd("x"), asyncio.CancelledError("x"), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("resumed", [False, True])
def test_a_condition_that_raises_no_exception_stops_the_run_and_is_told(raised, resumed):
    graph = Graph(State)
    broken = True

    def condition():
        if broken:
            raise raised
        return True

    @graph.node(writes="log")
    async def node() -> list[str]:
        return ["node"]

    graph.edge(START, node)
    graph.edge(node, END, when=condition)
    flow = graph.compile()

    async def go():
        nonlocal broken
        journal = MemoryJournal()
        kind = BackedgeError if isinstance(raised, asyncio.CancelledError) else type(raised)
        for attempt in range(1 + resumed):
            with pytest.raises(kind):
                await (
                    flow.resume("r", journal=journal) if attempt else flow.run(journal=journal, run_id="r")
                )
            assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (await journal.runs())[0].owner is None
        broken = False
        assert (await flow.resume("r", journal=journal)).state.log == ["node"]

    run_virtual(go(), thorough=True)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    def __reduce__(self):
        raise RuntimeError("no pickling")


class Hollow(Exception):
    """False, empty, and with arguments that JSON does not know."""

    def __bool__(self):
        return False

    def __len__(self):
        return 0


class Liar(Exception):
    @property
    def args(self):
        raise RuntimeError("no arguments")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "raised",
    [
        Mute(1),
        Hollow(object()),
        Liar(),
        ValueError(float("nan"), float("inf")),
        ValueError("\ud800"),
        ValueError(b"\xff"),
        ExceptionGroup("several", [Mute(), Hollow()]),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_an_exception_that_misbehaves_is_recorded_all_the_same(raised, kind):
    flow, state = graph_of(raised, kind)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match="node") as caught:
            await flow.run(journal=journal, run_id="r")
        assert caught.value.__cause__ is raised
        state["raise"] = False
        assert (await flow.resume("r", journal=journal)).status is RunStatus.COMPLETED

    run_virtual(go(), thorough=True)


def test_a_sibling_that_cancels_itself_while_the_run_is_failing_is_told_as_well():
    graph = Graph(State)

    @graph.node
    async def fails() -> None:
        raise ValueError

    @graph.node
    async def later() -> None:
        await asyncio.sleep(1)
        raise asyncio.CancelledError

    for node in (fails, later):
        graph.chain(START, node, END)

    with pytest.raises(RunFailedError) as caught:
        run_virtual(graph.compile().run())
    assert list(caught.value.failures) == ["fails", "later"]


def test_a_node_whose_task_is_cancelled_from_outside_did_not_fail():
    graph = Graph(State)

    @graph.node(retry=tenacity.AsyncRetrying(wait=tenacity.wait_fixed(1)))
    async def node() -> None:
        await asyncio.sleep(10)

    graph.chain(START, node, END)

    async def go():
        journal = MemoryJournal()
        mine = asyncio.all_tasks()
        async with graph.compile().start(journal=journal, run_id="r") as run:
            await asyncio.sleep(1)
            for task in asyncio.all_tasks() - mine:
                task.cancel()
            with pytest.raises(RunInterruptedError):
                await run.result()
        assert not [record for record in await journal.read("r") if isinstance(record, AttemptFailed)]

    run_virtual(go())


def test_a_node_that_ignored_its_stop_and_returns_after_all_changes_nothing(caplog):
    graph = Graph(State)
    seen = []

    @graph.node(writes="log")
    async def node(ctx: Context) -> list[str]:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(10)
        ctx.emit("late")
        seen.append("returned")
        return ["late"]

    graph.chain(START, node, END)

    async def go():
        journal = MemoryJournal()
        async with graph.compile().start(journal=journal, run_id="r", grace=2) as run:
            events = run.events()
            await asyncio.sleep(1)
            run.interrupt()
            with pytest.raises(RunInterruptedError):
                await run.result()
        assert seen == []
        await asyncio.sleep(20)
        assert seen == ["returned"]
        told = [type(event).__name__ async for event in events]
        assert told == ["ActivationsReady", "ActivationStarted", "RunFinished"]
        return [type(record).__name__ for record in await journal.read("r")]

    assert run_virtual(go(), thorough=True) == ["RunStarted", "RunEnded"]
    assert "ignored being cancelled" in caplog.text
    gc.collect()
