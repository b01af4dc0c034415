from itertools import combinations

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=40,
    name="Interleaved Routing",
    intent="Several steps run one at a time, each once, in an order that nobody fixed.",
    langgraph="partly: `max_concurrency=1` makes the whole run serial, not some of its nodes",
    pydantic_graph="partly: with a lock of one's own in `deps`",
    agent_framework="partly: one executor handles a message at a time, several do not take turns",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    land, fuel_truck, cleaners, caterers, start = steps(graph, "land fuel_truck cleaners caterers start")
    fuel, clean, load = steps(graph, "fuel clean load", uses="aircraft")
    graph.edge(START, land)
    graph.chain(land, fuel_truck, fuel, start)
    graph.chain(land, cleaners, clean, start)
    graph.chain(land, caterers, load, start, END)
    return graph


def test_they_run_one_at_a_time_and_any_order_can_turn_out():
    seen = set()
    for outcome in outcomes(workflow, slots={"aircraft": 1}, orders=30):
        turns = [name for name in outcome.ran if name in ("fuel", "clean", "load")]
        assert not any(outcome.overlap(*pair) for pair in combinations(turns, 2))
        assert len(outcome.ran) == len(set(outcome.ran)) == 8
        seen.add(tuple(turns))
    assert len(seen) == 6
