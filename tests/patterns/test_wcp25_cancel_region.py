from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=25,
    name="Cancel Region",
    intent="All steps of a part of the workflow are withdrawn at once, what they had done stays on record, and everything else goes on.",
    langgraph="no: a node cannot cancel others",
    pydantic_graph="no: only a join's reducer cancels, and only all that it joins",
    agent_framework="no: an executor cannot cancel others",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    file, inspect, value, interview, withdraw, pay, bill, close = steps(
        graph, "file inspect value interview withdraw pay bill close"
    )
    graph.chain(START, file, inspect, value, pay, close)
    graph.chain(file, interview, pay)
    graph.chain(file, bill, close)
    graph.chain(file, withdraw, close, END)
    graph.cancel(withdraw, inspect, value, interview, pay)
    return graph


def test_what_is_under_way_there_is_withdrawn_and_all_else_goes_on():
    region = ["inspect", "value", "interview", "pay"]
    kept = set()
    for outcome in outcomes(workflow):
        assert {"file", "bill", "withdraw", "close"} <= set(outcome.ran)
        done = [name for name in outcome.ran if name in region]
        assert all(outcome.before(name, "close") for name in ["bill", "withdraw", *done])
        assert "pay" not in done or len(done) == 4
        kept.add(len(done))
    assert len(kept) > 3
