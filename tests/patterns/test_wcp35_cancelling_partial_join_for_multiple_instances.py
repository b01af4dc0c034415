from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=35,
    name="Cancelling Partial Join for Multiple Instances",
    intent="Once a fixed number of the instances of a step are done the workflow goes on, and the others are withdrawn.",
    langgraph="no: a node cannot cancel others",
    pydantic_graph="yes: a reducer of one's own that counts and cancels the rest",
    agent_framework="no: an executor cannot cancel others",
)


PEOPLE = ["Ada", "Bob", "Cy", "Di"]


class Poll(State):
    people: list[str]
    answers: list[str] = []


def workflow():
    graph = Graph(Poll, resources={"work": Work})

    @graph.map(over="people", item="person", into="answers", join=2, rest="cancel")
    async def ask(person: str, work: Work) -> str:
        await work()
        return f"{person} agrees"

    [publish] = steps(graph, "publish")
    graph.chain(START, ask, publish, END)
    return graph


def test_two_of_the_instances_are_enough_and_the_others_are_withdrawn():
    counts = set()
    for outcome in outcomes(workflow, {"people": PEOPLE}):
        asked = [name for name in outcome.worked if name.startswith("ask")]
        assert "publish" in outcome.worked
        assert len(outcome.state.answers) == 2
        answered = {f"ask[{PEOPLE.index(answer.split()[0])}]" for answer in outcome.state.answers}
        assert answered <= set(asked)
        assert all(outcome.before(name, "publish") for name in asked)
        counts.add(len(asked))
    assert 2 in counts
