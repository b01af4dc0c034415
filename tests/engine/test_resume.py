"""Going on after a crash at any record, after failures, with other limits, with another graph."""

import asyncio
import contextlib
import sqlite3
from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphChangedError,
    InputError,
    JournalCorruptError,
    LoopLimitError,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    RunOwnedError,
    extend,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import (
    AttemptFailed,
    NodeFinished,
    Routed,
    RunEnded,
    RunResumed,
    RunStarted,
    RunStatus,
)

from ..virtual import run_virtual


class State(BaseModel):
    code: str = ""
    text: str = ""
    log: Annotated[list[str], extend] = []


class World:
    """A looping, branching graph with an error edge and retries, and an account of what ran."""

    def __init__(self):
        self.ran = []
        graph = Graph(State)

        def node(name, seconds, **options):
            async def work(ctx: Context) -> list[str]:
                self.ran.append(str(ctx.activation))
                await asyncio.sleep(seconds)
                return [str(ctx.activation)]

            return graph.node(work, name=name, writes="log", **options)

        coder, test, lint = node("coder", 1), node("test", 5), node("lint", 2)
        checker, report = node("checker", 1), node("report", 1)

        @graph.node(
            retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_fixed(1))
        )
        async def risky(ctx: Context) -> None:
            self.ran.append(f"{ctx.activation}#{ctx.attempt}")
            raise ValueError(str(ctx.activation))

        @graph.node(writes="log")
        async def rescue(error: ValueError, ctx: Context) -> list[str]:
            self.ran.append(str(ctx.activation))
            return [f"rescued {error}"]

        graph.chain(START, coder, test, checker)
        graph.chain(coder, lint, checker)
        graph.edge(coder, risky)
        graph.edge(risky, checker)
        graph.on_error(risky, rescue, error=ValueError)
        graph.edge(rescue, checker)
        graph.feedback(checker, coder, when=lambda log: len(log) < 15, limit=9)
        graph.chain(START, report, END)
        graph.edge(checker, END, when=lambda log: len(log) >= 15)
        self.flow = graph.compile()


async def crashed_after(records, header):
    """A journal in which a run broke off after these records."""
    journal = MemoryJournal()
    log = await journal.create(header, records[0])
    if records[1:]:
        await log.append(*records[1:])
    await log.release()
    return journal


async def whole_run():
    world = World()
    journal = MemoryJournal()
    result = await world.flow.run(journal=journal, run_id="r")
    return world, result, await journal.read("r"), await journal.header("r")


def test_a_crash_after_any_record_changes_nothing_and_repeats_nothing():
    async def go():
        world, expected, records, header = await whole_run()
        assert len(records) > 20
        for count in range(1, len(records)):
            before = records[:count]
            known = {str(record.activation) for record in before if isinstance(record, NodeFinished)}
            again = World()
            journal = await crashed_after(before, header)
            result = await again.flow.resume("r", journal=journal)
            assert result.state == expected.state, count
            assert not known & {name.split("#")[0] for name in again.ran}, count
            after = [str(r.activation) for r in await journal.read("r") if isinstance(r, NodeFinished)]
            assert sorted(after) == sorted(str(r.activation) for r in records if isinstance(r, NodeFinished))
        return world

    run_virtual(go())


def test_a_crash_during_retries_goes_on_with_the_tries_that_are_left():
    async def go():
        _, _, records, header = await whole_run()
        place = next(n for n, r in enumerate(records) if isinstance(r, AttemptFailed) and not r.final)
        again = World()
        await again.flow.resume("r", journal=await crashed_after(records[: place + 1], header))
        return again.ran

    assert [name for name in run_virtual(go()) if name.startswith("risky@0")] == ["risky@0#2"]


def test_resuming_a_completed_run_gives_its_result_and_writes_nothing():
    async def go():
        world, expected, records, header = await whole_run()
        world.ran.clear()
        journal = await crashed_after(records, header)
        result = await world.flow.resume("r", journal=journal)
        assert result == expected
        assert world.ran == []
        assert await journal.read("r") == records

    run_virtual(go())


def test_a_failed_node_runs_again_as_a_next_attempt_and_its_finished_siblings_do_not():
    graph = Graph(State)
    healthy, ran = False, []

    @graph.node(writes="code")
    async def fragile(ctx: Context) -> str:
        ran.append(f"fragile#{ctx.attempt}")
        if not healthy:
            raise ConnectionError
        return "code"

    @graph.node(writes="text")
    async def sibling() -> str:
        ran.append("sibling")
        return "text"

    for node in (fragile, sibling):
        graph.chain(START, node, END)
    flow = graph.compile()

    async def go():
        nonlocal healthy
        journal = MemoryJournal()
        for _ in range(2):
            with pytest.raises(RunFailedError):
                await (flow.resume("r", journal=journal) if ran else flow.run(journal=journal, run_id="r"))
        healthy = True
        return (await flow.resume("r", journal=journal)).state, await journal.read("r")

    state, records = run_virtual(go())
    assert (state.code, state.text) == ("code", "text")
    assert sorted(ran) == ["fragile#1", "fragile#2", "fragile#3", "sibling"]
    assert [r.epoch for r in records if isinstance(r, RunResumed)] == [2, 3]


def test_after_a_condition_raised_only_the_routing_is_repeated():
    graph = Graph(State)
    ran, broken = [], True

    def condition(log):
        if broken:
            raise KeyError("config")
        return True

    @graph.node(writes="log")
    async def node() -> list[str]:
        ran.append("node")
        return ["node"]

    graph.edge(START, node)
    graph.edge(node, END, when=condition)
    flow = graph.compile()

    async def go():
        nonlocal broken
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match="RoutingError|KeyError"):
            await flow.run(journal=journal, run_id="r")
        with pytest.raises(RunFailedError, match="KeyError"):
            await flow.resume("r", journal=journal)
        broken = False
        result = await flow.resume("r", journal=journal)
        again = await flow.resume("r", journal=journal)
        return result, again, await journal.read("r")

    result, again, records = run_virtual(go())
    assert result == again
    assert result.state.log == ["node"]
    assert ran == ["node"]
    assert [record.taken for record in records if isinstance(record, Routed)] == [("node->END",)]


def test_a_start_that_could_not_be_routed_is_routed_on_resume():
    graph = Graph(State)
    ready = False

    @graph.node
    async def node() -> None: ...

    graph.edge(START, node, when=lambda: ready)
    graph.edge(node, END)
    flow = graph.compile()

    async def go():
        nonlocal ready
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match="none of its outgoing edges"):
            await flow.run(journal=journal, run_id="r")
        ready = True
        return await flow.resume("r", journal=journal)

    assert run_virtual(go()).status is RunStatus.COMPLETED


def nine_rounds():
    """A loop of nine rounds that may by its declaration go back twice."""
    graph = Graph(State)

    @graph.node(writes="log")
    async def node() -> list[str]:
        return ["x"]

    graph.edge(START, node)
    graph.feedback(node, node, when=lambda log: len(log) < 9, limit=2)
    graph.edge(node, END, when=lambda log: len(log) >= 9)
    return graph.compile()


def test_a_limit_the_run_was_given_holds_after_a_crash():
    async def go():
        journal = MemoryJournal()
        result = await nine_rounds().run(journal=journal, run_id="r", limits={"node->node": 20})
        crashed = await crashed_after((await journal.read("r"))[:2], await journal.header("r"))
        assert await nine_rounds().resume("r", journal=crashed) == result
        return result

    assert len(run_virtual(go()).state.log) == 9


def test_a_limit_can_be_raised_on_resume_and_stays_raised():
    flow = nine_rounds()

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError) as caught:
            await flow.run(journal=journal, run_id="r")
        assert isinstance(caught.value.failures["node@2"], LoopLimitError)
        with pytest.raises(InputError, match="no feedback edge"):
            await flow.resume("r", journal=journal, limits={"node->END": 5})
        with pytest.raises(RunFailedError) as caught:
            await flow.resume("r", journal=journal, limits={"node->node": 6})
        assert list(caught.value.failures) == ["node@6"]
        result = await flow.resume("r", journal=journal, limits={"node->node": None})
        records = await journal.read("r")
        crashed = await crashed_after(records[:-3], await journal.header("r"))
        assert await flow.resume("r", journal=crashed) == result
        return result

    assert len(run_virtual(go()).state.log) == 9


def test_a_conflict_stays_one_until_the_graph_is_mended():
    graph = Graph(State)

    def writer(name):
        async def work() -> str:
            return name

        return graph.node(work, name=name, writes="text")

    for name in ("one", "two"):
        graph.chain(START, writer(name), END)
    with pytest.warns(UserWarning, match="concurrently"):
        flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        for attempt in range(2):
            with pytest.raises(RunFailedError, match="written concurrently by one and two"):
                await (
                    flow.resume("r", journal=journal) if attempt else flow.run(journal=journal, run_id="r")
                )
        return [record.attempt for record in await journal.read("r") if isinstance(record, AttemptFailed)]

    assert run_virtual(go()) == [1, 2]


def test_a_cancelled_run_cannot_be_resumed():
    async def go():
        world = World()
        journal = MemoryJournal()
        async with world.flow.start(journal=journal, run_id="r") as run:
            await asyncio.sleep(2)
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()
        before = await journal.read("r")
        with pytest.raises(RunCancelledError, match="cancelled, which is final; fork it"):
            await world.flow.resume("r", journal=journal)
        assert await journal.read("r") == before

    run_virtual(go())


def test_an_interrupted_run_goes_on_with_what_was_in_flight():
    async def go():
        world = World()
        _, expected, _, _ = await whole_run()
        journal = MemoryJournal()
        async with world.flow.start(journal=journal, run_id="r"):
            await asyncio.sleep(7.5)
        assert (await journal.read("r"))[-1].status is RunStatus.INTERRUPTED
        assert (await world.flow.resume("r", journal=journal)).state == expected.state

    run_virtual(go())


def test_a_run_that_is_being_worked_on_is_refused_and_so_is_an_unknown_one():
    async def go():
        world = World()
        journal = MemoryJournal()
        with pytest.raises(RunNotFoundError):
            await world.flow.resume("r", journal=journal)
        async with world.flow.start(journal=journal, run_id="r"):
            with pytest.raises(RunOwnedError):
                await world.flow.resume("r", journal=journal)

    run_virtual(go())


def chain(*names, version="", field="log"):
    graph = Graph(State)
    places = [START]
    for name in names:

        async def work(name=name) -> list[str]:
            if name == "broken":
                raise ValueError
            return [name]

        places.append(graph.node(work, name=name, writes=field, version=version))
    graph.chain(*places, END)
    return graph.compile()


def test_a_changed_graph_is_told_in_words_and_goes_on_only_when_told_to():
    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError):
            await chain("first", "broken").run(journal=journal, run_id="r")
        mended = chain("first", "broken", "last")
        with pytest.raises(GraphChangedError) as caught:
            await mended.resume("r", journal=journal)
        told = "\n".join(caught.value.changes)
        for sentence in ("node 'last' is new", "edge broken->END is gone", "edge broken->last is new"):
            assert sentence in told
        with pytest.raises(InputError, match="on_change"):
            await mended.resume("r", journal=journal, on_change="whatever")
        with pytest.raises(GraphChangedError, match="'first', which ran as first, is gone|first"):
            await chain("other").resume("r", journal=journal, on_change="continue")
        with pytest.raises(GraphChangedError, match="version was '', is '2'"):
            await chain("first", "broken", version="2").resume("r", journal=journal)
        return await mended.resume("r", journal=journal, on_change="continue")

    with pytest.raises(RunFailedError, match="broken"):  # still broken, but it was tried
        run_virtual(go())


def test_state_at_gives_the_state_after_each_record():
    async def go():
        world = World()
        journal = MemoryJournal()
        result = await world.flow.run(journal=journal, run_id="r")
        records = await journal.read("r")
        assert (await world.flow.state_at("r", 0, journal=journal)).log == []
        for record in records:
            state = await world.flow.state_at("r", record.seq, journal=journal)
            if isinstance(record, NodeFinished) and record.writes:
                name = str(record.activation)
                assert state.log[-1] in (name, f"rescued {name.replace('rescue', 'risky')}")
        assert isinstance(records[-1], RunEnded)
        assert await world.flow.state_at("r", records[-1].seq, journal=journal) == result.state
        with pytest.raises(InputError, match="no record 999"):
            await world.flow.state_at("r", 999, journal=journal)

    run_virtual(go())


async def test_a_run_in_a_file_is_resumed_by_another_journal(tmp_path):
    path = tmp_path / "runs.db"
    flow = chain("first", "broken")
    with pytest.raises(RunFailedError) as caught:
        await flow.run(journal=path, run_id="r")
    assert str(path) in str(caught.value)
    async with await SqliteJournal.open(path) as journal:
        assert isinstance((await journal.read("r"))[0], RunStarted)
        with pytest.raises(RunFailedError):
            await flow.resume("r", journal=journal)


def test_where_two_rounds_of_a_node_are_alive_a_limit_refuses_the_same_one_in_every_order():
    """Two headers send each other back: the quick one's second round ends before the slow one's first."""

    def run(slow_first):
        graph = Graph(State)

        def node(name, delays):
            async def work(ctx: Context) -> list[str]:
                await asyncio.sleep(delays[min(ctx.round(), len(delays) - 1)])
                return [str(ctx.activation)]

            return graph.node(work, name=name, writes="log", may_stop=True)

        one = node("one", [1, 1])
        two = node("two", [50, 1] if slow_first else [1, 50])
        for header, other in ((one, two), (two, one)):
            graph.edge(START, header)
            graph.feedback(header, other, when=lambda: True, limit=1, otherwise=END)
        flow = graph.compile()

        async def go():
            journal = MemoryJournal()
            result = await flow.run(journal=journal, run_id="r")
            records = await journal.read("r")
            for count in range(1, len(records)):
                crashed = await crashed_after(records[:count], await journal.header("r"))
                assert (await flow.resume("r", journal=crashed)).state == result.state
            taken = {
                str(r.activation): r.taken
                for r in records
                if isinstance(r, NodeFinished) and r.taken is not None
            }
            taken |= {str(r.activation): r.taken for r in records if isinstance(r, Routed)}
            return result.state, taken

        return run_virtual(go())

    assert run(True) == run(False)


async def test_a_run_that_cannot_go_on_is_left_as_it_is(tmp_path):
    path = tmp_path / "runs.db"
    await nine_rounds().run(journal=path, run_id="r", limits={"node->node": 20})
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM records")
        db.execute("DELETE FROM frontiers")
    with contextlib.closing(sqlite3.connect(path)) as db:
        before = list(db.iterdump())
    with pytest.raises(JournalCorruptError, match="record 0"):
        await nine_rounds().resume("r", journal=path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert list(db.iterdump()) == before
