from typing import Literal

import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=4,
    name="Exclusive Choice",
    intent="Exactly one of several branches is taken, as the data say.",
    langgraph="yes: a conditional edge",
    pydantic_graph="yes: a decision",
    agent_framework="yes: a switch-case edge group",
)


class Mail(State):
    kind: Literal["question", "complaint", "praise"]


def workflow():
    graph = Graph(Mail, resources={"work": Work})
    read, answer, apologise, frame = steps(graph, "read answer apologise frame")
    graph.edge(START, read)
    graph.switch(read, {"question": answer, "complaint": apologise, "praise": frame}, on="kind")
    for branch in (answer, apologise, frame):
        graph.edge(branch, END)
    return graph


@pytest.mark.parametrize(
    ("kind", "branch"), [("question", "answer"), ("complaint", "apologise"), ("praise", "frame")]
)
def test_one_branch_runs_and_no_other(kind, branch):
    for outcome in outcomes(workflow, {"kind": kind}, orders=4):
        assert outcome.ran == ["read", branch]
