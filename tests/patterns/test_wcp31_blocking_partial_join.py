from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=31,
    name="Blocking Partial Join",
    intent="Once so many of several branches have arrived the next step runs, and the merge takes nothing of the next round before all of this one have come.",
    langgraph="no: an edge from a list waits for all, and other edges hold nothing back",
    pydantic_graph="no: a join's value comes when its whole fork is done or cancelled",
    agent_framework="no: a fan-in waits for all, and other edges hold nothing back",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    ask, one, two, three = steps(graph, "ask one two three")
    [answer] = steps(graph, "answer", join=2, rest="wait")
    graph.edge(START, ask)
    for source in (one, two, three):
        graph.chain(ask, source, answer)
    graph.feedback(answer, ask, when=lambda log: "answer@2" not in log, limit=2)
    graph.edge(answer, END, when=lambda log: "answer@2" in log)
    return graph


def test_the_next_round_is_held_back_until_the_third_has_come_as_well():
    overtaken = False
    for outcome in outcomes(workflow):
        assert [name for name in outcome.ran if name.startswith("answer")] == [
            "answer@0",
            "answer@1",
            "answer@2",
        ]
        for n in range(3):
            branches = [f"{name}@{n}" for name in ("one", "two", "three")]
            assert sum(outcome.before(branch, f"answer@{n}") for branch in branches) >= 2
            overtaken |= not all(outcome.before(branch, f"answer@{n}") for branch in branches)
            assert n == 2 or all(outcome.before(branch, f"answer@{n + 1}") for branch in branches)
    assert overtaken
