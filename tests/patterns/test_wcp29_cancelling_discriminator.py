from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=29,
    name="Cancelling Discriminator",
    intent="The first of several branches leads on, and the others are cancelled.",
    langgraph="no: a node cannot cancel others",
    pydantic_graph="yes: `ReduceFirstValue`",
    agent_framework="no: an executor cannot cancel others",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    ask, one, two, three = steps(graph, "ask one two three")
    [answer] = steps(graph, "answer", join="first", rest="cancel")
    graph.edge(START, ask)
    for source in (one, two, three):
        graph.chain(ask, source, answer)
    graph.feedback(answer, ask, when=lambda log: "answer@2" not in log, limit=2)
    graph.edge(answer, END, when=lambda log: "answer@2" in log)
    return graph


def test_the_first_of_each_round_leads_on_and_the_others_are_cancelled():
    cancelled = 0
    for outcome in outcomes(workflow):
        assert [name for name in outcome.ran if name.startswith("answer")] == [
            "answer@0",
            "answer@1",
            "answer@2",
        ]
        for n in range(3):
            done = {f"{name}@{n}" for name in ("one", "two", "three")} & set(outcome.ran)
            assert all(outcome.before(branch, f"answer@{n}") for branch in done)
            assert done
            cancelled += 3 - len(done)
    assert cancelled
