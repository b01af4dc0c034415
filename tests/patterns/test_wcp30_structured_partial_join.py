from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=30,
    name="Structured Partial Join",
    intent="Once so many of several parallel branches have arrived the next step runs; the others end and change nothing.",
    langgraph="partly: the node runs for each superstep in which something arrives, and has to count by its own code",
    pydantic_graph="no: a join's value comes when its whole fork is done or cancelled",
    agent_framework="partly: an executor may count its messages by its own code",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    ask, one, two, three = steps(graph, "ask one two three")
    [answer] = steps(graph, "answer", join=2, rest="drop")
    graph.edge(START, ask)
    for source in (one, two, three):
        graph.chain(ask, source, answer)
    graph.feedback(answer, ask, when=lambda log: "answer@2" not in log, limit=2)
    graph.edge(answer, END, when=lambda log: "answer@2" in log)
    return graph


def test_each_round_goes_on_with_two_of_three_and_the_third_ends():
    overtaken = False
    for outcome in outcomes(workflow):
        assert [name for name in outcome.ran if name.startswith("answer")] == [
            "answer@0",
            "answer@1",
            "answer@2",
        ]
        for n in range(3):
            branches = [f"{name}@{n}" for name in ("one", "two", "three")]
            assert set(branches) <= set(outcome.ran)
            assert sum(outcome.before(branch, f"answer@{n}") for branch in branches) >= 2
            overtaken |= not all(outcome.before(branch, f"answer@{n}") for branch in branches)
    assert overtaken
