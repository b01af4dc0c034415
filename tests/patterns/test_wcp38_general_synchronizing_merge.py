import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=38,
    name="General Synchronizing Merge",
    intent="In any graph, loops included, a merge runs as soon as nothing can arrive at it any more, and not before.",
    langgraph="partly: with `defer=True`, which waits until nothing else at all is left to do",
    pydantic_graph="partly: a join needs a fork through which all that it joins has come",
    agent_framework="no: a fan-in waits for every source that is written down",
)


class Issue(State):
    plans: list[set[str]]  # for each round: who takes part
    redraws: list[int]  # and how often the drawing is sent back
    number: int = -1


def workflow():
    graph = Graph(Issue, resources={"work": Work})

    @graph.node(writes=("log", "number"))
    async def plan(number: int, work: Work) -> dict[str, object]:
        return {"log": await work(), "number": number + 1}

    write, check, draw, look, layout = steps(graph, "write check draw look layout")

    def takes_part(node):
        return lambda plans, number: node.name in plans[number]

    def is_sent_back(log: list[str], redraws: list[int], number: int) -> bool:
        return sum(name.startswith(f"look@{number}.") for name in log) <= redraws[number]

    graph.edge(START, plan)
    graph.edge(plan, write)
    graph.edge(plan, draw, when=takes_part(draw))
    graph.edge(write, layout)
    graph.edge(write, check, when=takes_part(check))
    graph.edge(check, layout)
    graph.edge(draw, look)
    graph.feedback(look, draw, when=is_sent_back, limit=9)
    graph.edge(look, layout, when=lambda log, redraws, number: not is_sent_back(log, redraws, number))
    graph.feedback(layout, plan, when=lambda plans, number: number + 1 < len(plans), limit=9)
    graph.edge(layout, END, when=lambda plans, number: number + 1 == len(plans))
    return graph


@pytest.mark.parametrize(
    ("plans", "redraws"),
    [
        ([[]], [0]),
        ([["draw"], ["check"], ["draw", "check"]], [2, 0, 1]),
        ([["draw", "check"], [], ["draw"]], [0, 0, 3]),
    ],
)
def test_in_each_round_the_merge_waits_for_the_loop_and_the_branches_of_that_round(plans, redraws):
    for outcome in outcomes(workflow, {"plans": plans, "redraws": redraws}):
        expected = []
        for number, plan in enumerate(plans):
            branches = [f"write@{number}"]
            branches += [f"check@{number}"] * ("check" in plan)
            if "draw" in plan:
                branches += [
                    f"{name}@{number}.{n}" for n in range(redraws[number] + 1) for name in ("draw", "look")
                ]
            assert all(outcome.before(name, f"layout@{number}") for name in branches)
            expected += [f"plan@{number}", *branches, f"layout@{number}"]
        assert sorted(outcome.ran) == sorted(expected)
