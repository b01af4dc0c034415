from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=41,
    name="Thread Merge",
    intent="Several threads that run through the same steps become one again.",
    langgraph="partly: with `defer=True`, which waits until nothing else at all is left to do",
    pydantic_graph="yes: a join",
    agent_framework="partly: an executor may count its messages by its own code",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    left, middle, right = steps(graph, "left middle right")
    [check] = steps(graph, "check", join="each")
    [assemble] = steps(graph, "assemble", join="all")
    [paint] = steps(graph, "paint")
    for part in (left, middle, right):
        graph.chain(START, part, check)
    graph.chain(check, paint, assemble, END)
    return graph


def test_the_threads_of_one_branch_are_merged_into_one():
    for outcome in outcomes(workflow):
        parts = ["left", "middle", "right"]
        runs = [f"{name}[{part}]" for part in parts for name in ("check", "paint")]
        assert sorted(outcome.ran) == sorted(["assemble", *parts, *runs])
        assert all(outcome.before(f"paint[{part}]", "assemble") for part in parts)
