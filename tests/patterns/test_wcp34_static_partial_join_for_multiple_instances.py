from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=34,
    name="Static Partial Join for Multiple Instances",
    intent="Once a fixed number of the instances of a step are done the workflow goes on, and the others end for themselves.",
    langgraph="no: the next superstep waits for all that were sent",
    pydantic_graph="no: a join's value comes when its whole fork is done or cancelled",
    agent_framework="no: the next superstep waits for all handlers",
)


PEOPLE = ["Ada", "Bob", "Cy", "Di"]


class Poll(State):
    people: list[str]
    answers: list[str] = []


def workflow():
    graph = Graph(Poll, resources={"work": Work})

    @graph.map(over="people", item="person", into="answers", join=2, rest="drop")
    async def ask(person: str, work: Work) -> str:
        await work()
        return f"{person} agrees"

    [publish] = steps(graph, "publish")
    graph.chain(START, ask, publish, END)
    return graph


def test_two_of_the_instances_are_enough_and_the_others_end_for_themselves():
    counts = set()
    for outcome in outcomes(workflow, {"people": PEOPLE}):
        asked = [name for name in outcome.worked if name.startswith("ask")]
        assert sorted(outcome.worked) == ["ask[0]", "ask[1]", "ask[2]", "ask[3]", "publish"]
        assert len(outcome.state.answers) == 2
        early = [name for name in asked if outcome.before(name, "publish")]
        answered = [f"ask[{PEOPLE.index(answer.split()[0])}]" for answer in outcome.state.answers]
        assert answered == sorted(answered)
        assert set(answered) <= set(early)
        counts.add(len(early))
    assert len(counts) > 1
