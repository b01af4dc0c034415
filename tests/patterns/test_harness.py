import asyncio
import random

import pytest

from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .world import Witness


def two_branches():
    graph = Graph(State, resources={"work": Work})
    first, one, other, last = steps(graph, "first one other last")
    graph.chain(START, first, one, last)
    graph.chain(first, other, last, END)
    return graph


def test_steps_are_done_in_every_order_there_is():
    found = outcomes(two_branches)
    assert {tuple(outcome.ran) for outcome in found if not outcome.killed} == {
        ("first", "one", "other", "last"),
        ("first", "other", "one", "last"),
    }


def test_a_run_is_killed_at_each_of_its_commits():
    killed = [outcome.trial for outcome in outcomes(two_branches, orders=1) if outcome.killed]
    assert killed == [
        *(f"order 0, killed at append {n}" for n in (1, 2, 3, 4, 5)),
        "on disk, killed at append 3",
    ]


def test_a_step_that_had_finished_and_runs_again_is_noticed():
    witness = Witness(random.Random(1))
    witness.over.add("pay")
    with pytest.raises(AssertionError, match="pay had finished and runs again"):
        asyncio.run(witness.takes_a_while("pay"))


def test_a_run_that_waits_for_what_never_comes_is_noticed():
    def workflow():
        graph = Graph(State, resources={"work": Work})

        @graph.node
        async def wait(ctx: Context) -> None:
            await ctx.receive("godot")

        graph.chain(START, wait, END)
        return graph

    async def nobody(world):
        await world.wait()

    with pytest.raises(AssertionError, match="never comes"):
        outcomes(workflow, outside=nobody)
