import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=22,
    name="Recursion",
    intent="A workflow contains itself, down to where the data say that it is enough.",
    langgraph="partly: a node's code may invoke its own graph",
    pydantic_graph="partly: a step's code may run its own graph",
    agent_framework="partly: an executor's code may build and run its own workflow; a sub-workflow cannot contain itself",
)


class Parcel(State):
    wrappings: list[str]
    rest: list[str] = []
    gift: str = ""


def workflow():
    graph = Graph(Parcel, resources={"work": Work}, name="parcel")

    @graph.node(writes=("log", "rest"))
    async def unwrap(wrappings: list[str], work: Work) -> dict[str, object]:
        return {"log": await work(), "rest": wrappings[1:]}

    @graph.node(writes=("log", "gift"))
    async def take(work: Work) -> dict[str, object]:
        return {"log": await work(), "gift": "a watch"}

    [fold] = steps(graph, "fold")  # the wrapping that was taken off
    inside = graph.subgraph(
        graph, name="inside", reads={"wrappings": "rest"}, writes={"gift": "gift", "log": "log"}, limit=2
    )
    graph.edge(START, unwrap, when=lambda wrappings: len(wrappings) > 0)
    graph.chain(unwrap, inside, fold, END)
    graph.edge(START, take, when=lambda wrappings: len(wrappings) == 0)
    graph.edge(take, END)
    return graph


@pytest.mark.parametrize("depth", range(3))
def test_it_goes_down_as_far_as_it_must_and_comes_back_with_the_result(depth):
    for outcome in outcomes(workflow, {"wrappings": ["paper"] * depth}, orders=4):
        down = ["inside/" * n + "unwrap" for n in range(depth)]
        up = ["inside/" * n + "fold" for n in reversed(range(depth))]
        assert outcome.worked == [*down, "inside/" * depth + "take", *up]
        assert outcome.state.gift == "a watch"
