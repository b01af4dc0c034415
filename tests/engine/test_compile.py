"""What compiling makes of a graph, all problems at once, and the digest that a run is bound to."""

import os
import runpy
import subprocess
import sys
import textwrap
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.definition import EdgeSpec
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.engine.state.reducers import append, extend

from .building import problem_of, problems_of
from .sizes import examples


class State(BaseModel):
    spec: str
    code: str
    mood: Literal["good", "bad"] = "good"
    notes: Annotated[list[str], extend] = []


def small(state=State, **options):
    """The repair loop in small; options go to its first node."""
    graph = Graph(state)
    coder = graph.node(lambda spec, notes: "", **{"name": "coder", "writes": "code", **options})
    checker = graph.node(lambda code: [], name="checker", writes="notes")
    handler = graph.node(lambda: None, name="handler")
    graph.chain(START, coder, checker)
    graph.feedback(checker, coder, limit=3, when=lambda notes: bool(notes), otherwise=handler)
    graph.edge(checker, END, when=lambda notes: not notes)
    graph.on_error(coder, handler, error=ValueError)
    graph.on_error(coder, handler)
    graph.edge(handler, END)
    return graph


# --------------------------------------------------------------------------- all at once


def test_every_kind_of_problem_is_told_at_once():
    class Broken(State):
        thing: object = None

    graph = Graph(Broken, resources={"code": object})

    def returns_int(spec) -> int: ...
    def wants_int(spec: int): ...

    a = graph.node(returns_int, name="a", writes="code")
    b = graph.node(wants_int, name="b")
    c = graph.node(lambda mystery: 0, name="c", writes=("nowhere",), timeout=-1)
    lost, stuck = graph.node(lambda: 0, name="lost"), graph.node(lambda: 0, name="stuck")
    d = graph.node(lambda: "good", name="d", writes="mood")
    graph.node(lambda: 0, name="b2")
    graph.node(lambda: 0, name="b2")
    graph.edge(START, a, when=lambda spec: True)
    graph.edge(START, b)
    graph.chain(a, c, b, d)
    graph.edge(c, a)
    graph.edge(b, stuck, when=5)
    graph.edge(lost, END)
    graph.feedback(c, d, limit=None)
    graph.switch(d, {"good": END})
    graph.edge(b, END, when=lambda code: True)
    problems = problems_of(graph)
    for part in [
        "two nodes are called 'b2'",
        "field 'thing' of Broken",
        "resource 'code' is called like a field",
        "node 'a' returns int, but field 'code' takes str",
        "node 'b': parameter 'spec' is annotated int, but the field is str",
        "node 'c': parameter 'mystery' is neither a field nor a resource",
        "node 'c' writes 'nowhere'",
        "node 'c': timeout= wants",
        "the condition of edge b->stuck: when= wants a function",
        "feedback edge c->d has neither a condition nor a limit",
        "switch at 'd' does not cover 'bad'",
        "edges go round in a cycle: a -> c -> a; declare c -> a",
        "feedback edge c->d closes no loop",
        "node 'lost' cannot be reached from START",
        "END cannot be reached from node 'stuck'",
        "node 'b2' has no edges",
    ]:
        assert sum(part in told for told in problems) == 1, part
    assert len(problems) == 16


def test_the_error_counts_and_numbers_its_problems():
    graph = Graph(State)
    graph.node(lambda: 0, name="a")
    graph.edge(START, END, when=5)
    with pytest.raises(GraphError) as caught:
        graph.compile()
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 problems in the graph:"
    assert [line[:5] for line in lines[1:]] == ["  1. ", "  2. "]
    assert "1 problem in the graph:" in str(GraphError(["x"]))


def test_an_empty_graph_says_how_to_begin():
    assert problem_of(Graph(State)) == "nothing leads from START; add graph.edge(START, first_node)"


def test_of_a_tangled_graph_as_many_cycles_are_told_as_one_can_read():
    graph = Graph(State)
    nodes = [graph.node(lambda: 0, name=f"n{n}") for n in range(8)]
    graph.edge(START, nodes[0])
    for one in nodes:
        graph.edge(one, END)
        for other in nodes:
            graph.edge(one, other)
    problems = problems_of(graph)
    assert len(problems) == 11
    assert problems[-1] == "there are more cycles behind these: declare these first"


def test_a_graph_may_lead_from_start_to_end():
    graph = Graph(State)
    graph.edge(START, END)
    assert set(graph.compile().inputs) == {"spec", "code"}


def test_the_state_may_refer_to_itself_and_be_defined_anywhere():
    class Local(BaseModel):
        name: str
        parent: "Local | None" = None

    graph = Graph(Local)
    graph.chain(START, graph.node(lambda name, parent: None, name="f"), END)
    graph.compile()


def test_a_state_that_refers_to_what_is_not_there_is_told():
    class Dangling(BaseModel):
        other: "Nowhere"  # noqa: F821 - that is the case

    graph = Graph(Dangling)
    graph.chain(START, graph.node(lambda other: None, name="f", writes="other"), END)
    assert "Dangling refers to a name that is not defined" in problem_of(graph)


# --------------------------------------------------------------------------- what comes out


def test_a_compiled_graph_names_ways_handlers_limits_and_conditions():
    compiled = small().compile().graph
    node = {each.name: each for each in compiled.nodes}
    edge = compiled.plan.edge_number
    assert node["coder"].ways == (edge["coder->checker"],)
    assert node["coder"].error_ways == (edge["coder->handler!ValueError"], edge["coder->handler!Exception"])
    assert node["coder"].always == node["coder"].ways
    assert set(node["checker"].ways) == {edge["checker->coder"], edge["checker->END"]}
    assert node["checker"].always is None
    assert compiled.limits == {edge["checker->coder"]: 3}
    assert compiled.otherwise == {edge["checker->coder"]: edge["checker->handler!limit:coder"]}
    assert compiled.conditions[edge["checker->END"]].reads == {"notes"}
    assert compiled.conditions[edge["START->coder"]] is None
    assert node["coder"].binding.reads == {"spec", "notes"}
    assert (node["START"].spec, node["START"].binding) == (None, None)
    assert compiled.nodes[compiled.start].name == "START"
    assert compiled.nodes[compiled.end].name == "END"
    assert compiled.inputs == ("spec",)
    assert [each.id for each in compiled.edges] == [each.id for each in compiled.plan.edges]


def test_a_flow_does_not_change_with_the_graph():
    graph = small()
    flow = graph.compile()
    before = flow.graph.digest
    extra = graph.node(lambda: 0, name="extra")
    graph.edge(extra, END)
    graph.edge(START, extra)
    assert flow.graph.digest == before
    assert graph.compile().graph.digest != before


# --------------------------------------------------------------------------- the digest


def digest(graph) -> str:
    return graph.compile().graph.digest


class Renamed(State):
    pass


class OtherType(State):
    mood: Literal["good", "bad", "ugly"] = "good"


class OtherReducer(State):
    notes: Annotated[list[str], append] = []


class OtherOrder(BaseModel):
    notes: Annotated[list[str], extend] = []
    mood: Literal["good", "bad"] = "good"
    code: str
    spec: str


class OneMore(State):
    more: int = 0


@pytest.mark.parametrize("changed", [OtherType, OneMore])
def test_the_digest_changes_with_the_fields(changed):
    assert digest(small(changed)) != digest(small())


def test_the_digest_changes_with_a_reducer():
    def made(state):
        graph = Graph(state)
        graph.chain(START, graph.node(lambda spec, code: None, name="f"), END)
        return digest(graph)

    assert made(OtherReducer) != made(State)


@pytest.mark.parametrize("same", [Renamed, OtherOrder])
def test_the_digest_does_not_change_with_the_states_name_or_the_order_of_its_fields(same):
    assert digest(small(same)) == digest(small())


@pytest.mark.parametrize("change", [{"version": "2"}, {"name": "writer"}, {"writes": ("code", "mood")}])
def test_the_digest_changes_with_a_nodes_name_version_and_writes(change):
    assert digest(small(**change)) != digest(small())


@pytest.mark.parametrize(
    "change", [{"timeout": 5.0}, {"inline": True}, {"concurrency": 2}, {"uses": "gpu"}, {"may_stop": True}]
)
def test_the_digest_does_not_change_with_how_a_node_is_run(change):
    assert digest(small(**change)) == digest(small())


def test_the_digest_does_not_change_with_limits_conditions_labels_and_code():
    graph = Graph(State, name="other", resources={"unused": object})

    async def coder(spec: str, notes: list[str]) -> str:
        return "something else"

    checker = graph.node(lambda code: ["x"], name="checker", writes="notes")
    handler = graph.node(lambda: None, name="handler")
    first = graph.node(coder, writes="code")
    graph.edge(handler, END)
    graph.on_error(first, handler)
    graph.on_error(first, handler, error=ValueError, label="bad")
    graph.edge(checker, END, when=lambda mood: True, label="fine")
    graph.feedback(checker, first, limit=99, otherwise=handler)
    graph.chain(START, first, checker)
    assert digest(graph) == digest(small())


@pytest.mark.parametrize("extra", ["edge", "feedback", "otherwise", "error"])
def test_the_digest_changes_with_every_sort_of_edge(extra):
    def made(*, sort):
        graph = Graph(State)
        one = graph.node(lambda spec, code: None, name="one")
        two = graph.node(lambda: None, name="two")
        graph.chain(START, one, two, END)
        if sort == "edge":
            graph.edge(one, END, when=lambda spec: True)
        elif sort == "feedback":
            graph.feedback(two, one, limit=1)
        elif sort == "otherwise":
            graph.feedback(two, one, limit=1, otherwise=END)
        elif sort == "error":
            graph.on_error(one, END)
        return digest(graph)

    sorts = ["plain", "edge", "feedback", "otherwise", "error"]
    assert len({made(sort=sort) for sort in sorts}) == 5
    assert made(sort=extra) != made(sort="plain")


def test_a_feedback_edge_is_not_the_ordinary_one():
    assert b'"checker->coder (feedback)"' in small().compile().graph.shape


def shuffled(edges, nodes) -> str:
    graph = Graph(State)
    made = {name: graph.node(lambda spec, code: None, name=name) for name in nodes}
    declare = [
        lambda: graph.edge(START, made["a"]),
        lambda: graph.edge(made["a"], made["b"]),
        lambda: graph.edge(made["b"], made["c"]),
        lambda: graph.edge(made["c"], END),
        lambda: graph.feedback(made["c"], made["a"], limit=1),
        lambda: graph.on_error(made["a"], made["c"]),
        lambda: graph.edge(made["a"], END, when=lambda spec: True),
    ]
    for number in edges:
        declare[number]()
    return digest(graph)


@settings(max_examples=examples(12), deadline=None)
@given(st.permutations(range(7)), st.permutations(["a", "b", "c"]))
def test_the_digest_does_not_depend_on_the_order_of_declarations(edges, nodes):
    assert shuffled(edges, nodes) == shuffled(range(7), ["a", "b", "c"])


PROGRAM = """
    import enum
    from typing import Annotated, Literal
    from pydantic import BaseModel
    from backedge import END, START, Graph, union, merge

    class Color(enum.Enum):
        RED = 1
        BLUE = 2

    class Report(BaseModel):
        passed: bool
        colors: frozenset[Color] = frozenset()

    class State(BaseModel):
        spec: str
        report: Report
        tags: Annotated[set[str], union] = {"x", "y", "z"}
        by_name: Annotated[dict[str, int], merge] = {}
        mood: Literal["good", "bad"] | None = None
        one: int = 1
        two: int = 2
        three: int = 3

    graph = Graph(State)
    written = {"tags", "by_name", "mood", "one", "two", "three"}
    nodes = [graph.node(lambda spec: {}, name=f"n{n}", writes=written) for n in range(9)]
    last = graph.node(lambda: Report(passed=True), name="last", writes="report")
    graph.chain(START, *nodes, last, END)
    graph.feedback(nodes[5], nodes[2], limit=3)
    compiled = graph.compile().graph
    print(compiled.digest, compiled.shape.decode())
"""


def test_the_digest_is_the_same_in_every_process(tmp_path, capsys):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    there = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    runpy.run_path(str(program))
    assert capsys.readouterr().out == there
    assert program.name not in there


# --------------------------------------------------------------------------- large graphs


def test_a_chain_of_two_thousand_nodes_compiles():
    graph = Graph(State)
    nodes = [graph.node(lambda spec, notes: "", name=f"n{n}", writes="code") for n in range(2000)]
    graph.chain(START, *nodes, END)
    assert len(graph.compile().graph.nodes) == 2002


def test_a_loop_of_a_thousand_nodes_and_a_wide_fan_out_compile():
    graph = Graph(State)
    fan = [graph.node(lambda spec: [], name=f"f{n}", writes="notes") for n in range(300)]
    join = graph.node(lambda notes: "", name="join", writes="code")
    ring = [graph.node(lambda code: "", name=f"r{n}", writes="code") for n in range(1000)]
    for node in fan:
        graph.chain(START, node, join)
    graph.chain(join, *ring, END)
    graph.feedback(ring[-1], ring[0], limit=2)
    compiled = graph.compile().graph
    assert len(compiled.plan.loops["r0"].body) == 1000
    assert compiled.inputs == ("spec",)


def test_the_work_per_edge_does_not_grow_with_the_graph(monkeypatch):
    asked = 0
    plain = EdgeSpec.id

    def counted(edge):
        nonlocal asked
        asked += 1
        return plain.fget(edge)

    def compiled(width):
        nonlocal asked
        graph = Graph(State)
        for number in range(width):
            graph.chain(START, graph.node(lambda spec: [], name=f"n{number}", writes="notes"), END)
        asked = 0
        graph.compile()
        return asked / width

    monkeypatch.setattr(EdgeSpec, "id", property(counted))
    assert compiled(200) < 1.5 * compiled(50)


def test_what_is_likely_not_meant_is_a_warning_where_compile_is_called():
    graph = Graph(State)
    for name in "ab":
        graph.chain(START, graph.node(lambda: "", name=name, writes="code"), END)
    with pytest.warns(BackedgeWarning) as caught:
        flow = graph.compile()
    assert caught[0].filename == __file__
    assert flow.warnings == flow.graph.warnings == (str(caught[0].message),)
