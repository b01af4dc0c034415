import pytest

from backedge import END, START, Graph

from .harness import outcomes, subsets
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=7,
    name="Structured Synchronizing Merge",
    intent="After a choice of any number of branches the next step waits for exactly those that were chosen.",
    langgraph="partly: an edge from a list of nodes waits for ever for what was not chosen; with `defer=True` a node waits until nothing else at all is left to do",
    pydantic_graph="yes: a join waits for what was forked",
    agent_framework="no: a fan-in waits for every source that is written down",
)


class Trip(State):
    needs: set[str]


def workflow():
    graph = Graph(Trip, resources={"work": Work})
    plan, hotel, flight, car, bill = steps(graph, "plan hotel flight car bill")
    graph.edge(START, plan)
    for booking in (hotel, flight, car):
        graph.edge(plan, booking, when=lambda needs, name=booking.name: name in needs, label=booking.name)
        graph.edge(booking, bill)
    graph.edge(bill, END)
    return graph


@pytest.mark.parametrize("needs", subsets("hotel flight car"), ids="+".join)
def test_the_merge_waits_for_every_branch_that_was_chosen_and_for_no_other(needs):
    for outcome in outcomes(workflow, {"needs": needs}):
        assert sorted(outcome.ran) == sorted(["plan", *needs, "bill"])
        assert all(outcome.before(booking, "bill") for booking in needs)
