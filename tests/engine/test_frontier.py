"""A frontier and the records after it lead to the very run that all records lead to."""

import asyncio
import contextlib
import random
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, extend
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine import frontier
from backedge.engine.frontier import Cutter, recovered_at
from backedge.engine.recovery import recover

from ..virtual import VirtualLoop, run_virtual
from .graphs import graphs
from .sizes import examples


class State(BaseModel):
    log: Annotated[list[str], extend] = []
    note: str = ""


def flow_of(drawn, seed):
    """The graph as a flow whose nodes write a reducer field, and some of them a plain one."""
    graph = Graph(State)
    places = {"START": START, "END": END}

    def chance(*about):
        return random.Random(f"{seed} {about}")

    def node(name):
        async def work(ctx: Context):
            await asyncio.sleep(chance(ctx.activation).choice([0, 1, 3]))
            return {"log": [str(ctx.activation)]} | ({"note": name} if chance(name).randrange(3) == 0 else {})

        return graph.node(work, name=name, writes=("log", "note"), may_stop=True)

    def condition(edge, longest=10**6):
        return lambda log: len(log) < longest and bool(chance(edge.id, log).randrange(4))

    for name in drawn.nodes:
        if name not in places:
            places[name] = node(name)
    joined = set()
    for edge in drawn.edges:
        if (edge.source, edge.target) in joined:
            continue
        joined.add((edge.source, edge.target))
        source, target = places[edge.source], places[edge.target]
        if edge.feedback:
            graph.feedback(source, target, when=condition(edge, longest=20), limit=3, otherwise=END)
        elif edge.source == "START":
            graph.edge(source, target)
        else:
            graph.edge(source, target, when=condition(edge))
    return graph.compile()


def told(run):
    """All that can be asked of a recovered run."""
    schedule = run.schedule
    schedule.validate()
    live = [(node, rounds, phase) for node, rounds, phase in schedule.live()]
    snapshots = [schedule.snapshot_or_none(node, rounds) for node, rounds, _ in live]
    return (
        live,
        [None if one is None else one.values() for one in snapshots],
        {edge: dict(counts) for edge, counts in schedule.laps.items() if counts},
        dict(schedule.limits),
        None if schedule.result is None else schedule.result.values(),
        sorted(run.orders),
        run.seq,
        run.status,
    )


@settings(max_examples=examples(12), deadline=None)
@given(graphs(most=7), st.integers(0, 1000))
def test_from_wherever_one_is_cut_it_leads_to_the_same_run(drawn, seed):
    async def go():
        flow, journal = flow_of(drawn, seed), MemoryJournal()
        with contextlib.suppress(RunFailedError):  # two branches wrote the same field
            await flow.run(journal=journal, run_id="r")
        return flow.graph, await journal.read("r")

    graph, records = run_virtual(go(), loop=VirtualLoop, debug=False)
    for end in range(1, len(records)):
        here = recover(graph, records[:end])
        raw = Cutter(graph, -frontier.OFTEN).cut(here.schedule, end - 1)
        if raw is not None:
            for until in range(end, len(records) + 1):
                again = recovered_at(graph, raw)
                assert told(recover(graph, records[end:until], again)) == told(
                    recover(graph, records[:until])
                )


def counter(rounds, *, size=1):
    """A loop of so many rounds with a state of constant size."""

    class Count(BaseModel):
        n: int = 0
        ballast: str = "x" * size

    graph = Graph(Count)

    @graph.node(writes="n", inline=True)
    def step(n: int) -> int:
        return n + 1

    graph.edge(START, step)
    graph.feedback(step, step, when=lambda n: n < rounds, limit=None)
    graph.edge(step, END, when=lambda n: n >= rounds)
    return graph.compile()


async def test_opening_a_long_run_reads_only_what_came_after_its_last_frontier(tmp_path):
    read = []

    async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
        flow = counter(700)
        result = await flow.run(journal=journal, run_id="r")
        original = journal.read

        async def counted(run_id, **span):
            records = await original(run_id, **span)
            read.append(len(records))
            return records

        journal.read = counted
        assert await flow.resume("r", journal=journal) == result
    assert sum(read) <= 2 * frontier.OFTEN


@pytest.mark.parametrize(("size", "most"), [(1, 5), (2_000, 3), (5_000, 1), (50_000, 0)])
async def test_frontiers_take_a_tenth_of_the_space_at_most(size, most):
    async with MemoryJournal() as journal:
        await counter(750, size=size).run(journal=journal, run_id="r")
        kept, before = [], None
        while (found := await journal.frontier("r", before=before)) is not None:
            before = found[0]
            kept.append(found[1])
    assert len(kept) == most
    assert sum(map(len, kept)) <= 750 * 10


async def test_a_frontier_of_another_graph_or_a_damaged_one_is_not_believed():
    graph = counter(5).graph
    for raw in (b"", b"null", b"[]", b'["x",1,1,[],0,[],{},[],[]]', b"\xff"):
        assert recovered_at(graph, raw) is None


async def test_a_fork_does_not_start_from_the_frontier_of_the_record_it_was_forked_at():
    flow = counter(1_000)
    async with MemoryJournal() as journal:
        result = await flow.run(journal=journal, run_id="r")
        at, _ = await journal.frontier("r", before=600)
        for seq in (at - 1, at, at + 1):
            assert (await flow.fork("r", at=seq, journal=journal)).state == result.state
            edited = await flow.fork("r", at=seq, edit={"n": 990}, journal=journal)
            assert edited.state.n == 1_000
            assert len(await journal.read(edited.run_id)) < seq + 20


async def test_a_frontier_that_another_graph_cut_is_not_believed():
    async with MemoryJournal() as journal:
        await counter(300).run(journal=journal, run_id="r")
        _, raw = await journal.frontier("r")
    graph = counter(300).graph
    assert recovered_at(graph, raw) is not None
    assert recovered_at(graph._replace(digest="another"), raw) is None
