import pytest

from backedge import END, START, Graph

from .harness import outcomes, subsets
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=37,
    name="Acyclic Synchronizing Merge",
    intent="In a graph without loops, branches that part and meet anyhow: each merge waits for exactly those that are on their way to it.",
    langgraph="partly: with `defer=True`, which waits until nothing else at all is left to do",
    pydantic_graph="partly: a join needs a fork through which all that it joins has come",
    agent_framework="no: a fan-in waits for every source that is written down",
)


class Claim(State):
    also: set[str]


def workflow():
    graph = Graph(Claim, resources={"work": Work})
    file, police, doctor, expert = steps(graph, "file police doctor expert")
    report, value, pay = steps(graph, "report value pay")

    def chosen(way):
        return lambda also: way in also

    graph.chain(START, file, report, value, pay, END)
    graph.edge(file, police, when=chosen("police"), label="police")
    graph.edge(file, doctor, when=chosen("doctor"), label="doctor")
    graph.chain(police, report)
    graph.edge(police, expert, when=chosen("expert"), label="expert")
    graph.chain(doctor, expert, value)
    graph.edge(doctor, pay, when=chosen("advance"), label="advance")
    return graph


@pytest.mark.parametrize("also", subsets("police doctor expert advance", least=0), ids="+".join)
def test_each_merge_waits_for_all_that_are_on_their_way_to_it(also):
    ways = [("file", "report"), ("report", "value"), ("value", "pay")]
    if "police" in also:
        ways += [("file", "police"), ("police", "report")]
        ways += [("police", "expert"), ("expert", "value")] if "expert" in also else []
    if "doctor" in also:
        ways += [("file", "doctor"), ("doctor", "expert"), ("expert", "value")]
        ways += [("doctor", "pay")] if "advance" in also else []
    for outcome in outcomes(workflow, {"also": also}, orders=3):
        assert sorted(outcome.ran) == sorted({name for way in ways for name in way})
        assert all(outcome.before(source, target) for source, target in ways)
