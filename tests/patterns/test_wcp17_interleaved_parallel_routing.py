from itertools import combinations

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=17,
    name="Interleaved Parallel Routing",
    intent="Several steps, some of which have an order among them, run one at a time, in whatever order turns out.",
    langgraph="partly: `max_concurrency=1` makes the whole run serial, not some of its nodes",
    pydantic_graph="partly: with a lock of one's own in `deps`",
    agent_framework="partly: one executor handles a message at a time, several do not take turns",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    admit, call, walk, wash, discharge = steps(graph, "admit call walk wash discharge")
    blood, scan, surgery, visit = steps(graph, "blood scan surgery visit", uses="patient")
    graph.edge(START, admit)
    graph.chain(admit, call, blood, surgery, discharge)  # blood and scan come before the surgery
    graph.chain(admit, walk, scan, surgery)
    graph.chain(admit, wash, visit, discharge, END)
    return graph


def test_they_run_one_at_a_time_in_an_order_that_turns_out():
    seen = set()
    for outcome in outcomes(workflow, slots={"patient": 1}):
        treatments = [name for name in outcome.ran if name in ("blood", "scan", "surgery", "visit")]
        assert not any(outcome.overlap(*pair) for pair in combinations(treatments, 2))
        assert outcome.before("blood", "surgery")
        assert outcome.before("scan", "surgery")
        assert len(outcome.ran) == len(set(outcome.ran)) == 9
        seen.add(tuple(treatments))
    assert len(seen) >= 4
