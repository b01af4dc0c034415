from itertools import combinations

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=39,
    name="Critical Section",
    intent="Of several parts of the workflow, each of more than one step, only one at a time is under way.",
    langgraph="partly: with a lock of one's own inside of nodes",
    pydantic_graph="partly: with a lock of one's own in `deps`",
    agent_framework="partly: with a lock of one's own inside of executors",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, come, call, close = steps(graph, "order come call close")

    async def book(ctx: Context, work: Work) -> list[str]:
        for part in ("read", "change", "write"):
            await ctx.step(part, work, part, returns=list[str])
        return [str(ctx.activation)]

    deposit, withdraw = [
        graph.node(book, name=name, writes="log", uses="account") for name in ("deposit", "withdraw")
    ]
    graph.chain(START, order, come, deposit, close)
    graph.chain(order, call, withdraw, close, END)
    return graph


def test_no_step_of_the_one_comes_between_those_of_the_other():
    seen = set()
    for outcome in outcomes(workflow, slots={"account": 1}, killed_orders=5):
        spans = sorted((outcome.spans[name], name) for name in outcome.spans if ":" in name)
        turns = [name.partition(":")[0] for _, name in spans]
        assert turns in (["deposit"] * 3 + ["withdraw"] * 3, ["withdraw"] * 3 + ["deposit"] * 3)
        assert not any(outcome.overlap(one, other) for (_, one), (_, other) in combinations(spans, 2))
        seen.add(turns[0])
    assert seen == {"deposit", "withdraw"}
