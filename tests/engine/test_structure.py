"""Cycles, reachability, and that doing what the messages say makes the graph legal."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.compiler.structure import examine
from backedge.engine.definition import Definition, EdgeSpec, NodeSpec

from .graphs import mazes
from .oracle import END, START, IllegalGraph, find_loops
from .oracle import Edge as OracleEdge
from .oracle import Graph as OracleGraph
from .sizes import examples


class State(BaseModel):
    pass


def graph(text: str, *, stops: str = "", alone: str = "") -> Definition:
    """Read `"START>a a>b! b<a"`: `!` is an error edge, `<` a feedback edge from left to right."""
    edges = []
    for word in text.split():
        source, target = word.rstrip("!").replace("<", ">").split(">")
        feedback, error = "<" in word, ValueError if "!" in word else None
        edges.append(EdgeSpec(source, target, feedback=feedback, limit=2 if feedback else None, error=error))
    names = dict.fromkeys([end for edge in edges for end in (edge.source, edge.target)] + list(alone))
    nodes = {
        name: NodeSpec(name, print, may_stop=name in stops) for name in names if name not in (START, END)
    }
    return Definition("g", State, {}, nodes, tuple(edges))


def told(*args, **kwargs) -> list[str]:
    return list(examine(graph(*args, **kwargs)).problems)


@pytest.mark.parametrize(
    "text",
    [
        "START>a a>END",
        "START>END",
        "START>a START>b a>b a>c b>c c>END",
        "START>a a>b b<a b>END",
        "START>a a<a a>END",
        "START>a a>b! a>END b>END",
    ],
)
def test_nothing_is_said_of_a_legal_graph(text):
    definition = graph(text)
    found = examine(definition)
    assert found.problems == ()
    assert {link.id for link in found.links} == {edge.id for edge in definition.edges}
    assert {link.id for link in found.links if link.feedback} == {
        e.id for e in definition.edges if e.feedback
    }


# --------------------------------------------------------------------------- cycles


def test_a_cycle_is_named_with_the_edge_to_declare():
    assert told("START>a a>b b>c c>a c>END") == [
        "edges go round in a cycle: a -> b -> c -> a; "
        "declare c -> a with graph.feedback(...) in place of graph.edge(...)"
    ]


def test_a_node_that_leads_to_itself_is_a_cycle():
    assert told("START>a a>a a>END")[0].startswith("edges go round in a cycle: a -> a; declare a -> a")


def test_every_cycle_is_told_at_once_those_behind_others_too():
    problems = told("START>a a>b b>a b>c c>b c>a c>END")
    assert {re.findall(r"declare (.*) with", problem)[0] for problem in problems} == {
        "b -> a",
        "c -> b",
        "c -> a",
    }


def test_a_cycle_that_an_error_edge_closes_needs_a_node_in_between():
    (problem,) = told("START>a a>b b>a! b>END")
    assert problem.endswith("lead b -> a to a node of its own and from there to a with graph.feedback(...)")


def tangle(names):
    return graph(f"START>{names[0]} {names[-1]}>END " + " ".join(f"{s}>{t}" for s in names for t in names))


def test_of_many_cycles_ten_are_named_and_the_others_mended_as_well():
    found = examine(tangle("abcdefgh"))
    assert [("cycle:" in problem) for problem in found.problems] == [True] * 10 + [False]
    assert found.problems[-1] == "there are more cycles behind these: declare these first"
    oracle = [OracleEdge(link.id, link.source, link.target, link.feedback) for link in found.links]
    find_loops(OracleGraph((*"abcdefgh", START, END), tuple(oracle)))  # it would raise


def test_a_graph_too_tangled_to_be_mended_is_given_up(monkeypatch):
    monkeypatch.setattr("backedge.engine.compiler.structure._MENDED", 5)
    found = examine(tangle("abcdefgh"))
    assert found.links is None
    assert found.forest is None
    assert 5 <= len(found.problems) <= 11


def test_a_feedback_edge_that_closes_no_loop_is_an_ordinary_edge():
    assert told("START>a a<b b>END") == [
        "feedback edge a->b closes no loop: no way leads from 'b' to 'a' within one round; "
        "declare it as an ordinary edge"
    ]


def test_cycles_and_idle_feedback_edges_are_told_together():
    problems = told("START>a a>b b>a b<c c>END")
    assert ["cycle" in problem for problem in problems] == [True, False]
    assert "feedback edge b->c closes no loop" in problems[1]


@settings(max_examples=examples(25), deadline=None)
@given(mazes())
def test_doing_what_the_messages_say_makes_the_loops_legal(maze):
    edges = {f"{e.source}->{e.target}": e for e in maze.edges if e.target != START and e.source != END}
    nodes = {name: NodeSpec(name, print, may_stop=True) for name in maze.nodes if name not in (START, END)}
    specs = [EdgeSpec(e.source, e.target, feedback=e.feedback) for e in edges.values() if e.source != START]
    specs += [EdgeSpec(START, name) for name in (*nodes, END)]  # no edge is missing that would close a loop
    for _ in range(30):  # more than ten cycles are told in turns
        found = examine(Definition("g", State, {}, nodes, tuple(specs)))
        back = {m for p in found.problems for m in re.findall(r"declare (\S+ -> \S+) with", p)}
        ahead = {m for p in found.problems for m in re.findall(r"feedback edge (\S+) closes no loop", p)}
        if not back | ahead:
            break
        assert found.links is None or not {edge.replace(" ", "") for edge in back} & ahead
        specs = [
            s._replace(feedback=s.id not in ahead and (s.feedback or f"{s.source} -> {s.target}" in back))
            for s in specs
        ]
    try:
        find_loops(
            OracleGraph(maze.nodes, tuple(OracleEdge(s.id, s.source, s.target, s.feedback) for s in specs))
        )
    except IllegalGraph as error:
        pytest.fail(f"still illegal: {error}")


@settings(max_examples=examples(20), deadline=None)
@given(mazes(), st.randoms(use_true_random=False))
def test_what_is_told_does_not_depend_on_the_order_of_declarations(maze, order):
    edges = {f"{e.source}->{e.target}": e for e in maze.edges}
    nodes = {name: NodeSpec(name, print) for name in maze.nodes if name not in (START, END)}
    specs = [EdgeSpec(e.source, e.target, feedback=e.feedback) for e in edges.values()]
    cycles = re.compile("cycle|loop")
    runs = [
        sorted(filter(cycles.search, examine(Definition("g", State, {}, nodes, tuple(its))).problems))
        for its in (specs, order.sample(specs, len(specs)))
    ]
    assert runs[0] == runs[1]


# --------------------------------------------------------------------------- reach


def test_a_graph_without_a_beginning_says_only_that():
    assert told("a>END") == ["nothing leads from START; add graph.edge(START, first_node)"]
    assert told("") == ["nothing leads from START; add graph.edge(START, first_node)"]


def test_a_node_without_edges_is_told_once():
    assert told("START>a a>END", alone="b") == [
        "node 'b' has no edges; lead one to it and one on from it, or remove it"
    ]


def test_what_cannot_be_reached_is_told_where_it_begins():
    assert told("START>a a>END x>y y>z z>END") == [
        "node 'x' cannot be reached from START, nor can 'y', 'z' behind it; lead an edge to it, or remove it"
    ]


def test_each_beginning_is_told():
    problems = told("START>a a>END x>z y>z z>END")
    assert [problem.split(" cannot")[0] for problem in problems] == ["node 'x'", "node 'y'"]


def test_a_loop_that_cannot_be_reached_is_told_once():
    assert told("START>a a>END x>y y<x y>END") == [
        "node 'x' cannot be reached from START, nor can 'y' behind it; lead an edge to it, or remove it"
    ]


def test_from_where_end_cannot_be_reached_is_told_where_it_stops():
    assert told("START>a a>b b>c a>END") == [
        "END cannot be reached from node 'c', nor from 'b' before it; lead it on with graph.edge(c, END), "
        "or declare may_stop=True if the run may end there"
    ]


def test_a_loop_without_a_way_out_is_told():
    (problem,) = told("START>a a>b b<a")
    assert problem.startswith("END cannot be reached from node 'a', nor from 'b' before it")


def test_a_node_that_may_stop_need_not_reach_end():
    assert told("START>a a>b a>END", stops="b") == []
    assert told("START>a a>b", stops="b") == []


def test_a_node_with_error_edges_only_leads_nowhere_when_it_succeeds():
    assert told("START>a a>b! b>END") == [
        "node 'a' leads nowhere when it succeeds: it has error edges only; add graph.edge(a, ...)"
    ]
    assert told("START>a a>b! b>END", stops="a") == []


def test_edges_into_start_and_out_of_end_and_to_unknown_nodes_are_left_to_others():
    definition = graph("START>a a>END a>START END>a")
    stranger = definition._replace(edges=(*definition.edges, EdgeSpec("a", "ghost"), EdgeSpec("ghost", "a")))
    assert examine(stranger).problems == ()


def test_where_edges_are_missing_is_noted():
    ends = examine(graph("START>a a>END x>y y<x y>z z>a a>s s>t t<s START>e e>a!")).ends
    assert ends.lost == {"x", "y", "z"}
    assert ends.entries == ({"x", "y"},)
    assert set(ends.exits) == {frozenset("st"), frozenset("e")}
    assert not examine(graph("START>a a>END")).ends


@pytest.mark.parametrize("text", ["START>a a>END b<a b>END", "START>a START>b a>c b<a b>END"])
def test_a_feedback_edge_that_an_edge_which_is_missing_would_give_a_loop_is_not_told(text):
    assert not any("closes no loop" in problem for problem in told(text))


@pytest.mark.parametrize(
    "text",
    [
        "START>a START>b a<b a>c b>c c>END c>s",  # behind both
        "START>a START>b a<b a>END b>END x>END",  # beside both
        "START>a x>b b<a x>a a>END b>END",  # in front of both
    ],
)
def test_a_feedback_edge_that_closes_no_loop_whatever_else_is_missing_is_told(text):
    assert sum("closes no loop" in problem for problem in told(text)) == 1
