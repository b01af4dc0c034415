"""The compile-time analysis agrees with the naive reading of the rule on any graph."""

import random
from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.engine.loops import Link, LoopForest, find_loops
from backedge.engine.plan import Plan

from . import oracle
from .graphs import graphs, mazes, read_graph
from .oracle import Activation, Graph, IllegalGraph, Rule
from .simulation import SeededChoice, simulate
from .sizes import examples

any_graph = settings(max_examples=examples(12), deadline=None)
seeds = st.integers(0, 1000)


def forest_of(graph: Graph) -> LoopForest:
    return find_loops(graph.nodes, [Link(e.id, e.source, e.target, e.feedback) for e in graph.edges])


def plan_of(graph: Graph) -> Plan:
    return Plan([Link(e.id, e.source, e.target, e.feedback) for e in graph.edges], forest_of(graph))


@any_graph
@given(graphs())
def test_loops_headers_and_nests_are_the_oracles(graph):
    forest, loops = forest_of(graph), oracle.find_loops(graph)
    assert not forest.cycles
    assert not forest.idle_feedback
    assert forest.nests == loops.nest
    assert {name: frozenset(loop.headers) for name, loop in forest.loops.items()} == loops.headers
    assert {name: loop.body for name, loop in forest.loops.items()} == loops.bodies


@any_graph
@given(mazes())
def test_what_is_wrong_with_the_cycles_of_a_graph_is_what_the_oracle_finds(graph):
    forest = forest_of(graph)
    try:
        oracle.find_loops(graph)
        problems = ()
    except IllegalGraph as error:
        problems = error.problems
    forward = {(e.source, e.target) for e in graph.edges if not e.feedback}
    tangled = [problem.edges for problem in problems if problem.kind == "forward cycle"]
    assert len(forest.cycles) == len(tangled)
    for cycle in forest.cycles:
        assert len(set(cycle)) == len(cycle)
        assert set(pairwise((*cycle, cycle[0]))) <= forward
        ids = {e.id for e in graph.edges if e.source in cycle and e.target in cycle and not e.feedback}
        assert any(ids <= edges for edges in tangled)
    if not tangled:
        assert set(forest.idle_feedback) == {edge for problem in problems for edge in problem.edges}


@any_graph
@given(graphs(), st.data())
def test_edges_lead_where_the_oracle_says(graph, data):
    plan, rule = plan_of(graph), Rule(graph)
    assert {edge.id for edge in plan.edges} == set(rule.edges)
    for edge in plan.edges:
        rounds = data.draw(_rounds(rule, plan.nodes[edge.source]))
        there = Activation(plan.nodes[edge.target], edge.rounds(rounds))
        assert there == rule.target(rule.edges[edge.id], rounds)
        assert edge.brings(there.rounds)


@any_graph
@given(graphs(), st.data())
def test_an_edge_brings_a_token_only_to_rounds_it_leads_to(graph, data):
    plan, rule = plan_of(graph), Rule(graph)
    for edge in plan.edges:
        rounds = data.draw(_rounds(rule, plan.nodes[edge.target]))
        depth = len(plan.nests[edge.source])
        # whatever leads here, leads here from these rounds or the ones before
        sources = {(*rounds, *[0] * depth)[:depth]}
        sources |= {(*s[:i], s[i] - 1, *[0] * (depth - i - 1)) for s in sources for i in range(depth)}
        leads = any(min(source, default=0) >= 0 and edge.rounds(source) == rounds for source in sources)
        assert edge.brings(rounds) == leads


@any_graph
@given(graphs(), st.data())
def test_the_summaries_name_the_same_blockers_as_a_walk_through_the_unrolled_graph(graph, data):
    plan, rule = plan_of(graph), Rule(graph)
    for _ in range(data.draw(st.integers(5, 30))):
        live, waiting = data.draw(_activations(rule)), data.draw(_activations(rule))
        assert _blocks(plan, live, waiting) == rule.blocks_in_turn(live, waiting), f"{live} blocks {waiting}"


@any_graph
@given(graphs(), seeds)
def test_all_activations_of_a_run_block_each_other_as_the_oracle_says(graph, seed):
    plan, rule = plan_of(graph), Rule(graph)
    ran = sorted(simulate(rule, SeededChoice(rule, seed), _order()).inputs)[:40]
    for live in ran:
        for waiting in ran:
            assert _blocks(plan, live, waiting) == rule.blocks_in_turn(live, waiting), (
                f"{live} blocks {waiting}"
            )


@any_graph
@given(graphs(), seeds)
def test_positions_are_unique_extend_causality_and_keep_each_round_of_a_loop_together(graph, seed):
    plan, rule = plan_of(graph), Rule(graph)
    run = simulate(rule, SeededChoice(rule, seed), _order())
    place = {one: plan.position(plan.number[one.node], one.rounds) for one in run.inputs}
    assert len(set(place.values())) == len(place)
    assert all(place[token.source] < place[one] for one, got in run.inputs.items() for token in got)
    ordered = sorted(run.inputs, key=place.__getitem__)
    for depth in range(1, 1 + max(map(len, plan.nests))):
        inside = [(rule.loops.nest[one.node][:depth], one.rounds[:depth]) for one in ordered]
        blocks = [key for i, key in enumerate(inside) if i == 0 or inside[i - 1] != key]
        deep = [key for key in blocks if len(key[1]) == depth]
        assert len(set(deep)) == len(deep)


@any_graph
@given(graphs())
def test_headers_come_first_in_their_loop(graph):
    plan = plan_of(graph)
    for loop in plan.loops.values():
        body = sorted(plan.number[node] for node in loop.body)
        assert {plan.nodes[number] for number in body[: len(loop.headers)]} == set(loop.headers)
        assert body == list(range(body[0], body[0] + len(body)))


@any_graph
@given(graphs())
def test_what_remains_is_the_longest_forward_path(graph):
    plan = plan_of(graph)
    forward = nx.DiGraph()
    forward.add_edges_from((e.source, e.target) for e in graph.edges if not e.feedback)
    for number, node in enumerate(plan.nodes):
        below = forward.subgraph({node} | nx.descendants(forward, node))
        assert plan.remaining[number] == nx.dag_longest_path_length(below) + 1


@any_graph
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_declarations_changes_nothing_in_the_plan(graph, order):
    plan, other = plan_of(graph), plan_of(graph.shuffled(order))
    assert (plan.nodes, plan.edges, plan.nests, plan.ancestors) == (
        other.nodes,
        other.edges,
        other.nests,
        other.ancestors,
    )
    assert plan.loops == other.loops
    every = range(len(plan.nodes))
    assert [plan.summaries(node) for node in every] == [other.summaries(node) for node in every]


def _order():
    return random.Random(0)


def _rounds(rule, node):
    return st.tuples(*[st.integers(0, 3) for _ in rule.loops.nest[node]])


@st.composite
def _activations(draw, rule):
    node = draw(st.sampled_from(sorted(rule.loops.nest)))
    return Activation(node, draw(_rounds(rule, node)))


def _blocks(plan, live, waiting):
    return plan.blocks(plan.number[live.node], live.rounds, plan.number[waiting.node], waiting.rounds)


def test_a_round_blocks_the_next_one_of_its_node_though_it_only_leads_to_the_one_after():
    plan = plan_of(read_graph("START>g START>slow slow>h g>x x<h h>n n<g n>END"))
    one, two, three = (Activation("n", (number,)) for number in range(3))
    assert _blocks(plan, one, two)
    assert _blocks(plan, one, three)
    assert not _blocks(plan, two, one)
    assert not _blocks(plan, two, two)
