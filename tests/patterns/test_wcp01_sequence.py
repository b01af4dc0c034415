from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=1,
    name="Sequence",
    intent="A step begins when the one before it is done.",
    langgraph="yes: an edge",
    pydantic_graph="yes: an edge",
    agent_framework="yes: an edge",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    receive, check, pay = steps(graph, "receive check pay")
    graph.chain(START, receive, check, pay, END)
    return graph


def test_each_step_begins_when_the_one_before_it_is_done():
    for outcome in outcomes(workflow):
        assert outcome.ran == ["receive", "check", "pay"]
        assert outcome.before("receive", "check")
        assert outcome.before("check", "pay")
        assert outcome.state.log == outcome.ran
