"""Random graphs, run for real with random delays: the same state and the same activations, whatever takes how long."""

import asyncio
import random
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import NodeFinished, Routed

from ..virtual import VirtualLoop, run_virtual
from .graphs import graphs
from .journals import SlowJournal
from .sizes import examples


class State(BaseModel):
    log: Annotated[list[str], extend] = []


MARKS = {"START": START, "END": END}


def flow_of(drawn, seed, delays):
    """The graph as a flow. Which edges are taken depends on all that a node saw; how long it takes on `delays`."""
    graph = Graph(State)
    places = dict(MARKS)

    def node(name, kind):
        async def work(ctx: Context) -> list[str]:
            await asyncio.sleep(delays.choice([0, 0, 1, 3, 10]))
            return [str(ctx.activation)]

        def quick(ctx: Context) -> list[str]:
            return [str(ctx.activation)]

        inline = kind == 0
        return graph.node(quick if inline else work, name=name, writes="log", inline=inline, may_stop=True)

    for name in drawn.nodes:
        if name not in MARKS:
            places[name] = node(name, random.Random(f"{seed} {name}").randrange(4))

    def condition(edge, longest=10**6):
        return lambda log: len(log) < longest and bool(random.Random(f"{seed} {edge.id} {log}").randrange(4))

    joined = set()
    for edge in drawn.edges:
        if (edge.source, edge.target) in joined:
            continue  # the builder refuses a second edge between the same nodes
        joined.add((edge.source, edge.target))
        source, target = places[edge.source], places[edge.target]
        if edge.feedback:
            graph.feedback(source, target, when=condition(edge, longest=15), limit=None)
        elif edge.source == "START":
            graph.edge(source, target)
        else:
            graph.edge(source, target, when=condition(edge))
    return graph.compile()


def outcome(drawn, seed, delays, journal):
    """What came of a run: its final state, if END was reached, and what is recorded of each activation."""

    async def go():
        flow = flow_of(drawn, seed, random.Random(delays))
        result = await flow.run(journal=journal, run_id="r")
        writes, taken = {}, {}
        for record in await journal.read("r"):
            if isinstance(record, NodeFinished):
                assert str(record.activation) not in writes
                writes[str(record.activation)] = record.writes
            if isinstance(record, NodeFinished | Routed) and record.taken is not None:
                taken[str(record.activation)] = record.taken
        return result._state, writes, taken

    return run_virtual(go(), loop=VirtualLoop, debug=False)


@settings(max_examples=examples(12), deadline=None)
@given(graphs(most=8), st.integers(0, 1000))
def test_how_long_anything_takes_changes_neither_the_state_nor_what_ran(drawn, seed):
    first = outcome(drawn, seed, 0, MemoryJournal())
    assert first == outcome(drawn, seed, 1, MemoryJournal())
    assert first == outcome(drawn, seed, 2, SlowJournal(seconds=0.5))


def overtaking(slow):
    """Two loops in one, so that a round may overtake the one before; one activation is slow. Gives what ran."""
    graph = Graph(State)

    def node(name):
        async def work(ctx: Context) -> list[str]:
            await asyncio.sleep(10 if str(ctx.activation) == slow else 0)
            return [str(ctx.activation)]

        return graph.node(work, name=name, writes="log", may_stop=True)

    a, d, e = (node(name) for name in "ade")
    graph.chain(START, a, e, END)
    graph.chain(START, d, END)
    graph.feedback(d, a, limit=2, otherwise=END)
    graph.feedback(e, d, limit=2, otherwise=END)
    return run_virtual(graph.compile().run()).state.log


@pytest.mark.parametrize("slow", ["a@0", "a@1"])
def test_a_limit_refuses_the_same_round_whatever_takes_how_long(slow):
    assert overtaking(slow) == overtaking("nothing")
