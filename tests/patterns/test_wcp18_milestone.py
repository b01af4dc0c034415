from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=18,
    name="Milestone",
    intent="A step is possible as long as another branch stands at a certain point: neither before it got there nor after it went on.",
    langgraph="no: where one branch stands enables nothing in another",
    pydantic_graph="no: where one branch stands enables nothing in another",
    agent_framework="no: where one branch stands enables nothing in another",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, pay, pack, ship, thank = steps(graph, "order pay pack ship thank")
    [change] = steps(graph, "change", may_stop=True)

    @graph.node
    async def wish(ctx: Context) -> None:
        await ctx.receive("change")

    graph.chain(START, order, pay, pack, ship, END)
    graph.chain(order, thank, END)
    graph.chain(pay, wish, change)  # as soon as it is paid for, and as often as somebody wishes
    graph.feedback(change, wish, limit=None, when=lambda log: True)
    graph.cancel(pack, wish, change)  # until it is packed
    return graph


def test_changes_are_made_only_while_the_order_is_paid_for_and_not_packed():
    async def outside(world):
        for _ in range(12):
            await world.wait(5)
            await world.send("change", keep=False)

    counts = set()
    for outcome in outcomes(workflow, outside=outside):
        changes = [name for name in outcome.ran if name.startswith("change")]
        assert {"order", "pay", "pack", "ship", "thank"} == {*outcome.worked} - {*changes}
        assert all(outcome.before("pay", name) and outcome.before(name, "ship") for name in changes)
        counts.add(len(changes))
    assert len(counts) > 2
