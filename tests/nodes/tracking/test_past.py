"""Runs that are looked at through their journal: over, suspended, crashed, resumed, forked, and those of other graphs."""

import asyncio

import pytest
import tenacity
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphChangedError,
    RunInterruptedError,
    RunNotFoundError,
    RunStatus,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.events import ActivationFailed
from backedge.nodes.tracking import State, Tracker, events_of, tracked

from ...virtual import run_virtual


class Trip(BaseModel):
    tries: int = 0
    said: str = ""


class Weather:
    calls = 0


async def flaky(weather: Weather) -> int:
    weather.calls += 1
    if weather.calls < 3:
        raise ValueError("rain")
    return weather.calls


async def ask(ctx: Context) -> str:
    await ctx.step("look", asyncio.sleep, 2)
    return str(await ctx.ask("Where to?"))


async def slow() -> None:
    await asyncio.sleep(100)


def trip():
    """flaky, which is tried again; then ask and slow beside each other; then pack."""
    graph = Graph(Trip, resources={"weather": Weather})
    retry = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(5), reraise=True)
    first = graph.node(flaky, name="flaky", writes="tries", retry=retry)
    last = graph.node(lambda: None, name="pack", inline=True)
    graph.chain(START, first, graph.node(ask, name="ask", writes="said"), last, END)
    graph.chain(first, graph.node(slow, name="slow"), last)
    return graph.compile()


FLOW = trip()


async def live(run, *trackers):
    """Feed trackers with all that a run tells."""
    async with run:
        async for event in run.events():
            for tracker in trackers:
                tracker.feed(event)


def options():
    return {"resources": {"weather": Weather()}}


def told(progress):
    """What is the same live and from the journal."""
    nodes = {name: (node.known, node.states, node.failures) for name, node in progress.nodes.items()}
    waiting = [(one.activation, [question.id for question in one.waits]) for one in progress.waiting]
    return progress.status, progress.done, progress.known, progress.most, waiting, nodes


def test_a_suspended_run_looks_the_same_live_out_of_the_journal_and_when_it_goes_on():
    async def go():
        journal, tracker = MemoryJournal(), Tracker(FLOW)
        await live(FLOW.start({}, journal=journal, run_id="r", **options()), tracker)
        past = await tracked(FLOW, "r", journal=journal)
        assert told(past.progress()) == told(tracker.progress())
        assert tracker.progress().waiting[0].activation == "ask"
        assert tracker.progress().nodes["flaky"].failures == 2
        run = FLOW.reopen("r", journal=journal, answers={"ask": "home"}, **options())
        await live(run, tracker, past)  # the one that saw it all, and the one that read
        again = await tracked(FLOW, "r", journal=journal)
        assert told(again.progress()) == told(tracker.progress()) == told(past.progress())
        assert again.progress().fraction == 1.0

    run_virtual(go())


def test_an_interrupted_run_is_looked_at_as_it_was_left():
    async def go():
        journal, tracker = MemoryJournal(), Tracker(FLOW)
        with pytest.raises(RunInterruptedError):
            await live(FLOW.start({}, journal=journal, run_id="r", deadline=50, **options()), tracker)
        past = (await tracked(FLOW, "r", journal=journal)).progress()
        assert past.status is RunStatus.INTERRUPTED
        assert (past.done, past.known, past.most) == (1, 3, 4)
        assert past.done == tracker.progress().done

    run_virtual(go())


def test_of_a_run_that_broke_off_what_left_a_trace_runs_and_the_rest_is_ready():
    async def go():
        journal = MemoryJournal()
        async with FLOW.start({}, journal=journal, run_id="r", **options()):
            await asyncio.sleep(10)
            records = await journal.read("r")  # as they are if the process dies now
        progress = Tracker(FLOW).feed_all(events_of(FLOW.graph, "r", records)).progress()
        assert progress.status is RunStatus.RUNNING
        assert (progress.running, progress.ready) == (("ask",), ("slow",))

    run_virtual(go())


def test_failed_attempts_come_with_their_numbers_and_errors():
    async def go():
        journal = MemoryJournal()
        await FLOW.run({}, journal=journal, run_id="r", **options())
        events = list(events_of(FLOW.graph, "r", await journal.read("r")))
        failures = [event for event in events if isinstance(event, ActivationFailed)]
        assert [(each.attempt, each.final, each.error.message) for each in failures] == [
            (1, False, "rain"),
            (2, False, "rain"),
        ]
        timeline = (await tracked(FLOW, "r", journal=journal)).timeline()
        assert [(bar.attempt, bar.outcome) for bar in timeline.rows if bar.node == "flaky"] == [
            (1, State.RETRYING),
            (2, State.RETRYING),
            (3, State.FINISHED),
        ]

    run_virtual(go())


def test_what_goes_on_after_a_resume_waits_until_it_is_heard_of_again():
    async def go():
        journal = MemoryJournal()
        await FLOW.run({}, journal=journal, run_id="r", **options())
        seen = len(await journal.read("r"))
        await FLOW.resume("r", journal=journal, answers={"ask": "home"}, **options())
        records = await journal.read("r")

        def looked_at(size):
            return Tracker(FLOW).feed_all(events_of(FLOW.graph, "r", records[:size])).progress()

        resumed, answered = looked_at(seen + 1), looked_at(seen + 2)
        assert resumed.status is RunStatus.RUNNING
        assert [one.activation for one in resumed.waiting] == ["ask"]
        assert (answered.running, answered.waiting) == (("ask",), ())

    run_virtual(go())


class Rows(BaseModel):
    rows: list[list[int]] = [[1, 2], [3, 4, 5]]


class Row(BaseModel):
    row: list[int]


async def cell_of(cell: int) -> None:
    await asyncio.sleep(1)


async def growing(row: list[int], ctx: Context) -> None:
    await asyncio.sleep(1)
    if len(row) > 2:
        ctx.add([0], [0])


def nested():
    """A map in a map."""
    inner = Graph(Row)
    inner.chain(START, inner.map(cell_of, over="row", item="cell", name="cells"), END)
    graph = Graph(Rows)
    graph.chain(START, graph.map(inner, over="rows", item="row", name="lines"), END)
    return graph.compile()


def grown():
    """A map whose items add others."""
    graph = Graph(Rows)
    graph.chain(START, graph.map(growing, over="rows", item="row", name="lines"), END)
    return graph.compile()


def bounds_of(flow):
    """What a run was bounded to, event by event, and how many activations there were."""

    async def go():
        tracker, bounds = Tracker(flow), []
        async with flow.start({}) as run:
            async for event in run.events():
                tracker.feed(event)
                now = tracker.progress()
                assert now.most is None or now.known <= now.most
                bounds.append(now.most)
        return bounds, tracker.progress().known

    return run_virtual(go())


def test_maps_in_maps_are_bounded_by_the_most_items_that_any_had():
    bounds, known = bounds_of(nested())
    assert known == 2 + 2 * 4 + 5
    numbers = [bound for bound in bounds if bound is not None]
    assert set(numbers) == {known}, "once all cells are found nothing more can come"
    assert bounds[:3] == [None] * 3


def test_items_that_may_add_others_leave_the_bound_open():
    bounds, known = bounds_of(grown())
    assert known == 2 + 4
    numbers = [bound for bound in bounds if bound is not None]
    assert set(numbers) == {known}
    assert len(bounds) - len(numbers) > 8, "until the last item is done others may come"


def test_a_fork_has_its_parents_past():
    async def go():
        journal = MemoryJournal()
        await FLOW.run({}, journal=journal, run_id="r", **options())
        await FLOW.fork("r", journal=journal, run_id="f", before="slow", **options())
        progress = (await tracked(FLOW, "f", journal=journal)).progress()
        assert progress.nodes["flaky"].states == {State.FINISHED: 1}
        assert [one.activation for one in progress.waiting] == ["ask"]

    run_virtual(go())


def test_options_reach_the_tracker_and_runs_that_are_not_there_or_of_another_graph_are_told():
    async def go():
        journal = MemoryJournal()
        await FLOW.run({}, journal=journal, run_id="r", **options())
        assert (await tracked(FLOW, "r", journal=journal, deadline=0)).progress().deadline is not None
        with pytest.raises(RunNotFoundError):
            await tracked(FLOW, "none", journal=journal)
        other = Graph(Trip)
        other.chain(START, other.node(lambda: None, name="stay", inline=True), END)
        with pytest.raises(GraphChangedError, match="flaky"):
            await tracked(other.compile(), "r", journal=journal)

    run_virtual(go())


def test_a_run_from_when_a_field_had_another_type_is_read_as_its_flow_reads_it():
    class Old(BaseModel):
        tries: str = ""

    class New(BaseModel):
        tries: int = 0

    def counting(state, value):
        graph = Graph(state)
        graph.chain(START, graph.node(lambda: value, name="count", writes="tries", inline=True), END)
        return graph.compile()

    async def go():
        journal = MemoryJournal()
        await counting(Old, "three").run({}, journal=journal, run_id="r")
        new = counting(New, 3)
        with pytest.raises(GraphChangedError):
            await tracked(new, "r", journal=journal)
        flow = new.migrating({"tries": len})
        assert (await tracked(flow, "r", journal=journal)).progress().fraction == 1.0

    run_virtual(go())
