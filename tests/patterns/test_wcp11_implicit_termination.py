from backedge import START, Graph, RunStatus

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=11,
    name="Implicit Termination",
    intent="The run is over when nothing is left to do, without a step that says so.",
    langgraph="yes: a run ends when nothing is left to do",
    pydantic_graph="no: a run ends with a value at the end node, and without one it is an error",
    agent_framework="yes: a run ends when no messages are left",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, thank = steps(graph, "order thank")
    ship, survey = steps(graph, "ship survey", may_stop=True)
    graph.chain(START, order, ship)
    graph.chain(order, thank, survey)
    return graph


def test_the_run_completes_when_the_last_branch_is_done():
    for outcome in outcomes(workflow):
        assert outcome.status is RunStatus.COMPLETED
        assert sorted(outcome.ran) == ["order", "ship", "survey", "thank"]
        assert outcome.before("thank", "survey")
