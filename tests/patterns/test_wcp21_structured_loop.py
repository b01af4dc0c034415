import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=21,
    name="Structured Loop",
    intent="A part of the workflow is repeated, with a condition that is looked at before each pass, or after each.",
    langgraph="yes: a conditional edge that leads back",
    pydantic_graph="yes: a decision that leads back",
    agent_framework="yes: a conditional edge that leads back",
)


class Dough(State):
    lumps: int
    folds: int


def workflow():
    graph = Graph(Dough, resources={"work": Work})
    mix, look, bake = steps(graph, "mix look bake")

    @graph.node(writes=("log", "lumps"))
    async def stir(lumps: int, work: Work) -> dict[str, object]:
        return {"log": await work(), "lumps": lumps - 1}

    @graph.node(writes=("log", "folds"))
    async def fold(folds: int, work: Work) -> dict[str, object]:
        return {"log": await work(), "folds": folds - 1}

    graph.chain(START, mix, look)
    graph.edge(look, stir, when=lambda lumps: lumps > 0)  # while there are lumps: stir
    graph.feedback(stir, look, when=lambda lumps: lumps >= 0, limit=9)
    graph.edge(look, fold, when=lambda lumps: lumps == 0)
    graph.feedback(fold, fold, when=lambda folds: folds > 0, limit=9)  # fold, until it is enough
    graph.edge(fold, bake, when=lambda folds: folds <= 0)
    graph.edge(bake, END)
    return graph


@pytest.mark.parametrize(("lumps", "folds"), [(0, 0), (0, 3), (1, 1), (3, 2)])
def test_the_one_loop_runs_as_often_as_needed_and_the_other_at_least_once(lumps, folds):
    for outcome in outcomes(workflow, {"lumps": lumps, "folds": folds}, orders=4):
        passes = ["look", "stir"] * lumps
        assert outcome.nodes == ["mix", *passes, "look", *["fold"] * max(folds, 1), "bake"]
