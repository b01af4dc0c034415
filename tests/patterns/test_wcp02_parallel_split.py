from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=2,
    name="Parallel Split",
    intent="One step is followed by several branches that run at the same time.",
    langgraph="yes: several edges leave one node",
    pydantic_graph="yes: an edge to several steps forks",
    agent_framework="yes: fan-out edges",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, pack, bill, thank = steps(graph, "order pack bill thank")
    graph.edge(START, order)
    for branch in (pack, bill, thank):
        graph.chain(order, branch, END)
    return graph


def test_the_branches_all_run_and_all_at_once():
    for outcome in outcomes(workflow):
        assert sorted(outcome.ran) == ["bill", "order", "pack", "thank"]
        assert all(outcome.before("order", branch) for branch in ("pack", "bill", "thank"))
        if not outcome.killed:  # else one of them may have been done before
            assert outcome.overlap("pack", "bill")
            assert outcome.overlap("bill", "thank")
            assert outcome.overlap("thank", "pack")
