from typing import Literal

import pytest

from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=5,
    name="Simple Merge",
    intent="Alternative branches lead on to the same step, which runs for the one that was taken without waiting for the others.",
    langgraph="yes: edges from each branch",
    pydantic_graph="yes: edges from each branch",
    agent_framework="yes: edges from each branch",
)


class Payment(State):
    by: Literal["card", "transfer", "voucher"]


def workflow():
    graph = Graph(Payment, resources={"work": Work})
    cart, charge, remind, redeem, book, ship = steps(graph, "cart charge remind redeem book ship")
    graph.edge(START, cart)
    graph.switch(cart, {"card": charge, "transfer": remind, "voucher": redeem}, on="by")
    graph.chain(remind, book, ship)
    for branch in (charge, redeem):
        graph.edge(branch, ship)
    graph.edge(ship, END)
    return graph


@pytest.mark.parametrize(
    ("by", "branch"), [("card", ["charge"]), ("transfer", ["remind", "book"]), ("voucher", ["redeem"])]
)
def test_the_merge_runs_once_whichever_branch_was_taken(by, branch):
    for outcome in outcomes(workflow, {"by": by}, orders=4):
        assert outcome.ran == ["cart", *branch, "ship"]
