"""Cancelled at any step, once or again and again, a run ends in order, and resuming it makes up for everything."""

import asyncio
import functools
import random
from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import END, START, BackedgeError, Context, Graph, RunCancelledError, RunInterruptedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import NodeFinished, RunEnded, RunStatus

from ..virtual import SteppingLoop, run_virtual
from .journals import SlowJournal
from .sizes import SOAKING, grows

STRIDE = 1 if SOAKING else 15
"""Of so many steps one is tried, another one each time; in a long test all are."""


class State(BaseModel):
    log: Annotated[list[str], extend] = []


class World:
    """A looping, branching graph with retries, an error edge, a slow cleanup, an inline node and short slots."""

    def __init__(self):
        self.ended = []
        graph = Graph(State)

        def node(name, seconds, *, inline=False, **options):
            async def work(ctx: Context) -> list[str]:
                try:
                    await asyncio.sleep(seconds)
                finally:
                    await asyncio.sleep(0)
                self.ended.append(str(ctx.activation))
                return [str(ctx.activation)]

            def quick(ctx: Context) -> list[str]:
                self.ended.append(str(ctx.activation))
                return [str(ctx.activation)]

            return graph.node(quick if inline else work, name=name, writes="log", inline=inline, **options)

        @graph.node(
            writes="log",
            retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(1)),
        )
        async def flaky(ctx: Context) -> list[str]:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                raise ConnectionError("the connection was closed") from None
            if ctx.attempt < 3:
                raise ValueError(str(ctx.activation))
            self.ended.append(str(ctx.activation))
            return [str(ctx.activation)]

        @graph.node
        async def risky() -> None:
            await asyncio.sleep(1)
            raise KeyError("as always")

        @graph.node(writes="log")
        async def rescue(error: KeyError) -> list[str]:
            return ["rescued"]

        head, left, right = node("head", 1), node("left", 2), node("right", 3, inline=True)
        check = node("check", 0, uses="gate")
        graph.chain(START, head, left, check)
        graph.chain(head, right, check)
        graph.chain(head, flaky, check)
        graph.edge(head, risky)
        graph.edge(risky, check)
        graph.on_error(risky, rescue, error=KeyError)
        graph.edge(rescue, check)
        graph.feedback(check, head, when=lambda log: len(log) < 8, limit=9)
        graph.edge(check, END, when=lambda log: len(log) >= 8)
        self.flow = graph.compile()


async def by_its_task(flow, journal, stopped):
    """`flow.run` in a task that is cancelled."""
    task = asyncio.ensure_future(flow.run(journal=journal, run_id="r", concurrency=3))
    stopped.append(task.cancel)
    await asyncio.wait([task])
    with_error = None if task.cancelled() else task.exception()
    if with_error is not None:
        raise with_error


async def by_its_handle(flow, journal, stopped):
    """A handle whose `interrupt` is called."""
    async with flow.start(journal=journal, run_id="r", concurrency=3) as run:
        stopped.append(run.interrupt)
        await run.result()


async def by_leaving(flow, journal, stopped):
    """A handle that is left, by an exception, in a task that is cancelled, so that leaving is cancelled as well."""

    async def watch():
        async with flow.start(journal=journal, run_id="r", concurrency=3) as run:
            async for _ in run.events():
                pass

    task = asyncio.ensure_future(watch())
    stopped.append(task.cancel)
    await asyncio.wait([task])
    if not task.cancelled() and task.exception():
        raise task.exception()


async def by_a_sweep(flow, journal, stopped):
    """Every task of the loop is cancelled, as `asyncio.run` does when it ends; but for this one."""
    this = asyncio.current_task()
    task = asyncio.ensure_future(flow.run(journal=journal, run_id="r", concurrency=3))
    stopped.append(lambda: [each.cancel() for each in asyncio.all_tasks() if each is not this])
    await asyncio.wait([task])
    if not task.cancelled() and task.exception():
        raise task.exception()


async def by_a_sweep_of_a_handle(flow, journal, stopped):
    """As `by_a_sweep`, with the handle in the task that is spared."""
    this = asyncio.current_task()
    stopped.append(lambda: [each.cancel() for each in asyncio.all_tasks() if each is not this])
    async with flow.start(journal=journal, run_id="r", concurrency=3) as run:
        await run.result()


WAYS = [by_its_task, by_its_handle, by_leaving, by_a_sweep, by_a_sweep_of_a_handle]


@functools.cache
def the_world():
    return World()


def a_world():
    """The same graph each time, since it takes a while to compile, with a new account of what ended."""
    world = the_world()
    world.ended = []
    return world


@functools.cache
def undisturbed():
    world = a_world()
    journal = MemoryJournal()
    result = run_virtual(world.flow.run(journal=journal, run_id="r", concurrency=3), loop=SteppingLoop)
    records = run_virtual(journal.read("r"))
    return result.state, sorted(str(r.activation) for r in records if isinstance(r, NodeFinished))


def disturbed(way, journal, steps):
    """Run, and stop before each of these iterations of the loop; gives the world and whether there was time to."""
    world = a_world()
    stopped, called = [], []

    def stop():
        if stopped:
            called.append(stopped[0]())

    loop = SteppingLoop(*[(step, stop) for step in steps])

    async def go():
        try:
            await way(world.flow, journal, stopped)
        except RunInterruptedError:
            pass
        finally:
            stopped.clear()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(go(), loop=lambda: loop, debug=False)
    return world, loop.steps >= steps[-1]


def resumed(journal):
    """Go on with the run, or begin it where there is none; gives its state and what finished, with nothing twice."""
    world = a_world()

    async def go():
        known = {summary.header.run_id: summary for summary in await journal.runs()}
        if "r" not in known:
            return (await world.flow.run(journal=journal, run_id="r")).state
        assert known["r"].owner is None, "somebody owns the run still"
        return (await world.flow.resume("r", journal=journal, concurrency=3)).state

    state = run_virtual(go(), loop=SteppingLoop, debug=False)
    finished = [str(r.activation) for r in run_virtual(journal.read("r")) if isinstance(r, NodeFinished)]
    assert len(set(finished)) == len(finished), "something was recorded twice"
    return world, state, sorted(finished)


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "slow journal"])
@pytest.mark.parametrize("way", WAYS)
@grows
def test_stopped_before_any_step_and_resumed_a_run_ends_as_if_undisturbed(way, slow):
    state, finished = undisturbed()
    step = random.randint(1, STRIDE)
    while True:
        memory = MemoryJournal()
        _, more = disturbed(way, SlowJournal(memory) if slow else memory, [step])
        recorded = (
            {str(r.activation) for r in run_virtual(memory.read("r")) if isinstance(r, NodeFinished)}
            if run_virtual(memory.runs())
            else set()
        )
        after, its_state, its_finished = resumed(memory)
        assert its_state == state, f"step {step}"
        assert its_finished == finished, f"step {step}"
        assert not recorded & set(after.ended), f"step {step}: what had finished ran again"
        if not more:
            return
        step += STRIDE


@pytest.mark.parametrize("pause", [1, 3])
@pytest.mark.parametrize("way", WAYS)
@grows
def test_stopped_again_while_it_is_stopping_a_run_ends_in_order_all_the_same(way, pause):
    state, finished = undisturbed()
    for step in range(random.randint(1, STRIDE), 60, STRIDE):
        memory = MemoryJournal()
        disturbed(way, SlowJournal(memory), [step, step + pause, step + 2 * pause])
        records = run_virtual(memory.read("r")) if run_virtual(memory.runs()) else ()
        if len(records) > 1:
            assert isinstance(records[-1], RunEnded), f"step {step}"
        _, its_state, its_finished = resumed(memory)
        assert (its_state, its_finished) == (state, finished), f"step {step}"


def test_stopped_before_any_step_without_a_journal_nothing_is_left_behind():
    step = 1
    while cancelled_before(step):
        step += 1
    assert step > 50


def cancelled_before(step):
    """Run without a journal and cancel that before this iteration of the loop; says whether there was time to."""
    tasks = []
    loop = SteppingLoop((step, lambda: [task.cancel() for task in tasks]))

    async def go():
        tasks.append(asyncio.ensure_future(a_world().flow.run()))
        await asyncio.wait(tasks)
        assert tasks[0].cancelled() or tasks[0].result().status is RunStatus.COMPLETED
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return asyncio.get_running_loop().time()

    assert run_virtual(go(), loop=lambda: loop, debug=False) < 20
    return loop.steps >= step


def test_a_run_that_is_stopped_before_its_nodes_began_does_not_wait_for_them():
    graph = Graph(State)
    graph.chain(START, graph.node(_sleeps, name="node", concurrency=1), END)

    async def go():
        async with graph.compile().start():
            pass
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == 0


async def _sleeps() -> None:
    await asyncio.sleep(100)


def stubborn(raised):
    """A node that turns its cancellation into something else, with a handler for it and a policy that retries it."""
    graph = Graph(State)
    calls = []

    @graph.node(retry=tenacity.AsyncRetrying(wait=tenacity.wait_fixed(1)))
    async def node() -> None:
        calls.append("node")
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise raised from None

    @graph.node
    async def handler(error: OSError) -> None:
        calls.append("handler")

    graph.chain(START, node, END)
    graph.on_error(node, handler, error=OSError)
    graph.edge(handler, END)
    return graph.compile(), calls


def test_what_a_node_raises_because_it_was_stopped_is_neither_retried_nor_handled_nor_recorded():
    flow, calls = stubborn(ConnectionError("closed"))

    async def go():
        journal = MemoryJournal()
        async with flow.start(journal=journal, run_id="r"):
            await asyncio.sleep(1)
        assert calls == ["node"]
        assert [type(record).__name__ for record in await journal.read("r")] == ["RunStarted", "RunEnded"]
        await flow.resume("r", journal=journal)
        assert calls == ["node", "node"]
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == 11


def test_a_commit_that_comes_after_its_attempt_was_stopped_breaks_nothing():
    graph = Graph(State)

    @graph.node(retry=tenacity.AsyncRetrying(wait=tenacity.wait_fixed(1)))
    async def node(ctx: Context) -> None:
        if ctx.attempt == 1:
            raise ValueError

    graph.chain(START, node, END)

    async def go():
        journal = SlowJournal(seconds=1)
        async with graph.compile().start(journal=journal, run_id="r"):
            await asyncio.sleep(0.5)
        names = [type(record).__name__ for record in await journal.read("r")]
        assert names == ["RunStarted", "AttemptFailed", "RunEnded"]
        assert (await graph.compile().resume("r", journal=journal)).status is RunStatus.COMPLETED

    run_virtual(go())


def steered(*calls, seconds=10, **options):
    """Start a run of one node, call the handle's methods at these times; gives status, time and records."""
    graph = Graph(State)

    @graph.node(writes="log")
    async def node() -> list[str]:
        await asyncio.sleep(seconds)
        return ["done"]

    graph.chain(START, node, END)

    async def go():
        journal = MemoryJournal()
        loop = asyncio.get_running_loop()
        async with graph.compile().start(journal=journal, run_id="r", **options) as run:
            for at, call in calls:
                loop.call_at(at, call, run)
            try:
                await run.result()
            except BackedgeError as error:
                told = type(error)
            else:
                told = None
            ended = loop.time()
            await asyncio.sleep(100)
        left = [timer for timer in loop._scheduled if not timer.cancelled()]
        assert left == []
        return told, ended, [type(record).__name__ for record in await journal.read("r")]

    return run_virtual(go())


CUT_SHORT = ["RunStarted", "RunEnded"]
WHOLE = ["RunStarted", "NodeFinished", "RunEnded"]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([(1, lambda run: run.cancel(grace=60)), (2, lambda run: run.cancel())], (RunCancelledError, 2, CUT_SHORT)),
        ([(1, lambda run: run.cancel(grace=3)), (2, lambda run: run.cancel(grace=60))], (RunCancelledError, 4, CUT_SHORT)),
        ([(1, lambda run: run.cancel(grace=60)), (2, lambda run: run.interrupt())], (RunCancelledError, 2, CUT_SHORT)),
        ([(1, lambda run: (run.interrupt(), run.cancel()))], (RunCancelledError, 1, CUT_SHORT)),
        ([(1, lambda run: run.interrupt()), (2, lambda run: run.cancel())], (RunInterruptedError, 1, CUT_SHORT)),
        ([(11, lambda run: run.interrupt()), (12, lambda run: run.cancel())], (None, 10, WHOLE)),
    ],
)  # fmt: skip
def test_the_last_word_on_how_a_run_is_stopped(calls, expected):
    """Cancelling is stronger than interrupting, sooner than later, and nothing counts once the run is over."""
    assert steered(*calls) == expected


def test_a_deadline_that_comes_while_the_run_is_stopping_changes_nothing():
    assert steered((1, lambda run: run.cancel(grace=4)), deadline=3) == (RunCancelledError, 3, CUT_SHORT)
    assert steered((1, lambda run: run.cancel()), deadline=3) == (RunCancelledError, 1, CUT_SHORT)
