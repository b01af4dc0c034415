from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=9,
    name="Structured Discriminator",
    intent="Of several parallel branches the first to arrive leads on; the others end and change nothing, and in a loop each pass has a first of its own.",
    langgraph="partly: the node runs again for what comes later, and has to know by its own code",
    pydantic_graph="no: a join's value comes when its whole fork is done or cancelled",
    agent_framework="partly: an executor may count its messages by its own code",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    ask, one, two, three = steps(graph, "ask one two three")
    [answer] = steps(graph, "answer", join="first", rest="drop")
    graph.edge(START, ask)
    for source in (one, two, three):
        graph.chain(ask, source, answer)
    graph.feedback(answer, ask, when=lambda log: "answer@2" not in log, limit=2)
    graph.edge(answer, END, when=lambda log: "answer@2" in log)
    return graph


def test_each_round_goes_on_with_its_first_and_the_others_end():
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
            assert any(outcome.before(branch, f"answer@{n}") for branch in branches)
            overtaken |= any(
                outcome.before(f"answer@{n}", branch) or outcome.overlap(f"answer@{n}", branch)
                for branch in branches
            )
    assert overtaken
