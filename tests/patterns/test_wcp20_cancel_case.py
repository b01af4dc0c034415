import pytest

from backedge import END, START, Graph, RunStatus

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=20,
    name="Cancel Case",
    intent="The whole run is ended, whatever it is doing, and what was done stays on record.",
    langgraph="yes: cancel the task that runs it; what finished is in the checkpointer",
    pydantic_graph="partly: cancel the task that runs it; nothing is kept",
    agent_framework="partly: cancel the task that runs it; what finished in the present superstep is lost",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, pack, bill, ship, thank = steps(graph, "order pack bill ship thank")
    graph.chain(START, order, pack, ship, thank, END)
    graph.chain(order, bill, ship)
    return graph


@pytest.mark.parametrize("moment", ["order", "pack", "ship"])
def test_nothing_goes_on_and_what_was_done_is_kept(moment):
    async def outside(world):
        await world.until_begun(moment)
        await world.cancel()

    kept = {"order": set(), "pack": {"order"}, "ship": {"order", "pack", "bill"}}
    never = {"order": {"ship", "thank"}, "pack": {"thank"}, "ship": set()}
    for outcome in outcomes(workflow, outside=outside):
        assert outcome.status is RunStatus.CANCELLED
        assert kept[moment] <= set(outcome.ran)
        assert not never[moment] & set(outcome.ran)
