import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=12,
    name="Multiple Instances without Synchronization",
    intent="A step is started many times at once, and the workflow goes on without waiting for any of them.",
    langgraph="no: the next superstep waits for all that were sent",
    pydantic_graph="no: a run that ends cancels what nobody joined",
    agent_framework="no: the next superstep waits for all handlers",
)


class Fines(State):
    cars: list[str]


def workflow():
    graph = Graph(Fines, resources={"work": Work})
    [count] = steps(graph, "count")

    @graph.map(over="cars", item="car", join="none")
    async def fine(car: str, work: Work) -> None:
        await work()

    graph.chain(START, count, fine)
    [report] = steps(graph, "report")
    graph.chain(fine, report, END)
    return graph


@pytest.mark.parametrize("cars", [[], ["a"], ["a", "b", "c", "d"]], ids=len)
def test_every_instance_runs_and_nothing_waits_for_it(cars):
    overtaken = False
    for outcome in outcomes(workflow, {"cars": cars}, orders=8):
        fines = [f"fine[{n}]" for n in range(len(cars))]
        assert sorted(outcome.worked) == sorted(["count", "report", *fines])
        assert outcome.state.log == ["count", "report"]
        overtaken |= any(not outcome.before(fine, "report") for fine in fines)
    assert overtaken or not cars
