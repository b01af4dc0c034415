from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=23,
    name="Transient Trigger",
    intent="A step waits for a signal from outside; one that comes while nobody waits for it is lost.",
    langgraph="partly: `interrupt()` takes a value only when a run at rest is resumed",
    pydantic_graph="no: a step cannot wait for what is outside of its process",
    agent_framework="partly: a request takes a response only while it is open, and one that comes else is an error",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    prepare, act = steps(graph, "prepare act")

    @graph.node(writes="log")
    async def wait(ctx: Context) -> list[str]:
        return [await ctx.receive("go", schema=str)]

    graph.chain(START, prepare, wait, act, END)
    return graph


def test_a_signal_that_comes_too_early_is_lost():
    async def outside(world):
        await world.until_begun("prepare")
        await world.send("go", "too early", keep=False)
        await world.until_done("prepare")
        await world.wait(5)
        for _ in range(50):
            await world.send("go", "in time", keep=False)
            await world.wait(5)

    for outcome in outcomes(workflow, outside=outside):
        assert outcome.ran == ["prepare", "wait", "act"]
        assert outcome.state.log == ["prepare", "in time", "act"]
