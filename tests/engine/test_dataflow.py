"""From a definition to the analysis, and from its findings to sentences."""

import warnings
from typing import Annotated, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.graph import END, START, Graph
from backedge.engine.state.reducers import extend

from .building import problem_of, problems_of


class State(BaseModel):
    spec: str
    code: str
    report: str
    mood: Literal["good", "bad"]
    notes: Annotated[list[str], extend] = []


@pytest.fixture
def graph():
    return Graph(State)


def writer(graph, field, name=None):
    return graph.node(lambda: "x", name=name or f"write_{field}", writes=field)


def reader(graph, field):
    return graph.node(eval(f"lambda {field}: None"), name=f"read_{field}")


def test_a_read_that_some_path_reaches_unset_is_told_with_the_path(graph):
    write, read = writer(graph, "code"), reader(graph, "code")
    skip = graph.node(lambda spec: None, name="skip")
    graph.edge(START, write, when=lambda spec: True)
    graph.edge(START, skip, when=lambda spec: False)
    graph.chain(write, read, END)
    graph.edge(skip, read)
    assert problem_of(graph) == (
        "node 'read_code' reads 'code', which may be unset: nobody is sure to write it on the way "
        "START -> skip -> read_code; write it there, or give the field a default"
    )


def test_a_condition_that_reads_unset_is_told(graph):
    write, skip = writer(graph, "code"), graph.node(lambda: None, name="skip")
    graph.edge(START, write, when=lambda spec: True)
    graph.edge(START, skip, when=lambda spec: False)
    graph.edge(write, skip)
    graph.edge(skip, END, when=lambda code: True)
    assert problem_of(graph).startswith("the condition of edge skip->END reads 'code', which may be unset")


def test_a_switch_that_reads_unset_is_told(graph):
    write, skip = writer(graph, "mood"), graph.node(lambda: None, name="skip")
    graph.edge(START, write, when=lambda spec: True)
    graph.edge(START, skip, when=lambda spec: False)
    graph.edge(write, skip)
    graph.switch(skip, {"good": END}, on="mood", default=END)
    assert problem_of(graph).startswith("the condition of edge skip->END reads 'mood', which may be unset")


def test_who_may_leave_a_field_out_is_named(graph):
    class Out(TypedDict):
        report: str
        code: NotRequired[str]

    def both() -> Out: ...

    graph.chain(START, graph.node(both, writes=("report", "code")), reader(graph, "code"), END)
    assert "on the way START -> both -> read_code ('both' may leave it out); write it there" in problem_of(
        graph
    )


def test_a_default_is_always_there(graph):
    write, read = writer(graph, "notes"), reader(graph, "notes")
    graph.chain(START, read, write, END)
    assert set(graph.compile().inputs) == {"spec", "code", "report", "mood"}


def test_inputs_are_what_nobody_writes_and_what_is_read_first(graph):
    graph.chain(START, reader(graph, "spec"), writer(graph, "code"), reader(graph, "code"))
    graph.chain(reader(graph, "report"), writer(graph, "report"), writer(graph, "mood"), END)
    graph.edge(graph._nodes.things["read_code"], graph._nodes.things["read_report"])
    flow = graph.compile()
    assert flow.inputs == {"spec": str, "report": str}


def test_what_a_condition_of_start_reads_is_an_input(graph):
    graph.edge(START, writer(graph, "code"), when=lambda code: bool(code))
    graph.edge(graph._nodes.things["write_code"], END)
    assert "code" in graph.compile().inputs


def test_what_the_whole_state_is_read_for_is_not_asked(graph):
    def whole(state: State): ...

    graph.chain(START, graph.node(whole), writer(graph, "code"), writer(graph, "mood"), END)
    assert set(graph.compile().inputs) == {"spec", "report"}


def test_a_covered_switch_is_sure_to_go_somewhere(graph):
    decide = writer(graph, "mood")
    beside = graph.node(lambda: None, name="beside")
    good, bad = writer(graph, "code", "good"), writer(graph, "code", "bad")
    read = reader(graph, "code")
    graph.chain(START, decide, beside, read, END)
    graph.switch(decide, {"good": good, "bad": bad})
    graph.edge(good, read)
    graph.edge(bad, read)
    graph.compile()


def test_a_switch_over_many_values_is_not_sure_to_go_somewhere():
    class Open(BaseModel):
        mood: str
        code: str

    graph = Graph(Open)
    decide = writer(graph, "mood")
    beside, read = graph.node(lambda: None, name="beside"), reader(graph, "code")
    good = writer(graph, "code", "good")
    graph.chain(START, decide, beside, read, END)
    graph.switch(decide, {"good": good})
    graph.edge(good, read)
    assert "START -> write_mood -> beside -> read_code" in problem_of(graph)


def test_at_a_limit_the_way_in_its_place_is_taken(graph):
    first, beside, last = (
        writer(graph, "spec"),
        graph.node(lambda: None, name="beside"),
        writer(graph, "code"),
    )
    read = reader(graph, "code")
    graph.edge(START, first)
    graph.feedback(first, first, limit=3, otherwise=last)
    graph.chain(START, beside, read, END)
    graph.edge(last, read)
    graph.compile()


def test_all_edges_for_one_type_of_error_are_taken(graph):
    risky = writer(graph, "spec")
    one, other = graph.node(lambda: None, name="one"), writer(graph, "code", "other")
    read = reader(graph, "code")
    graph.chain(START, risky, writer(graph, "code"), read, END)
    graph.on_error(risky, one, error=ValueError)
    graph.on_error(risky, other, error=ValueError)
    graph.edge(one, read)
    graph.edge(other, read)
    graph.compile()
    graph.on_error(risky, one, error=KeyError)
    assert "START -> write_spec -> one -> read_code" in problem_of(graph)


def test_reads_are_told_even_where_much_else_is_wrong(graph):
    write, read = writer(graph, "code"), graph.node(lambda code, nothing: None, name="read")
    skip, lost = graph.node(lambda: None, name="skip"), reader(graph, "report")
    graph.edge(START, write, when=lambda spec: True)
    graph.edge(START, skip, when=lambda spec: False)
    graph.chain(write, read, END)
    graph.chain(skip, read, skip)
    graph.edge(lost, END)
    problems = problems_of(graph)
    assert len(problems) == 4
    assert [
        w for w in ("'nothing'", "cycle", "read_report", "may be unset") if not any(w in p for p in problems)
    ] == []


# --------------------------------------------------------------------------- warnings


def forked(graph, *names, field="code"):
    for name in names:
        graph.chain(START, writer(graph, field, name), END)
    return graph


def test_a_fork_whose_branches_write_one_plain_field_is_warned_of_where_it_is_compiled(graph):
    forked(graph, "a", "b")
    with pytest.warns(BackedgeWarning) as caught:
        flow = graph.compile()
    assert caught[0].filename == __file__
    assert flow.warnings == (str(caught[0].message),)
    assert flow.warnings == (
        "field 'code' is written by 'a', 'b', which run concurrently and meet: that will be a ConflictError; "
        "give the field a reducer, or put an edge between them",
    )


def test_of_many_branches_a_few_are_named(graph):
    forked(graph, *"abcdef")
    with pytest.warns(BackedgeWarning, match="is written by 'a', 'b', 'c' and 3 more, which run"):
        graph.compile()


def test_nothing_is_warned_of_reducers_and_of_branches_that_exclude_each_other(graph):
    forked(graph, "n1", "n2", field="notes")
    one, other = writer(graph, "code", "one"), writer(graph, "code", "other")
    graph.edge(START, one, when=lambda spec: True)
    graph.edge(START, other, when=lambda spec: False)
    graph.edge(one, END)
    graph.edge(other, END)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert graph.compile().warnings == ()
