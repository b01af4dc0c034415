"""Random flows for hypothesis: loops, maps, early joins, nodes that fail; each choice comes from a resource `chance`."""

import random
from typing import Annotated

from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Flow, Graph, GraphError, add

from ...engine.graphs import graphs
from ...engine.oracle import END as ORACLE_END
from ...engine.oracle import START as ORACLE_START


class State(BaseModel):
    items: list[int] = [1, 2, 3]
    count: Annotated[int, add] = 0


class Chance(random.Random):
    """How a run goes: `trouble` is how likely a node fails."""

    trouble = 0.0


def body(name: str):
    async def work(chance: Chance) -> int:
        if chance.random() < chance.trouble:
            raise ValueError(name)
        return 1

    work.__name__ = name
    return work


async def per_item(item: int) -> None:
    return None


async def growing(item: int, chance: Chance, ctx: Context) -> None:
    if item and chance.random() < 0.5:
        ctx.add(0)


@st.composite
def flows(draw: st.DrawFn) -> Flow[State] | None:
    """Draw a flow; None where the draw makes none."""
    drawn = draw(graphs(most=5))
    limits = draw(st.lists(st.sampled_from([0, 1, 2, None]), min_size=1, max_size=3))
    kinds = draw(
        st.lists(st.sampled_from(["node", "node", "first", "each", "map", "grow"]), min_size=1, max_size=4)
    )
    graph = Graph(State, resources={"chance": Chance})
    nodes = {ORACLE_START: START, ORACLE_END: END}
    for name in drawn.nodes:
        if name in nodes:
            continue
        coming = {edge.source for edge in drawn.edges if edge.target == name}
        kind = kinds[len(nodes) % len(kinds)]
        if kind in ("map", "grow"):
            item = per_item if kind == "map" else growing
            nodes[name] = graph.map(item, over="items", item="item", name=name)
            continue
        join = kind if kind in ("first", "each") and len(coming) > 1 else None
        nodes[name] = graph.node(body(name), name=name, writes="count", join=join, may_stop=True)
    seen = set()
    for number, edge in enumerate(drawn.edges):
        ends = nodes[edge.source], nodes[edge.target]
        if (edge.source, edge.target) in seen:
            continue
        seen.add((edge.source, edge.target))
        if edge.feedback:
            limit = limits[number % len(limits)]
            graph.feedback(*ends, when=lambda chance: chance.random() < 0.5, limit=limit)
        else:
            graph.edge(*ends, when=lambda chance: chance.random() < 0.93)
    try:
        return graph.compile()
    except GraphError:
        return None
