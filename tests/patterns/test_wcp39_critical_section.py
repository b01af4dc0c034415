from itertools import pairwise

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=39,
    name="Critical Section",
    intent="Of several parts of the workflow, each of more than one step, only one at a time is under way.",
    langgraph="no: nothing is held over several nodes",
    pydantic_graph="no: nothing is held over several steps",
    agent_framework="no: nothing is held over several executors",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    account = Graph(State, resources={"work": Work}, name="account")
    account.chain(START, *steps(account, "read change write"), END)
    deposit = graph.subgraph(account, name="deposit", uses="account")  # held from its entry to its end
    withdraw = graph.subgraph(account, name="withdraw", uses="account")

    order, come, call, close = steps(graph, "order come call close")
    graph.chain(START, order, come, deposit, close)
    graph.chain(order, call, withdraw, close, END)
    return graph


def test_no_step_of_the_one_comes_between_those_of_the_other():
    deposit, withdraw = (
        [f"{name}/{step}" for step in ("read", "change", "write")] for name in ("deposit", "withdraw")
    )
    seen = set()
    for outcome in outcomes(workflow, slots={"account": 1}, killed_orders=2):
        turns = sorted({*deposit, *withdraw}, key=outcome.spans.get)
        assert turns in (deposit + withdraw, withdraw + deposit)
        assert all(outcome.before(*pair) for pair in pairwise(turns))
        seen.add(turns[0])
    assert len(seen) == 2
