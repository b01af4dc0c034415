import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=14,
    name="Multiple Instances with a Priori Run-Time Knowledge",
    intent="A step is started as many times at once as the data say when it is reached, and what follows waits for all of them.",
    langgraph="yes: a `Send` for each",
    pydantic_graph="yes: a map",
    agent_framework="partly: a message for each, but an executor handles one at a time",
)


class Reading(State):
    chapters: int
    pages: list[int] = []
    summaries: list[str] = []


def workflow():
    graph = Graph(Reading, resources={"work": Work})

    @graph.node(writes="pages")
    async def leaf(chapters: int, work: Work) -> list[int]:
        await work()
        return [10 * n for n in range(chapters)]

    @graph.map(over="pages", item="page", into="summaries")
    async def read(page: int, work: Work) -> str:
        await work()
        return f"page {page}"

    [review] = steps(graph, "review")
    graph.chain(START, leaf, read, review, END)
    return graph


@pytest.mark.parametrize("chapters", [0, 1, 5])
def test_as_many_run_as_were_found_and_what_follows_waits_for_them(chapters):
    for outcome in outcomes(workflow, {"chapters": chapters}, orders=8):
        reads = [f"read[{n}]" for n in range(chapters)]
        assert sorted(outcome.worked) == sorted(["leaf", "review", *reads])
        assert all(outcome.before(read, "review") for read in reads)
        assert outcome.state.summaries == [f"page {10 * n}" for n in range(chapters)]
