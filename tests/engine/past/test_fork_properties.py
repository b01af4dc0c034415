"""Random graphs, forked at every record: without an edit all ends as before, with one as if it had been so all along.

What an edit is to do is told by a model that knows no records: the graph is run once more, and whatever had finished
before the edit sees the old value, all else the new one.
"""

import asyncio
import random
from typing import Annotated

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Graph, InputError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import NodeFinished, Routed, RunStarted

from ...virtual import VirtualLoop, run_virtual
from ..graphs import graphs
from ..sizes import examples


class State(BaseModel):
    log: Annotated[list[str], extend] = []
    note: str = "old"


class Model:
    """Says what who sees, in place of the state's field: "new" unless it had finished (or was routed) before."""

    def __init__(self, finished, routed):
        self.finished, self.routed = finished, routed

    def node(self, one, _note):
        return "old" if one in self.finished else "new"

    def edge(self, one, _note):
        return "old" if one in self.routed else "new"


class AsItIs:
    def node(self, _one, note):
        return note

    edge = node


def flow_of(drawn, seed, delays, eyes):
    """What is taken, and what is written, depends on all that was written before and on the note as `eyes` see it."""
    graph = Graph(State)
    places = {"START": START, "END": END}

    def node(name):
        async def work(ctx: Context, note: str) -> list[str]:
            await asyncio.sleep(delays.choice([0, 1, 3, 10]))
            return [f"{ctx.activation} {eyes.node(str(ctx.activation), note)}"]

        return graph.node(work, name=name, writes="log", may_stop=True)

    for name in drawn.nodes:
        if name not in places:
            places[name] = node(name)

    def condition(edge, longest=10**6):
        def holds(log, note):
            own = [entry.split()[0] for entry in log if entry.split()[0].split("@")[0] == edge.source]
            seen = eyes.edge(own[-1], note)
            return len(log) < longest and bool(random.Random(f"{seed} {edge.id} {log} {seen}").randrange(4))

        return holds

    joined = set()
    for edge in drawn.edges:
        if (edge.source, edge.target) in joined:
            continue
        joined.add((edge.source, edge.target))
        source, target = places[edge.source], places[edge.target]
        if edge.feedback:
            graph.feedback(source, target, when=condition(edge, longest=12), limit=None)
        elif edge.source == "START":
            graph.edge(source, target)
        else:
            graph.edge(source, target, when=condition(edge))
    return graph.compile()


def told(records):
    """What is recorded of each activation: what it wrote, and the edges it took at last."""
    writes, taken = {}, {}
    for record in records:
        if isinstance(record, NodeFinished):
            assert str(record.activation) not in writes
            writes[str(record.activation)] = record.writes
        if isinstance(record, RunStarted):
            taken["START"] = record.taken
        if isinstance(record, NodeFinished | Routed) and record.taken is not None:
            taken[str(record.activation)] = record.taken
    return writes, taken


async def forks(drawn, seed):
    journal = MemoryJournal()
    flow = flow_of(drawn, seed, random.Random(seed), AsItIs())
    done = await flow.run(journal=journal, run_id="r")
    records = await journal.read("r")
    for last in random.Random(seed).sample(records, min(8, len(records))):
        again = await flow.fork("r", journal=journal, run_id=f"same {last.seq}", at=last.seq)
        assert again._state == done._state
        assert told(await journal.read(again.run_id)) == told(records)
    for last in random.Random(seed).sample(records[:-1], min(4, len(records) - 1)):
        edit = {"note": "new"}
        changed = await flow.fork("r", journal=journal, run_id=f"new {last.seq}", at=last.seq, edit=edit)
        finished = [str(r.activation) for r in records[: last.seq + 1] if isinstance(r, NodeFinished)]
        model = Model(set(finished), set(finished if isinstance(last, RunStarted) else finished[:-1]))
        naive = flow_of(drawn, seed, random.Random(seed + 1), model)
        expected = await naive.run(journal=journal, run_id=f"naive {last.seq}")
        assert told(await journal.read(changed.run_id)) == told(await journal.read(expected.run_id))
        if expected._state is None:
            assert changed._state is None
        else:
            assert changed.state.log == expected.state.log
        deeper = await flow.fork(changed.run_id, journal=journal, at=last.seq + 1)
        assert deeper._state == changed._state
    return done


@settings(max_examples=examples(12), deadline=None)
@given(graphs(most=7), st.integers(0, 1000))
def test_a_fork_is_the_run_as_it_would_have_been(drawn, seed):
    run_virtual(forks(drawn, seed), loop=VirtualLoop, debug=False)


async def before_each(drawn, seed):
    """An edit before one activation: those that come after it see it, nobody else does."""
    journal = MemoryJournal()
    flow = flow_of(drawn, seed, random.Random(seed), AsItIs())
    await flow.run(journal=journal, run_id="r")
    records = await journal.read("r")
    parent, _ = told(records)
    for one in list(parent)[:4]:
        again = await flow.fork("r", journal=journal, before=one)
        assert told(await journal.read(again.run_id)) == told(records)
        place = next(r.seq for r in records if isinstance(r, NodeFinished) and str(r.activation) == one)
        try:
            await flow.fork("r", journal=journal, before=one, at=place, edit={"note": "new"})
        except InputError:
            pass
        else:
            raise AssertionError("it had finished")
        edited = await flow.fork("r", journal=journal, before=one, edit={"note": "new"})
        own, _ = told(await journal.read(edited.run_id))
        assert own[one] == {"log": f'["{one} new"]'.encode()}
        kept = [str(r.activation) for r in records[:place] if isinstance(r, NodeFinished)]
        assert all(own[each] == parent[each] for each in kept)


@settings(max_examples=examples(8), deadline=None)
@given(graphs(most=7), st.integers(0, 1000))
def test_an_edit_before_an_activation_reaches_it(drawn, seed):
    run_virtual(before_each(drawn, seed), loop=VirtualLoop, debug=False)
