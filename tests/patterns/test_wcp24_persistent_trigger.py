import pytest

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=24,
    name="Persistent Trigger",
    intent="A step waits for a signal from outside; one that came before anybody waited for it is kept until then.",
    langgraph="partly: `interrupt()` takes a value only when a run at rest is resumed; nothing can be sent to a run that is under way",
    pydantic_graph="no: a step cannot wait for what is outside of its process",
    agent_framework="no: a response to a request that is not open yet is an error",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, ship = steps(graph, "order ship")

    @graph.node(writes="log")
    async def goods(ctx: Context) -> list[str]:
        return [await ctx.receive("goods", schema=str)]

    @graph.node(writes="log")
    async def label(ctx: Context) -> list[str]:
        return [await ctx.receive("label", schema=str)]

    graph.chain(START, order, goods, label, ship, END)
    return graph


@pytest.mark.parametrize("signals", [("goods", "label"), ("label", "goods")], ids=", then ".join)
def test_every_signal_is_received_once_however_early_it_came(signals):
    async def outside(world):
        for signal in signals:
            await world.wait(10)
            await world.send(signal, f"the {signal}")

    for outcome in outcomes(workflow, outside=outside):
        assert outcome.ran == ["order", "goods", "label", "ship"]
        assert outcome.state.log == ["order", "the goods", "the label", "ship"]
