import asyncio
from typing import Literal

import pytest

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=16,
    name="Deferred Choice",
    intent="Several ways are open, and what happens first outside decides which of them is gone; the others are withdrawn.",
    langgraph="partly: `interrupt()` waits for a value, but not for a timer as well",
    pydantic_graph="no: a step cannot wait for what is outside of its process",
    agent_framework="partly: several requests may be open, but the caller has to cancel those that an answer makes needless",
)


class Offer(State):
    came: Literal["accept", "decline", "nothing"] = "nothing"


def workflow():
    graph = Graph(Offer, resources={"work": Work})
    offer, book, file, remind = steps(graph, "offer book file remind")

    @graph.node(writes="came")
    async def wait(ctx: Context) -> Literal["accept", "decline", "nothing"]:
        ways = ctx.receive("accept"), ctx.receive("decline"), ctx.sleep(60)
        which, _ = await ctx.first(*ways)
        return ("accept", "decline", "nothing")[which]

    graph.chain(START, offer, wait)
    graph.switch(wait, {"accept": book, "decline": file, "nothing": remind})
    for branch in (book, file, remind):
        graph.edge(branch, END)
    return graph


@pytest.mark.parametrize(
    ("comes", "branches"),
    [
        (["accept"], {"book"}),
        (["decline"], {"file"}),
        (["accept", "decline"], {"book", "file"}),
        ([], {"remind"}),
    ],
    ids=["one", "the other", "both", "nothing"],
)
def test_what_comes_first_decides_and_the_rest_is_withdrawn(comes, branches):
    async def outside(world):
        await asyncio.gather(*(send(world, signal) for signal in comes))

    async def send(world, signal):
        await world.wait()
        await world.send(signal)

    taken = set()
    for outcome in outcomes(workflow, outside=outside):
        *before, branch = outcome.ran
        assert before == ["offer", "wait"]
        assert branch == {"accept": "book", "decline": "file", "nothing": "remind"}[outcome.state.came]
        taken.add(branch)
    # Where the disk is slow the clock may run out before anything comes.
    assert branches <= taken <= branches | {"remind"}
