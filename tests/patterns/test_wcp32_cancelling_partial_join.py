from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=32,
    name="Cancelling Partial Join",
    intent="Once so many of several branches have arrived the next step runs, and the others are cancelled.",
    langgraph="no: a node cannot cancel others",
    pydantic_graph="yes: a reducer of one's own that counts and cancels the rest",
    agent_framework="no: an executor cannot cancel others",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    ask, one, two, three = steps(graph, "ask one two three")
    [answer] = steps(graph, "answer", join=2, rest="cancel")
    graph.edge(START, ask)
    for source in (one, two, three):
        graph.chain(ask, source, answer)
    graph.feedback(answer, ask, when=lambda log: "answer@2" not in log, limit=2)
    graph.edge(answer, END, when=lambda log: "answer@2" in log)
    return graph


def test_two_of_each_round_lead_on_and_the_third_is_cancelled():
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
            assert len(done) >= 2
            cancelled += 3 - len(done)
    assert cancelled
