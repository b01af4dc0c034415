from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=26,
    name="Cancel Multiple Instance Activity",
    intent="All instances of a step are withdrawn, those that run and those that have not begun, and everything else goes on.",
    langgraph="no: a superstep ends when all that was sent is done",
    pydantic_graph="no: only a join's reducer cancels, and then goes on with what there is",
    agent_framework="no: a superstep ends when all handlers are done",
)


class Poll(State):
    people: list[str]
    answers: list[str] = []


def workflow():
    graph = Graph(Poll, resources={"work": Work})
    start, stop, close = steps(graph, "start stop close")

    @graph.map(over="people", item="person", into="answers", concurrency=2)
    async def ask(person: str, work: Work) -> str:
        await work()
        return f"{person} agrees"

    [publish] = steps(graph, "publish")
    graph.chain(START, start, ask, publish, close)
    graph.chain(start, stop, close, END)
    graph.cancel(stop, ask)
    return graph


def test_none_of_the_instances_goes_on_and_what_follows_them_does_not_run():
    found = set()
    for outcome in outcomes(workflow, {"people": ["Ada", "Bob", "Cy", "Di"]}):
        asked = [name for name in outcome.worked if name.startswith("ask")]
        assert {"start", "stop", "close"} <= set(outcome.worked)
        if "publish" in outcome.worked:
            assert len(asked) == len(outcome.state.answers) == 4
        else:
            assert outcome.state.answers == []
        found.add("publish" in outcome.worked)
    assert found == {True, False}
