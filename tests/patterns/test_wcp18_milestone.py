import asyncio
from typing import Literal

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=18,
    name="Milestone",
    intent="A step is possible as long as the run stands at a certain point: neither before it got there nor after it went on.",
    langgraph="no: where one branch stands enables nothing in another",
    pydantic_graph="no: where one branch stands enables nothing in another",
    agent_framework="no: where one branch stands enables nothing in another",
)


class Order(State):
    came: Literal["change", "ship"] = "ship"


def workflow():
    graph = Graph(Order, resources={"work": Work})
    pay, change, ship = steps(graph, "pay change ship")

    @graph.node(writes="came")
    async def paid(ctx: Context) -> Literal["change", "ship"]:
        which, _ = await ctx.first(ctx.receive("change"), ctx.receive("ship"))
        return ("change", "ship")[which]

    graph.chain(START, pay, paid)
    graph.edge(paid, change, when=lambda came: came == "change")
    graph.feedback(change, paid, when=lambda came: came == "change", limit=None)
    graph.edge(paid, ship, when=lambda came: came == "ship")
    graph.edge(ship, END)
    return graph


def test_changes_are_made_only_between_payment_and_shipping():
    async def outside(world):
        shipping = asyncio.ensure_future(ship(world))
        for _ in range(5):
            await world.wait(8)
            await world.send("change")
        await shipping

    async def ship(world):
        await world.wait(40)
        await world.send("ship")

    changes = set()
    for outcome in outcomes(workflow, outside=outside):
        made = [name for name in outcome.ran if name.startswith("change")]
        assert all(outcome.before("pay", name) and outcome.before(name, "ship") for name in made)
        assert outcome.ran[-1] == "ship"
        changes.add(len(made))
    assert len(changes) > 2
