import pytest

from backedge import END, START, Graph

from .harness import outcomes, subsets
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=8,
    name="Multi-Merge",
    intent="Branches meet without waiting for each other: what follows runs once for each of them.",
    langgraph="partly: what arrives in the same superstep counts once",
    pydantic_graph="yes: a step runs for each edge that leads to it",
    agent_framework="yes: an executor handles each message",
)


class Survey(State):
    asked: set[str]


def workflow():
    graph = Graph(Survey, resources={"work": Work})
    announce, mail, phone, visit = steps(graph, "announce mail phone visit")
    enter, check = steps(graph, "enter", join="each") + steps(graph, "check")
    graph.edge(START, announce)
    for way in (mail, phone, visit):
        graph.edge(announce, way, when=lambda asked, name=way.name: name in asked, label=way.name)
        graph.edge(way, enter)
    graph.chain(enter, check, END)  # both run once for each way
    return graph


@pytest.mark.parametrize("asked", subsets("mail phone visit"), ids="+".join)
def test_what_follows_runs_once_for_each_branch_and_waits_for_no_other(asked):
    early = False
    for outcome in outcomes(workflow, {"asked": asked}, orders=4):
        runs = [f"{name}[{way}]" for way in asked for name in ("enter", "check")]
        assert sorted(outcome.ran) == sorted(["announce", *asked, *runs])
        for way in asked:
            assert outcome.before(way, f"enter[{way}]")
            assert outcome.before(f"enter[{way}]", f"check[{way}]")
            early |= any(outcome.before(f"check[{way}]", f"enter[{other}]") for other in asked)
    assert early or len(asked) == 1
