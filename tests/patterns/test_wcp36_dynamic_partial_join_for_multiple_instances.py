import pytest

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=36,
    name="Dynamic Partial Join for Multiple Instances",
    intent="How many instances of a step are enough is worked out from the data, while more of them may be started.",
    langgraph="no: the next superstep waits for all that were sent",
    pydantic_graph="partly: a reducer may decide from the state, but then the rest is cancelled",
    agent_framework="no: the next superstep waits for all handlers",
)


PEOPLE = ["Ada", "Bob", "Cy", "Di"]


class Poll(State):
    people: list[str]
    quorum: int
    answers: list[str] = []


def workflow():
    graph = Graph(Poll, resources={"work": Work})

    @graph.map(over="people", item="person", into="answers", join=lambda quorum: quorum, rest="drop")
    async def ask(person: str, ctx: Context, work: Work) -> str:
        if person == "Bob":
            ctx.add("Bea")  # asks to be asked as well
        await work()
        return f"{person} agrees"

    [publish] = steps(graph, "publish")
    graph.chain(START, ask, publish, END)
    return graph


@pytest.mark.parametrize("quorum", [1, 3, 5])
def test_as_many_are_enough_as_the_data_say_of_those_there_are_in_the_end(quorum):
    counts = set()
    for outcome in outcomes(workflow, {"people": PEOPLE, "quorum": quorum}):
        asked = [name for name in outcome.worked if name.startswith("ask")]
        assert sorted(outcome.worked) == sorted(["publish", *asked])
        assert len(asked) == 5
        assert len(outcome.state.answers) == quorum
        assert sum(outcome.before(name, "publish") for name in asked) >= quorum
        counts.add(tuple(outcome.state.answers))
    assert len(counts) > 1 or quorum == 5
