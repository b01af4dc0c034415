from typing import Annotated

import networkx
import pytest
from hypothesis import given, settings
from pydantic import BaseModel

from backedge import END, START, BackedgeWarning, Graph, add
from backedge.engine.analysis import critical_path, describe, to_networkx

from .graphs import graphs
from .oracle import END as ORACLE_END
from .oracle import START as ORACLE_START
from .sizes import examples


class State(BaseModel):
    given: int
    count: Annotated[int, add] = 0
    note: str = ""


def flow_of(*, inner: int | None = 5, outer: int | None = 2):
    """A loop in a loop, and a branch beside them that has nothing to do with it."""
    graph = Graph(State)
    names = ["begin", "turn", "side", "end", "last"]
    begin, turn, side, end, last = [
        graph.node(lambda given: 1, name=name, writes="count", inline=True) for name in names
    ]
    graph.chain(START, begin, turn, end, last, END)
    graph.feedback(turn, turn, when=lambda count: count < 3, limit=inner)
    graph.feedback(end, begin, when=lambda count: count < 3, limit=outer)
    graph.chain(START, side, last)
    return graph.compile()


def test_a_graph_is_summed_up_with_its_loops_and_inputs():
    told = describe(flow_of().graph)
    assert (told.name, told.inputs, told.edges) == ("State", ("given",), 9)
    assert sorted(told.nodes) == ["begin", "end", "last", "side", "turn"]
    outer, inner = told.loops
    assert (outer.name, outer.headers, outer.body, outer.level, outer.outer) == (
        "begin",
        ("begin",),
        ("begin", "turn", "end"),
        0,
        None,
    )
    assert (inner.name, inner.body, inner.level, inner.outer) == ("turn", ("turn",), 1, "begin")
    assert outer.limits == {"end->begin": 2}
    assert (outer.most_rounds, inner.most_rounds) == (3, 6)
    assert told.longest_path == ("START", "begin", "turn", "end", "last", "END")


def test_activations_are_bounded_by_the_product_of_the_rounds_around_each_node():
    assert describe(flow_of().graph).most_activations == 2 + 2 * 3 + 6 * 3
    assert describe(flow_of(inner=0, outer=0).graph).most_activations == 5
    assert describe(flow_of(inner=None).graph).most_activations is None
    assert describe(flow_of(inner=None).graph).loops[1].most_rounds is None


def test_several_feedback_edges_of_a_loop_add_up():
    graph = Graph(State)
    one, two = [graph.node(lambda count: None, name=name, inline=True) for name in ("one", "two")]
    graph.chain(START, one, two)
    graph.feedback(two, one, when=lambda count: count < 1, limit=3)
    graph.feedback(one, one, when=lambda count: count < 1, limit=4)
    graph.edge(two, END, when=lambda count: count >= 1)
    (loop,) = describe(graph.compile().graph).loops
    assert loop.limits == {"one->one": 4, "two->one": 3}
    assert loop.most_rounds == 8


async def test_the_bound_is_reached_by_a_run_that_takes_every_feedback_edge_to_its_limit():
    ran = []
    graph = Graph(State)

    def step(name):
        return graph.node(lambda: ran.append(name), name=name, inline=True)

    begin, turn, end, out = (step(name) for name in ("begin", "turn", "end", "out"))
    graph.chain(START, begin, turn)
    graph.feedback(turn, turn, limit=3, otherwise=end)
    graph.feedback(end, begin, limit=2, otherwise=out)
    graph.chain(out, END)
    flow = graph.compile()
    await flow.run({"given": 1})
    assert len(ran) == describe(flow.graph).most_activations == 3 + 3 * 4 + 3 + 1


def test_the_critical_path_follows_the_times_it_is_given():
    graph = flow_of().graph
    assert critical_path(graph, {"side": 10.0, "begin": 1.0, "end": 2.0}) == ("START", "side", "last", "END")
    assert critical_path(graph, {"side": 2.0, "begin": 1.0, "end": 2.0})[1] == "begin"


def test_possible_write_conflicts_are_told():
    graph = Graph(State)
    a, b = [graph.node(lambda: "", name=name, writes="note", inline=True) for name in "ab"]
    graph.chain(START, a, END)
    graph.chain(START, b, END)
    with pytest.warns(BackedgeWarning):
        flow = graph.compile()
    assert describe(flow.graph).warnings == flow.warnings != ()


def test_networkx_gets_nodes_edges_and_what_they_are():
    made = to_networkx(flow_of().graph)
    assert isinstance(made, networkx.MultiDiGraph)
    assert made.nodes["turn"] == {"reads": ("given",), "writes": ("count",), "loops": ("begin", "turn")}
    assert made.edges["turn", "turn", "turn->turn"] == {"kind": "feedback", "label": "count < 3", "limit": 5}
    forward = [(u, v) for u, v, kind in made.edges(data="kind") if kind != "feedback"]
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(forward))


@given(graphs())
@settings(max_examples=examples(15), deadline=None)
def test_the_longest_path_is_as_long_as_the_one_networkx_finds(drawn):
    graph = Graph(State)
    nodes = {ORACLE_START: START, ORACLE_END: END}
    nodes |= {
        name: graph.node(lambda: None, name=name, inline=True)
        for name in drawn.nodes
        if name not in (ORACLE_START, ORACLE_END)
    }
    seen = set()
    for edge in drawn.edges:
        if (edge.source, edge.target) in seen:
            continue
        seen.add((edge.source, edge.target))
        if edge.feedback:
            graph.feedback(nodes[edge.source], nodes[edge.target], limit=1)
        else:
            graph.edge(nodes[edge.source], nodes[edge.target])
    flow = graph.compile()
    made = to_networkx(flow.graph)
    forward = networkx.DiGraph([(u, v) for u, v, kind in made.edges(data="kind") if kind != "feedback"])
    path = describe(flow.graph).longest_path
    assert networkx.is_path(forward, path)
    assert len(path) == networkx.dag_longest_path_length(forward) + 1
