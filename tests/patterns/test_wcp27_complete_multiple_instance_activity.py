from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=27,
    name="Complete Multiple Instance Activity",
    intent="The instances of a step that are left are withdrawn, and the workflow goes on with the results there are.",
    langgraph="no: a superstep ends when all that was sent is done",
    pydantic_graph="partly: a join's reducer may cancel what is left, but only when a result arrives",
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
    graph.cancel(stop, ask, complete=True)
    return graph


def test_what_follows_runs_with_the_results_there_are():
    people, counts = ["Ada", "Bob", "Cy", "Di"], set()
    for outcome in outcomes(workflow, {"people": people}):
        assert {"start", "stop", "publish", "close"} <= set(outcome.worked)
        stopped = outcome.ran.index("stop")
        asked = sorted(name for name in outcome.ran[:stopped] if name.startswith("ask["))
        assert outcome.state.answers == [f"{people[int(name[4])]} agrees" for name in asked]
        assert all(outcome.before(name, "publish") for name in asked)
        counts.add(len(asked))
    assert len(counts) > 2
