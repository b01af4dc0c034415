import random
from typing import Annotated

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Graph, GraphError, add
from backedge.engine.bounds import Bound, Term, most_activations, most_by_node
from backedge.engine.facts import CancelNode, NodeCancelled, NodeSucceeded, RejectNode, StartNode
from backedge.engine.schedule import LoopLimit, Schedule

from .graphs import graphs
from .oracle import END as ORACLE_END
from .oracle import START as ORACLE_START
from .sizes import examples


class State(BaseModel):
    items: list[int] = []
    count: Annotated[int, add] = 0


class Inner(BaseModel):
    item: int
    count: Annotated[int, add] = 0


def inner_flow():
    """A loop of three rounds at most, to be run for each item."""
    graph = Graph(Inner, name="inner")
    turn = graph.node(lambda: None, name="turn", inline=True)
    graph.chain(START, turn)
    graph.feedback(turn, turn, when=lambda count: count < 0, limit=2)
    graph.edge(turn, END)
    return graph


INNER = inner_flow()


def flow_of(drawn, limits, joins, kinds):
    """A drawn graph as a flow: its nodes join as they are told to, and some are maps."""
    graph = Graph(State)
    nodes = {ORACLE_START: START, ORACLE_END: END}
    for name in drawn.nodes:
        if name in nodes:
            continue
        coming = {edge.source for edge in drawn.edges if edge.target == name}
        join = joins[len(nodes) % len(joins)] if len(coming) > 1 else None
        kind = "node" if join else kinds[len(nodes) % len(kinds)]
        if kind == "node":
            nodes[name] = graph.node(lambda: None, name=name, inline=True, join=join)
        else:
            body = INNER if kind == "flow" else (lambda item: None)
            nodes[name] = graph.map(body, over="items", item="item", name=name)
    seen = set()
    for number, edge in enumerate(drawn.edges):
        ends = nodes[edge.source], nodes[edge.target]
        if (edge.source, edge.target) in seen:
            continue
        seen.add((edge.source, edge.target))
        if edge.feedback:
            limit = limits[number % len(limits)]
            graph.feedback(*ends, when=lambda count: count < 0, limit=limit)
        else:
            graph.edge(*ends)
    try:
        return graph.compile().graph
    except GraphError:
        return None


def activations(graph, items, choose):
    """How many activations a run has whose conditions hold as `choose` says, up to the limits; None if one cannot run."""
    schedule = Schedule(
        graph.plan,
        graph.schema.initial(),
        start=graph.start,
        end=graph.end,
        limits=graph.limits,
        otherwise=graph.otherwise,
        rules=graph.rules,
    )
    running, count = [StartNode(graph.start, (), None)], 0
    while running:
        order = running.pop()
        if isinstance(order, CancelNode):
            schedule.apply(NodeCancelled(order.node, order.rounds))
            continue
        assert not isinstance(order, RejectNode), order.reason
        if schedule.is_cancelled(order.node, order.rounds):
            continue
        count += order.node != graph.start
        holding = [way for way in graph.nodes[order.node].ways if choose(way)]
        taken = schedule.route(order.node, order.rounds, holding)
        while isinstance(taken, LoopLimit):
            holding.remove(taken.edge)
            taken = schedule.route(order.node, order.rounds, holding)
        updates = {"items": list(range(items))} if order.node == graph.start else {}
        running += schedule.apply(NodeSucceeded(order.node, order.rounds, updates, taken))
    return count


def plain_loops(graph):
    """Whether each loop has one header and one way back, taken once a round: then it goes round up to its limit."""
    plan = graph.plan
    for loop in plan.loops.values():
        if len(loop.headers) != 1 or len(loop.feedback) != 1:
            return False
        edge = plan.edges[plan.edge_number[loop.feedback[0]]]
        if edge.merges:
            return False
    return True


JOINS = st.lists(st.sampled_from([None, "each"]), min_size=1, max_size=5)
KINDS = st.lists(st.sampled_from(["node", "node", "node", "map", "flow"]), min_size=1, max_size=5)
LIMITS = st.lists(st.integers(0, 2), min_size=1, max_size=3)


@given(graphs(most=5), LIMITS, JOINS, KINDS, st.integers(0, 3), st.integers(0, 2**32))
@settings(max_examples=examples(15), deadline=None)
def test_no_run_has_more_activations_than_the_bound(drawn, limits, joins, kinds, items, seed):
    graph = flow_of(drawn, limits, joins, kinds)
    assume(graph is not None)
    bound = most_activations(graph)
    most = bound.given(dict.fromkeys(bound.items, items))
    assume(most < 250)
    chance = random.Random(seed)
    for choose in (lambda way: True, lambda way: chance.random() < 0.8):
        count = activations(graph, items, choose)
        assert count <= most


@given(graphs(most=5), LIMITS, KINDS, st.integers(0, 3))
@settings(max_examples=examples(12), deadline=None)
def test_a_run_that_does_all_there_is_has_as_many_activations_as_the_bound(drawn, limits, kinds, items):
    graph = flow_of(drawn, limits, [None], kinds)
    assume(graph is not None and plain_loops(graph))
    bound = most_activations(graph)
    most = bound.given(dict.fromkeys(bound.items, items))
    assume(most < 250)
    count = activations(graph, items, lambda way: True)
    assert count == most


@given(graphs(most=5), LIMITS, JOINS, KINDS, st.integers(0, 3))
@settings(max_examples=examples(12), deadline=None)
def test_the_bounds_of_all_nodes_add_up_to_that_of_the_run(drawn, limits, joins, kinds, items):
    graph = flow_of(drawn, limits, joins, kinds)
    assume(graph is not None)
    bound = most_activations(graph)
    each = most_by_node(graph).values()
    assert sum(one.given(dict.fromkeys(one.items, items)) for one in each) == bound.given(
        dict.fromkeys(bound.items, items)
    )


def test_a_node_outside_of_a_loop_without_limit_has_a_bound_of_its_own():
    graph = Graph(State)
    a, b, c = [graph.node(lambda: None, name=name, inline=True) for name in "abc"]
    graph.chain(START, a, b, c, END)
    graph.feedback(b, b, when=lambda count: count < 0, limit=None)
    told = most_by_node(graph.compile().graph)
    assert {node: bound.number for node, bound in told.items()} == {"a": 1, "b": None, "c": 1}


# --------------------------------------------------------------------------- what it says


def told(**options):
    """The bound of a loop around a map around a loop, with one node before and one after."""
    graph = Graph(State)
    first, last = [graph.node(lambda: None, name=name, inline=True) for name in ("first", "last")]
    body = graph.map(INNER, over="items", item="item", name="body")
    graph.chain(START, first, body, last)
    graph.feedback(last, body, when=lambda count: count < 0, **options)
    graph.edge(last, END)
    return most_activations(graph.compile().graph)


def test_what_a_map_adds_is_told_for_each_item():
    bound = told(limit=3)
    # first; in each of 4 rounds the map's beginning and its end and `last`; per item an entry, an end, 3 turns
    assert str(bound) == "at most 13 + 20 per item of items"
    assert bound.terms == (Term(13), Term(20, ("body",)))
    assert bound.number is None
    assert bound.given({"body": 2}) == 53


def test_what_has_no_bound_says_why():
    bound = told(limit=None)
    assert str(bound) == "unbounded: loop body has no limit, map body depends on its items"
    assert (bound.number, bound.given({"body": 2})) == (None, None)


def test_a_plain_number_is_told_as_such():
    graph = Graph(State)
    graph.chain(START, graph.node(lambda: None, name="a", inline=True), END)
    bound = most_activations(graph.compile().graph)
    assert (str(bound), bound.number) == ("at most 1", 1)


def test_maps_over_the_same_list_are_told_apart_and_a_map_in_a_map_multiplies():
    graph = Graph(State)
    one = graph.map(lambda item: None, over="items", item="item", name="one")
    two = graph.map(lambda item: None, over="items", item="item", name="two")
    graph.chain(START, one, two, END)
    assert str(most_activations(graph.compile().graph)) == "at most 4 + 1 per item of one + 1 per item of two"

    class Outer(BaseModel):
        rows: list[list[int]] = []

    class Row(BaseModel):
        row: list[int]

    inner = Graph(Row)
    inner.chain(START, inner.map(lambda cell: None, over="row", item="cell", name="cells"), END)
    graph = Graph(Outer)
    graph.chain(START, graph.map(inner, over="rows", item="row", name="lines"), END)
    bound = most_activations(graph.compile().graph)
    assert bound.terms == (Term(2), Term(4, ("lines",)), Term(1, ("lines", "lines/cells")))
    assert str(bound) == "at most 2 + 4 per item of rows + 1 per item of rows times item of row"


def test_a_loop_without_limit_is_found_behind_a_node_that_joins_each():
    graph = Graph(State)
    a, b = [graph.node(lambda: None, name=name, inline=True) for name in "ab"]
    each = graph.node(lambda: None, name="each", join="each", inline=True)
    for node in (a, b):
        graph.chain(START, node, each)
    graph.feedback(each, a, when=lambda count: count < 0, limit=None)
    graph.edge(each, END)
    assert str(most_activations(graph.compile().graph)) == "unbounded: loop a has no limit"


@pytest.mark.parametrize("join", ["first", 2])
def test_a_join_that_does_not_wait_runs_once_all_the_same(join):
    graph = Graph(State)
    meet = graph.node(lambda: None, name="meet", join=join, inline=True)
    for name in "abc":
        graph.chain(START, graph.node(lambda: None, name=name, inline=True), meet)
    graph.chain(meet, END)
    flow = graph.compile().graph
    assert most_activations(flow).number == activations(flow, 0, lambda way: True) == 4


def test_a_bound_of_nothing_is_nothing():
    assert str(Bound((), (), {})) == "at most 0"
