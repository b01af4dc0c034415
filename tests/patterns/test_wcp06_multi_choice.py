import pytest

from backedge import END, START, Graph

from .harness import outcomes, subsets
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=6,
    name="Multi-Choice",
    intent="Any number of several branches are taken, as the data say.",
    langgraph="yes: a conditional edge may name several nodes",
    pydantic_graph="partly: a decision takes one branch, several only by a map over a list of choices",
    agent_framework="yes: a multi-selection edge group",
)


class Emergency(State):
    needs: set[str]


def workflow():
    graph = Graph(Emergency, resources={"work": Work})
    call, police, fire, ambulance = steps(graph, "call police fire ambulance")
    graph.edge(START, call)
    for service in (police, fire, ambulance):
        graph.edge(call, service, when=lambda needs, name=service.name: name in needs, label=service.name)
        graph.edge(service, END)
    return graph


@pytest.mark.parametrize("needs", subsets("police fire ambulance"), ids="+".join)
def test_every_branch_that_was_chosen_runs_and_no_other(needs):
    for outcome in outcomes(workflow, {"needs": needs}, orders=4):
        assert outcome.ran[0] == "call"
        assert sorted(outcome.ran[1:]) == sorted(needs)
