"""A run with joins that do not wait, maps, regions and cancelling can be gone on with, and looked at, after any record."""

import asyncio
import random
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import ActivationCancelled, NodeFinished

from ..virtual import run_virtual
from .sizes import grows, some


class State(BaseModel):
    log: Annotated[list[str], extend] = []
    rounds: Annotated[list[int], extend] = []
    items: list[int] = [1, 2, 3]
    results: list[int] = []


def graph_of(clock, *, timed):
    """A loop of a fork, a join and a map; a region beside it. `timed`: what comes of it depends on who is first."""
    graph = Graph(State)

    def node(name, **options):
        async def said() -> list[str]:
            await asyncio.sleep(clock.random())
            return [name]

        return graph.node(said, name=name, writes="log", **options)

    head, a, b = node("head"), node("a"), node("b")
    join = node("join", **({"join": "first", "rest": "cancel"} if timed else {}))

    async def worker(item: int, ctx: Context) -> int:
        await asyncio.sleep(clock.random())
        if item == 2:
            ctx.add(20)
        return item

    options = {"join": 2, "rest": "cancel"} if timed else {}
    work = graph.map(worker, name="work", over="items", item="item", into="results", **options)

    @graph.node(writes="rounds")
    async def check() -> list[int]:
        return [1]

    each, late = node("each", join="each"), node("late")
    graph.edge(START, head)
    for one in (a, b):
        graph.edge(head, one)
        graph.edge(one, join)
    graph.chain(join, work, check)
    graph.feedback(check, head, when=lambda rounds: len(rounds) < 3, limit=None)
    graph.edge(check, END, when=lambda rounds: len(rounds) >= 3)
    c, d = node("c"), node("d")
    for one in (c, d):
        graph.edge(START, one)
        graph.edge(one, each)
    graph.chain(each, late, END)
    if timed:
        graph.cancel(check, c, when=lambda rounds: len(rounds) == 1)
    return graph


async def recorded(flow):
    journal = MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="run")
    return journal, await journal.read("run"), result.state


async def cut(journal, records):
    """A journal in which the run has no more records than these."""
    short = MemoryJournal()
    log = await short.create(await journal.header("run"), *records)
    await log.release()
    return short


def finished(records):
    return sorted(str(it.activation) for it in records if isinstance(it, NodeFinished))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("timed", [False, True])
@grows
def test_a_run_that_was_cut_off_after_any_record_comes_to_its_end(timed, seed):
    async def work():
        flow = graph_of(random.Random(seed), timed=timed).compile()
        journal, records, state = await recorded(flow)
        for count in some(range(1, len(records)), one_in=3):
            short = await cut(journal, records[:count])
            again = await flow.resume("run", journal=short)
            ran = finished(await short.read("run"))
            assert len(set(ran)) == len(ran)
            assert set(finished(records[:count])) <= set(ran)
            assert again.state.rounds == [1, 1, 1]
            if not timed:
                assert (ran, again.state) == (finished(records), state)
        return records

    records = run_virtual(work())
    assert any(isinstance(it, ActivationCancelled) for it in records) == timed


@pytest.mark.parametrize("timed", [False, True])
@grows
def test_history_states_replays_forks_and_diffs_are_there_for_every_record(timed):
    async def work():
        flow = graph_of(random.Random(5), timed=timed).compile()
        journal, records, state = await recorded(flow)
        assert len(await flow.history("run", journal=journal)) > 0
        for verify in (None, "conditions"):
            await flow.replay("run", journal=journal, **({"verify": verify} if verify else {}))
        for record in some(records[:-1], one_in=4):
            await flow.state_at("run", record.seq, journal=journal)
            forked = await flow.fork("run", at=record.seq, journal=journal, run_id=f"fork{record.seq}")
            assert forked.state.rounds == [1, 1, 1]
            if not timed:
                assert forked.state == state
            await flow.diff("run", f"fork{record.seq}", journal=journal)
            await flow.replay(f"fork{record.seq}", journal=journal)

    run_virtual(work())
