from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=3,
    name="Synchronization",
    intent="A step waits until all parallel branches before it are done, and then runs once.",
    langgraph="yes: an edge from a list of nodes waits for all of them",
    pydantic_graph="yes: a join",
    agent_framework="yes: a fan-in edge group",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, pick, pack, bill, send = steps(graph, "order pick pack bill send")
    graph.chain(START, order, pick, pack, send, END)
    graph.chain(order, bill, send)
    return graph


def test_the_join_runs_once_after_every_branch():
    for outcome in outcomes(workflow):
        assert sorted(outcome.ran) == ["bill", "order", "pack", "pick", "send"]
        assert outcome.before("pack", "send")
        assert outcome.before("bill", "send")
        assert outcome.state.log[-1] == "send"
