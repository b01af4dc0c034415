"""What compiling costs grows as the graph does: twice the graph, about twice the steps. Steps are counted, not timed.

A step is a line of the engine's code that runs, a turn of a loop or of a comprehension included. What is done with
whole bit masks of nodes counts as one: a mask of 10,000 nodes has 1,250 bytes.
"""

import contextlib
import itertools
import sys
import warnings
from collections import Counter
from typing import Annotated

import pytest
from pydantic import BaseModel

import backedge.engine
from backedge import END, START, Graph, GraphError, union
from backedge.engine.compiler import assignment
from backedge.engine.compiler.signatures import read_signature
from benchmarks.dags import graph_of
from benchmarks.workflows import SHAPES, random_layers

from ..engine.sizes import SOAKING, grows

ENGINE = backedge.engine.__path__[0]
SMALL = 80 if SOAKING else 40


def steps_of(work):
    """How many lines of the engine run, by file."""
    count = Counter()

    def line(frame, event, _):
        if event == "line":
            count[frame.f_code.co_filename] += 1
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: line if frame.f_code.co_filename.startswith(ENGINE) else None)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def compile_anyway(graph):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(GraphError):
            graph.compile()


class State(BaseModel):
    given: int
    code: int
    plain: int = 0
    log: Annotated[set[str], union] = set()


def wired(size, function, edges_of=lambda size: random_layers(size, 3 * size).edges, **options):
    """Nodes of one function, wired at random but so that all are reached and lead on."""
    graph = Graph(State)
    nodes = {f"task_{n}": graph.node(function, name=f"task_{n}", **options) for n in range(size)}
    for parent, child in edges_of(size):
        graph.edge(nodes[parent], nodes[child])
    for node in nodes.values():
        graph.chain(START, node, END)
    return graph, list(nodes.values())


def workflow(size):
    return graph_of(SHAPES["Montage"](2 * size))  # there is none of fewer than 80


def layers(size):
    return graph_of(random_layers(size, 3 * size))


def conflict(size):
    """Every node writes the same plain field."""
    return wired(size, lambda: 1, writes="plain", inline=True)[0]


def many_forks(size):
    """Two writers that conflict at the end of a chain, each of whose nodes has a branch of its own."""
    graph, nodes = wired(size, lambda: None, lambda _: [], inline=True)
    for one, other in itertools.pairwise(nodes):
        graph.edge(one, other)
    for name in "ab":
        graph.chain(nodes[-1], graph.node(lambda: 1, name=name, writes="plain", inline=True), END)
    return graph


def doubtful(size):
    """Every node reads a field that one of two branches brings."""
    graph, nodes = wired(size, lambda code: None, inline=True)
    write = graph.node(lambda given: 1, name="write", writes="code", inline=True)
    beside = graph.node(lambda given: None, name="beside", inline=True)
    graph.edge(START, write)
    graph.edge(START, beside)
    for node in nodes:
        graph.edge(write, node)
        graph.edge(beside, node)
    return graph


def unset(size, *, lost=False):
    """Every node reads a field that only one of two ways writes; so would a node that cannot be reached."""
    graph, nodes = wired(size, lambda code: None, inline=True)
    write = graph.node(lambda given: 1, name="write", writes="code", inline=True)
    beside = graph.node(lambda given: None, name="beside", inline=True)
    for node in (write, beside):
        graph.edge(START, node, when=lambda given: True)
    if lost:
        nowhere = graph.node(lambda: 1, name="nowhere", writes="code", inline=True)
    for read in nodes:
        for node in (write, beside, nowhere) if lost else (write, beside):
            graph.edge(node, read)
    return graph


def unset_and_lost(size):
    return unset(size, lost=True)


@pytest.mark.parametrize("make", [workflow, layers, conflict, many_forks, doubtful, unset, unset_and_lost])
@grows
def test_twice_the_graph_takes_about_twice_the_steps(make, monkeypatch):
    monkeypatch.setattr(assignment, "_TOLD", 10)
    monkeypatch.setattr(assignment, "_LOOKED_AT", 1)
    small, large = make(SMALL), make(2 * SMALL)
    compile_anyway(small)  # what is imported or made once for all
    one, two = (steps_of(lambda graph=graph: compile_anyway(graph)) for graph in (small, large))
    growth = len(large.definition.edges) / len(small.definition.edges)
    assert sum(one.values()) > SMALL * 100
    for file, steps in two.items():
        assert steps < (one[file] + 10) * growth * 1.15, file


def test_of_very_many_reads_of_an_unset_field_a_hundred_are_told():
    with pytest.raises(GraphError) as caught:
        unset(120).compile()
    assert len(caught.value.problems) == 100
    assert all("reads 'code', which may be unset" in problem for problem in caught.value.problems)


def test_with_edges_missing_reads_that_are_hard_to_judge_wait_until_the_graph_is_mended(monkeypatch):
    monkeypatch.setattr(assignment, "_LOOKED_AT", 1)
    graph = unset(30)
    graph.chain(graph.node(lambda: None, name="lost", inline=True), END)
    with pytest.raises(GraphError) as caught:
        graph.compile()
    assert "cannot be reached" in caught.value.problems[0]
    assert 0 < len(caught.value.problems) - 1 < 30


def test_what_an_annotation_means_is_found_once_for_all_functions_of_a_factory_unless_they_close_over_it():
    class Far:
        pass

    def plain(number):
        def work(far: "Far | None" = None) -> "int":
            return number

        return work

    def generic(kind):
        def work(far: "kind") -> "Far":
            return kind

        return work

    known = {}
    told = [read_signature(plain(number), {"Far": Far}, known) for number in (1, 2)]
    assert [each.hints for each in told] == [{"far": Far | None, "return": int}] * 2
    assert len(known) == 1
    told = [read_signature(generic(kind), {"Far": Far}, known) for kind in (str, bytes)]
    assert [each.hints for each in told] == [{"far": str, "return": Far}, {"far": bytes, "return": Far}]
    assert len(known) == 1
    assert told[0].hints is not told[1].hints
