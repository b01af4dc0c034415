"""Reads of unset fields in graphs that have other problems as well."""

from typing import Literal, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.compiler.assignment import Read, unset_reads
from backedge.engine.compiler.checks import Bindings
from backedge.engine.compiler.dataflow import traffic_of
from backedge.engine.compiler.flat import flat
from backedge.engine.compiler.mending import Mending
from backedge.engine.compiler.structure import examine
from backedge.engine.graph import END, START, Graph
from backedge.engine.plan import Plan

from .building import problem_of, problems_of
from .roaming import worlds
from .sizes import examples


def unset(definition, *, mend=True):
    """The nodes of which it is told that they may find x unset, be the graph as it may."""
    shape = examine(definition)
    plan = Plan(shape.links, shape.forest)
    traffic = traffic_of(flat(definition), plan, Bindings({}, {}))
    mending = Mending(plan, shape.ends)
    reads = mending.reached([Read(node, False, "x", "") for node in range(len(plan.nodes))])
    found = unset_reads(traffic, reads, frozenset({"x"}), mending if mend and shape.ends else None)
    return {plan.nodes[read.node] for read, _ in found}


def without(definition, edge):
    gone = {edge.id}
    return definition._replace(
        edges=tuple(e for e in definition.edges if e.id not in gone and e.instead_of not in gone)
    )


def shown(definition):
    """A graph in a line, for falsifying examples."""
    kinds = [(e.id + ("?" if e.when else "") + ("<" if e.feedback else "")) for e in definition.edges]
    writers = [n for n, s in definition.nodes.items() if s.writes]
    stops = [n for n, s in definition.nodes.items() if s.may_stop]
    return f"{' '.join(kinds)} writers={''.join(writers)} stops={''.join(stops)}"


def behind(definition, name):
    """The node and those that edges of any sort lead to from it."""
    seen = [name]
    for each in seen:
        seen += [e.target for e in definition.edges if e.source == each and e.target not in seen]
    return set(seen)


def starting(definition):
    """The nodes that some way starts: those that would find unset what nobody writes."""
    nodes = {name: spec._replace(writes=()) for name, spec in definition.nodes.items()}
    return unset(definition._replace(nodes=nodes))


@settings(max_examples=examples(20), deadline=None)
@given(worlds(), st.data())
def test_an_edge_that_is_missing_makes_nobody_read_what_is_unset(definition, data):
    edge = data.draw(st.sampled_from(definition.edges))
    broken = without(definition, edge)
    ends = examine(broken).ends
    writers = {name for name, spec in definition.nodes.items() if spec.writes}
    if edge.target in ends.lost or (ends and not behind(definition, edge.target) & writers):
        told = unset(broken) & starting(
            definition
        )  # who waits for a loop that only ends in an error reads nothing
        assert told <= unset(definition), f"{shown(definition)} without {edge.id}"


# --------------------------------------------------------------------------- graphs one can read


class Flow(BaseModel):
    goal: str
    spec: str = ""
    code: str
    mood: Literal["good", "bad"] = "good"
    size: int = 0


class Made:
    """START leads to `skip`, and on a condition to `write`, which writes the code; both lead to `read`, on to END."""

    def __init__(self, **options):
        self.graph = graph = Graph(Flow, resources=options.pop("resources", None))
        self.skip = graph.node(lambda: None, name="skip")
        self.write = graph.node(lambda: "", name="write", writes="code")
        self.read = graph.node(lambda code: None, name="read")
        graph.chain(START, self.skip, self.read, END)
        graph.edge(START, self.write, when=lambda spec: bool(spec))
        graph.edge(self.write, self.read)

    def other(self, function=lambda: None, name="other", **options):
        return self.graph.node(function, name=name, **options)

    @property
    def told(self):
        """Whether the read is told; something else must be."""
        found = [
            problem.startswith("node 'read' reads 'code', which may be unset")
            for problem in problems_of(self.graph)
        ]
        assert not all(found)
        assert sum(found) < 2
        return any(found)


def test_the_graph_of_these_tests_has_one_read_that_is_unset():
    assert problem_of(Made().graph).startswith("node 'read' reads 'code', which may be unset")


def test_a_read_is_told_beside_what_does_not_touch_it():
    made = Made()
    made.graph.edge(made.other(), END)
    made.graph.edge(made.read, made.other(name="stuck"))
    made.graph.edge(made.read, made.skip)
    assert made.told
    assert len(problems_of(made.graph)) == 4


def test_what_a_lost_node_writes_may_be_what_is_unset():
    made = Made()
    made.graph.edge(made.other(lambda: "", writes="code"), made.read)
    assert not made.told


def test_what_a_lost_node_writes_is_nothing_to_those_it_does_not_lead_to():
    made = Made()
    made.graph.edge(made.other(lambda: "", writes="code"), END)
    assert made.told


def test_what_comes_to_a_lost_node_may_be_what_is_unset():
    made = Made()
    made.graph.chain(START, made.other(lambda: "", name="before", writes="code"), END)
    made.graph.edge(made.other(), made.read)
    assert not made.told


def test_what_comes_to_a_lost_node_is_not_more_than_what_there_is():
    made = Made()
    made.graph.edge(made.other(), made.read)
    assert made.told


def test_a_lost_node_is_not_taken_to_bring_what_comes_from_those_it_leads_to():
    made = Made()
    made.graph.edge(made.other(), made.skip)
    assert made.told


def test_what_a_node_without_edges_writes_may_be_what_is_unset():
    made = Made()
    made.other(lambda: "", writes="code")
    assert not made.told


def test_what_a_lost_node_reads_first_may_be_an_input():
    made = Made()
    made.graph.edge(made.other(lambda code: None), END)
    assert not made.told


def test_what_a_lost_node_reads_after_another_has_written_it_is_no_input():
    made = Made()
    before = made.other(lambda: "", name="before", writes="code")
    made.graph.chain(before, made.other(lambda code: None), END)
    assert made.told


def test_what_only_lost_nodes_write_may_be_an_input():
    graph = Graph(Flow)
    graph.chain(START, graph.node(lambda code: None, name="read"), END)
    graph.edge(graph.node(lambda: "", name="lost", writes="code"), END)
    assert "cannot be reached" in problem_of(graph)


def test_what_lost_nodes_may_write_or_not_may_be_an_input():
    graph = Graph(Flow)
    read, lost = graph.node(lambda code: None, name="read"), graph.node(lambda: None, name="lost")
    graph.chain(START, read, END)
    graph.edge(
        lost, write := graph.node(lambda: "", name="write", writes="code"), when=lambda spec: bool(spec)
    )
    graph.edge(lost, read)
    graph.edge(write, read)
    assert "'lost' cannot be reached" in problem_of(graph)


@pytest.mark.parametrize(
    "name", ["before", "zero"]
)  # in front of the reader in the graph's order, and behind it
def test_what_a_node_that_gets_stuck_has_written_may_be_what_is_unset(name):
    made = Made()
    made.graph.chain(START, made.other(lambda: "", "before", writes="code"), made.other(name=name))
    assert not made.told


def test_a_node_that_gets_stuck_behind_the_reader_brings_it_nothing():
    made = Made()
    made.graph.edge(made.read, made.other(lambda: "", writes="code"))
    assert made.told


def test_a_node_that_gets_stuck_on_some_ways_only_brings_nothing_on_others():
    made = Made()
    made.graph.edge(START, made.other(lambda: "", writes="code"), when=lambda spec: not spec)
    assert made.told


def test_a_loop_that_a_run_cannot_leave_needs_an_edge_on_not_one_inside():
    graph = Graph(Flow)
    head, write = graph.node(lambda: None, name="head"), graph.node(lambda: "", name="write", writes="code")
    read = graph.node(lambda code: None, name="read")
    other = graph.node(lambda: "", name="other", writes="code")
    graph.edge(START, head)
    graph.edge(head, write)
    graph.edge(head, read)
    graph.edge(head, other, when=lambda spec: bool(spec))
    graph.edge(other, read)
    graph.feedback(write, head, limit=1, when=lambda spec: bool(spec))
    graph.feedback(read, head, limit=1, when=lambda spec: bool(spec))
    problems = problems_of(graph)
    assert len(problems) == 2
    assert problems[0].startswith("END cannot be reached from node 'head'")
    assert problems[1].startswith("node 'read' reads 'code', which may be unset")


def test_a_node_that_gets_stuck_in_a_loop_may_have_been_meant_to_go_round():
    graph = Graph(Flow)
    fix, check = (graph.node(lambda: "", name=name, writes="code") for name in ("fix", "check"))
    read = graph.node(lambda code: None, name="read")
    graph.edge(START, fix)
    graph.chain(START, graph.node(lambda: None, name="skip"), read, END)
    graph.edge(START, check, when=lambda spec: bool(spec))
    graph.edge(check, read)
    graph.feedback(read, fix, limit=1, when=lambda spec: bool(spec))
    assert problem_of(graph).startswith("END cannot be reached from node 'fix'")


# --------------------------------------------------------------------------- what is meant


class More(TypedDict):
    code: str
    size: int


def returning(kind):
    def node(): ...

    node.__annotations__["return"] = kind
    return node


@pytest.mark.parametrize(
    ("kind", "writes"),
    [
        (str, "cod"),
        (str, "mystery"),
        (str, ()),
        (str, "size"),
        (More, ("size",)),
        (More, ("cod", "size")),
    ],
)
def test_what_a_node_may_be_meant_to_write_may_be_what_is_unset(kind, writes):
    made = Made()
    made.graph.chain(START, made.other(returning(kind), writes=writes), made.read)
    assert not made.told


@pytest.mark.parametrize(
    ("kind", "writes"), [(int, "spec"), (str, "siz"), (int, ()), (None, "mood"), (int, ("size", "spec"))]
)
def test_what_a_node_cannot_be_meant_to_write_stays_unset(kind, writes):
    made = Made()
    made.graph.chain(START, made.other(returning(kind or dict), writes=writes), made.read)
    assert made.told


def test_a_misspelt_parameter_may_be_meant_to_make_its_field_an_input():
    made = Made()
    made.graph.chain(START, made.other(lambda cod: None), END)
    assert not made.told


def test_a_misspelt_parameter_of_a_condition_may_be_meant_to_make_its_field_an_input():
    made = Made()
    made.graph.edge(START, END, when=lambda cod: bool(cod))
    assert not made.told


def test_a_parameter_that_is_like_no_field_makes_none_an_input():
    made = Made()
    made.graph.chain(START, made.other(lambda mystery: None), END)
    assert made.told


def test_a_parameter_that_is_a_field_and_a_resource_may_be_meant_to_make_the_field_an_input():
    made = Made(resources={"code": int})
    made.graph.chain(START, made.other(lambda code: None), END)
    assert len(problems_of(made.graph)) == 1


def switched(cases, on="mood"):
    """The code is written in every case there is, while a node beside leads to the reader."""
    graph = Graph(Flow)
    read = graph.node(lambda code: None, name="read")
    graph.chain(START, graph.node(lambda: None, name="beside"), read, END)
    targets = {case: graph.node(lambda: "", name=case, writes="code") for case in cases}
    graph.switch(START, targets, on=on)
    for target in targets.values():
        graph.edge(target, read)
    return graph


@pytest.mark.parametrize("on", ["mood", "nothing"])
def test_a_switch_that_does_not_cover_its_field_is_sure_to_go_somewhere_when_it_is_mended(on):
    assert problem_of(switched(["good"], on)).startswith("switch at 'START'")


def test_a_feedback_edge_that_lacks_a_condition_is_not_sure_to_be_taken():
    made = Made()
    made.graph.feedback(made.skip, made.skip, limit=None)
    assert made.told


# --------------------------------------------------------------------------- two of one name


def test_what_is_wrong_with_the_second_of_two_nodes_with_one_name_is_told_and_with_the_first():
    graph = Graph(Flow)
    one = graph.node(lambda mystery: None, name="one")
    other = graph.node(lambda riddle: None, name="one", timeout=-1)
    graph.chain(START, one, other, END)
    problems = problems_of(graph)
    assert problems[0].startswith("two nodes are called 'one': ")
    assert problems[0].endswith("here they are told apart as 'one', 'one#2'")
    assert [problem[:40] for problem in problems[1:]] == [
        "node 'one': parameter 'mystery' is neith",
        "node 'one#2': parameter 'riddle' is neit",
        "node 'one#2': timeout= wants a number of",
    ]


@pytest.mark.parametrize("swap", [False, True])
def test_what_is_wrong_with_the_second_of_two_edges_is_told_and_with_the_first(swap):
    graph = Graph(Flow)
    conditions = [lambda mystery: True, lambda riddle: True]
    for when in reversed(conditions) if swap else conditions:
        graph.edge(START, END, when=when)
    problems = problems_of(graph)
    assert problems[0].startswith("edge START->END is declared twice, differently: ")
    assert problems[0].endswith("here they are told apart as START->END, START->END!2")
    names = ["riddle", "mystery"] if swap else ["mystery", "riddle"]
    assert [problem[: problem.index(" is neither")] for problem in problems[1:]] == [
        f"the condition of edge START->END: parameter {names[0]!r}",
        f"the condition of edge START->END!2: parameter {names[1]!r}",
    ]


def test_the_first_of_two_edges_that_is_taken_always_is_sure_to_be_taken():
    made = Made()
    made.graph.edge(START, made.write)
    assert "declared twice" in problem_of(made.graph)


def test_an_edge_declared_both_ways_is_told_neither_as_a_cycle_nor_as_closing_no_loop():
    graph = Graph(Flow)
    one, two = graph.node(lambda: None, name="one"), graph.node(lambda: None, name="two")
    graph.chain(START, one, two, END)
    graph.edge(two, one)
    graph.feedback(two, one, limit=1)
    graph.feedback(one, two, limit=1)
    problems = problems_of(graph)
    assert ["is declared twice, differently" in problem for problem in problems] == [True, True]
