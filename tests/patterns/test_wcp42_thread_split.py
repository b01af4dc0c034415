import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=42,
    name="Thread Split",
    intent="One thread becomes several that run through the same steps.",
    langgraph="yes: a `Send` for each",
    pydantic_graph="yes: a map",
    agent_framework="partly: a message for each, but an executor handles one at a time",
)


class Part(State):
    number: int
    done: list[str] = []


class Machine(State):
    parts: list[int]
    built: list[list[str]] = []


def workflow():
    graph = Graph(Machine, resources={"work": Work})
    part = Graph(Part, resources={"work": Work}, name="part")
    cut, drill = steps(part, "cut drill")

    @part.node(writes="done")
    async def finish(log: list[str]) -> list[str]:
        return log

    part.chain(START, cut, drill, finish, END)
    each = graph.map(part, over="parts", item="number", into="built", result="done")
    order, ship = steps(graph, "order ship")
    graph.chain(START, order, each, ship, END)
    return graph


@pytest.mark.parametrize("count", [1, 3])
def test_each_thread_goes_through_all_steps_at_its_own_pace(count):
    overtaken = False
    for outcome in outcomes(workflow, {"parts": list(range(count))}):
        cuts = [f"part/cut[{n}]" for n in range(count)]
        drills = [f"part/drill[{n}]" for n in range(count)]
        assert sorted(outcome.worked) == sorted(["order", "ship", *cuts, *drills])
        assert all(outcome.before(cut, drill) for cut, drill in zip(cuts, drills, strict=True))
        assert all(outcome.before(drill, "ship") for drill in drills)
        overtaken |= any(outcome.before(drill, cut) for drill in drills for cut in cuts)
    assert overtaken == (count > 1)
