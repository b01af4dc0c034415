"""Definite assignment: checked on graphs one can read, and against thousands of random runs of random graphs."""

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.engine.compiler.assignment import Read, concurrent_writes, inputs_of, unset_reads
from backedge.engine.definition import Definition, EdgeSpec, NodeSpec

from .oracle import END, START, find_loops
from .oracle import Edge as OracleEdge
from .oracle import Graph as OracleGraph
from .roaming import PLAIN, Oops, State, World, maybe, roam, worlds
from .sizes import examples

X = frozenset({"x"})
RUNS = 25


def world(text: str, *, writers: str = "", stops: str = "", limits: str = "") -> World:
    """Read `"START>a? a>b! b<a"`: `?` is a condition, `!` an error edge, `<` a feedback edge from left to right."""
    edges = []
    for word in text.split():
        source, target = word.rstrip("?!").replace("<", ">").split(">")
        feedback = "<" in word
        edge = EdgeSpec(
            source,
            target,
            maybe if "?" in word else None,
            feedback=feedback,
            limit=3 if feedback else None,
            error=Oops if "!" in word else None,
        )
        edges.append(edge)
        if feedback and limits:
            edges.append(EdgeSpec(source, limits, instead_of=edge.id))
    names = dict.fromkeys(end for edge in edges for end in (edge.source, edge.target))
    nodes = {
        name: NodeSpec(name, maybe, "x" if name in writers else (), may_stop=name in stops)
        for name in names
        if name not in (START, END)
    }
    return World(Definition("world", State, {}, nodes, tuple(edges)))


def unset(its: World, *, after: bool = False) -> dict[str, list[str]]:
    """The nodes that may find x unset, each with the way that is told."""
    reads = [Read(node, after, "x", "") for node in range(len(its.plan.nodes))]
    return {
        its.name(read.node): [its.name(node) for node in way]
        for read, way in unset_reads(its.traffic, reads, X)
    }


def early(its: World, *, after: bool = False) -> set[str]:
    """The nodes whose read of x makes it an input."""
    every = range(len(its.plan.nodes))
    return {
        its.name(node)
        for node in every
        if inputs_of(its.traffic, [Read(node, after, "x", "")], ["x"]) == ("x",)
    }


@pytest.mark.parametrize(
    ("text", "writers", "reader"),
    [
        ("START>a a>b b>END", "a", "b"),
        ("START>a START>b a>c b>c c>END", "a", "c"),  # a join waits for the branch that writes
        ("START>a START>b a>c b>d c>d d>END", "c", "d"),
        ("START>a? START>b? a>c b>c c>END", "ab", "c"),  # both ways write
        ("START>a START>b b>c? b>d? c>e d>e a>e e>END", "a", "e"),
        ("START>a START>b a>f b>c? b>d? c>f d>f f>END", "cd", "f"),  # whichever is taken beside
        ("START>h h>w w>e e<h? e>END?", "w", "e"),
        ("START>h h>w? h>v? w>e v>e e<h? e>END?", "wv", "e"),
        ("START>a START>h h>h2 h2<h? h2>e? a>e e>END", "a", "e"),  # the loop ends at last
        ("START>w START>h w>h h>r? h>END? r<h? r>END?", "w", "r"),  # set at the header, so in every round
        ("START>a a>b! a>c b>c c>END START>w w>c", "w", "c"),
        ("START>a a>b! a>c b>c c>END", "ab", "c"),
        ("START>h START>w h>r? w>g g>r? g>r2? r>END r2>END h>END?", "w", "g"),
        ("START>a START>w a>x w>x x>m? x>y? m>END y>END", "w", "m"),  # nothing beside m: set before it
    ],
)
def test_a_read_is_fine_when_somebody_is_bound_to_bring_the_field(text, writers, reader):
    its = world(text, writers=writers)
    assert reader not in unset(its)
    assert any(its.plan.number[reader] in roam(its, seed).ran for seed in range(RUNS))


@pytest.mark.parametrize(
    ("text", "writers", "reader", "way"),
    [
        ("START>a? START>b? a>c b>c c>END", "a", "c", "START b c"),
        ("START>a START>b? b>c a>c c>END", "b", "c", "START a c"),
        ("START>h h>r? h>w? w<h r>END", "w", "r", "START h r"),
        (
            "START>a a>b! a>c b>c c>END",
            "a",
            "c",
            "START a b c",
        ),  # an error edge brings what the node was given
        ("START>h h>r? h>w w>r? w<h? r<h? r>END?", "w", "r", "START h r"),  # w may go back instead of on to r
        ("START>w START>h w>r h>r? h<h? r<h? r>END?", "w", "r", "START h h r"),  # w comes in round 0 only
        ("START>s START>a s>w? a>r w>r r>END s>END?", "w", "r", "START a r"),
    ],
)
def test_a_read_that_some_run_reaches_unset_is_told_with_the_way(text, writers, reader, way):
    its = world(text, writers=writers)
    assert unset(its)[reader] == way.split()
    assert any(its.plan.number[reader] in roam(its, seed).unset for seed in range(300))


def test_a_branch_that_may_stop_is_not_bound_to_come():
    text = "START>a START>w w>v v>r? a>r r>END"
    assert "r" not in unset(world(text, writers="w"))
    assert unset(world(text, writers="w", stops="v"))["r"] == ["START", "a", "r"]


def test_what_is_taken_at_the_limit_is_a_way_on():
    text = "START>a START>h h>END? h<h{} a>r z>r r>END"
    assert "r" not in unset(world(text.format(""), writers="z", limits="z"))
    assert unset(world(text.format("?"), writers="z", limits="z"))["r"] == ["START", "a", "r"]


def test_a_loop_that_ends_by_its_limit_is_bound_to_go_only_where_the_limit_leads():
    text = "START>a START>h h>w? h<h w>r a>r z>END r>END"
    assert unset(world(text, writers="w", limits="z"))["r"] == ["START", "a", "r"]


def test_a_loop_that_never_ends_brings_nothing_to_where_it_does_not_lead():
    its = world("START>a START>b a>END b>END a<a", writers="a")
    assert set(unset(its)) == {START, "a", "b"}


def test_a_condition_sees_what_its_node_wrote_but_the_node_does_not():
    its = world("START>a a>b? a>c? b>END c>END", writers="a")
    assert set(unset(its)) == {START, "a"}
    assert set(unset(its, after=True)) == {START}


def test_several_writes_of_which_some_may_be_left_out_are_not_sure():
    its = world("START>a a>b b>END", writers="a")
    its.traffic = replace(its.traffic, writes=[frozenset()] * len(its.plan.nodes))
    assert "b" in unset(its)
    assert early(its) == {START, "a"}  # but written it may be: so it is no input


def test_fields_that_are_not_asked_for_are_not_told():
    its = world("START>a a>END")
    assert list(unset_reads(its.traffic, [Read(1, False, "y", "")], X)) == []


def test_the_way_told_goes_through_as_many_rounds_as_it_takes():
    text = "START>a START>w w>d a>a2 a2>d? a2<a? d<a? d>c? c>d2 a2>d2? d2<a? d2>END?"
    its = world(text, writers="w")
    for reader, way in unset(its).items():
        assert way[0] == START
        assert way[-1] == reader
        assert all(any(e.source == s and e.target == t for e in its.edges) for s, t in pairwise(way))


# --------------------------------------------------------------------------- inputs


def test_a_field_that_nobody_writes_is_an_input_even_if_nobody_reads_it():
    its = world("START>a a>END")
    assert inputs_of(its.traffic, [], ["x", "y"]) == ("x", "y")


@pytest.mark.parametrize(
    ("text", "writers", "readers"),
    [
        ("START>a a>b b>END", "a", {START, "a"}),
        ("START>a a>b b>END", "b", {START, "a", "b"}),
        ("START>h h>w w<h? w>END?", "w", {START, "h", "w"}),  # in round 0 nobody has written it
        ("START>h h>r? h>w? w<h r>END", "w", {START, "h", "w"}),  # but for r the loop may have been through w
        ("START>h h>a? h>END? a>b b<a? b<h? b>c? c<h", "c", {START, "h", "a", "b", "c"}),
        ("START>h h>a a>b b<a? b>c c<h? c>END?", "b", {START, "h", "a", "b"}),
    ],
)
def test_a_field_is_an_input_when_it_is_read_before_anybody_can_have_written_it(text, writers, readers):
    assert early(world(text, writers=writers)) == readers


def test_a_condition_of_the_writer_does_not_make_its_field_an_input():
    assert "a" not in early(world("START>a a>b? a>END? b>END", writers="a"), after=True)


# --------------------------------------------------------------------------- concurrent writes


@pytest.mark.parametrize(
    ("text", "writers"),
    [
        ("START>a START>b a>c b>c c>END", "ab"),
        ("START>a START>b a>END b>END", "ab"),  # END is a join like any other
        ("START>a START>b b>c c>END a>END", "ac"),
        ("START>a a>b a>c b>d? b>e? d>f e>f c>f f>END", "fcb"),
        ("START>h h>a h>b a>e b>e e<h? e>END?", "ab"),
    ],
)
def test_branches_that_are_bound_to_write_the_same_plain_field_are_told(text, writers):
    its = world(text, writers=writers)
    (told,) = concurrent_writes(its.traffic, X)
    assert told[0] == "x"
    assert len(told[1]) == 2
    assert all(its.name(node) in writers for node in told[1])
    assert any(roam(its, seed, PLAIN).conflict for seed in range(RUNS))


@pytest.mark.parametrize(
    ("text", "writers"),
    [
        ("START>a a>b b>END", "ab"),
        ("START>a? START>b? a>c b>c c>END", "ab"),  # either or both, that is open
        ("START>a START>b? a>c b>c c>END", "ab"),
        ("START>h h>w w<h? w>END?", "hw"),
        ("START>a a>b! a>c b>c c>END", "ab"),  # who handles the error writes in its place
        ("START>a START>b a>b b>END", "ab"),
        ("START>a START>b a>c b>c c>END", "a"),
        ("START>h START>w h>h2 h2<h? h2>e? w>e e>END", "h"),
        ("START>a a>b? a>c? b>d c>d d>END", "abcd"),
        ("START>a START>h h>b b<h? b>e? a>e e>END", "e"),
        ("START>a START>b START>c? a<a a>END b>END c>END", "bc"),
    ],
)
def test_nothing_is_told_of_graphs_whose_writes_follow_or_exclude_each_other(text, writers):
    assert list(concurrent_writes(world(text, writers=writers).traffic, X)) == []


def test_writers_that_never_meet_are_not_told():
    text = "START>a START>b a>c? b>d? c>END? d>END?"
    assert list(concurrent_writes(world(text, writers="ab").traffic, X))
    assert list(concurrent_writes(world(text, writers="ab", stops="abcd").traffic, X)) == []


def test_of_many_writers_all_are_told_at_once():
    names = [f"w{n}" for n in range(20)]
    text = " ".join(f"START>{name} {name}>END" for name in names)
    (told,) = concurrent_writes(world(text, writers=names).traffic, X)
    assert len(told[1]) == 20


# --------------------------------------------------------------------------- against random runs


@settings(max_examples=examples(15), deadline=None)
@given(worlds(), st.integers(0, 10**6))
def test_no_run_finds_a_field_unset_that_is_called_set(definition, seed):
    its = World(definition)
    told, told_after = set(unset(its)), set(unset(its, after=True))
    for each in range(seed, seed + RUNS):
        seen = roam(its, each)
        assert {its.name(node) for node in seen.unset} <= told
        assert {its.name(node) for node in seen.unset_after} <= told_after


@settings(max_examples=examples(12), deadline=None)
@given(worlds(), st.integers(0, 10**6))
def test_no_run_finds_a_field_set_in_round_0_that_is_called_an_input(definition, seed):
    its = World(definition)
    told = early(its)
    for each in range(seed, seed + RUNS):
        assert not {its.name(node) for node in roam(its, each).early} & told


@settings(max_examples=examples(12), deadline=None)
@given(worlds())
def test_what_can_lead_to_what_in_the_same_rounds_is_what_is_left_without_the_loops_own_feedback(definition):
    its = World(definition)
    forest = find_loops(
        OracleGraph(
            its.plan.nodes, tuple(OracleEdge(e.id, e.source, e.target, e.feedback) for e in its.edges)
        )
    )
    for goal in its.plan.nodes:
        around = [forest.headers[loop] for loop in forest.nest[goal]]
        left = [
            (e.source, e.target)
            for e in its.edges
            if not (e.feedback and any(e.target in headers for headers in around))
        ]
        graph = nx.DiGraph()
        graph.add_edges_from(left)
        graph.add_node(goal)
        before = {
            its.name(n) for n, mask in enumerate(its.traffic.after) if mask >> its.plan.number[goal] & 1
        }
        assert before == nx.ancestors(graph, goal)


def test_hardly_a_read_is_told_that_no_run_reaches_unset():
    """A few are: what conditions have to do with each other is not known, and not every run is tried."""
    told = alarms = 0

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(worlds(most=6))
    def count(definition):
        nonlocal told, alarms
        its = World(definition)
        left = set(unset(its)) - {START}
        told += len(left)
        for seed in range(400):
            if not left:
                break
            left -= {its.name(node) for node in roam(its, seed).unset}
        alarms += len(left)

    count()
    assert told > 50
    assert alarms <= told * 0.03


@settings(max_examples=examples(15), deadline=None)
@given(worlds(loops=False, errors=False), st.integers(0, 10**6))
def test_in_a_run_without_a_conflict_no_two_writers_ran_that_were_told(definition, seed):
    its = World(definition)
    told = [writers for _, writers in concurrent_writes(its.traffic, X)]
    for each in range(seed, seed + 10):
        seen = roam(its, each, PLAIN)
        if told and seen.over and not seen.conflict:
            assert not set(told[0]) <= seen.ran
