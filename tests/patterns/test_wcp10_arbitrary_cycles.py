import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=10,
    name="Arbitrary Cycles",
    intent="Loops may have several entries and several exits, and may overlap.",
    langgraph="yes: any edge may lead back",
    pydantic_graph="yes: any edge may lead back",
    agent_framework="yes: any edge may lead back",
)


class Walk(State):
    way: list[str]


def workflow():
    graph = Graph(Walk, resources={"work": Work})
    write, review, lint, test, publish, shelve = steps(graph, "write review lint test publish shelve")

    def next_is(node):
        return lambda log, way: way[len(log)] == node.name

    for source, target in [
        (START, write),  # two ways in
        (START, review),
        (write, review),
        (review, lint),
        (lint, test),
        (review, shelve),  # two ways out
        (test, publish),
    ]:
        graph.edge(source, target, when=next_is(target), label=target.name)
    # two loops that overlap, neither of which holds the other
    graph.feedback(lint, write, when=next_is(write), limit=5, label="write")
    graph.feedback(test, review, when=next_is(review), limit=5, label="review")
    graph.edge(publish, END)
    graph.edge(shelve, END)
    return graph


@pytest.mark.parametrize(
    "way",
    [
        "write review lint test publish",
        "review shelve",
        "review lint write review shelve",
        "write review lint test review lint write review lint test publish",
        "review lint test review lint test review lint write review lint write review lint test review shelve",
    ],
)
def test_whatever_way_through_the_loops_is_chosen_is_gone(way):
    for outcome in outcomes(workflow, {"way": way.split()}, orders=4):
        assert outcome.nodes == way.split()
