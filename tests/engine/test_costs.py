"""What a step costs in calls of our own functions: counted, so that no load on the machine changes it.

A step that needs more of them than it did is slower, and nothing else would tell. The numbers are those of CPython 3.11, where
each comprehension counts as one; there may be fewer, and if there are many fewer the bound should follow.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel

import backedge.engine.schedule
from backedge import END, START, Graph, extend
from backedge.checkpoints import MemoryJournal

ENGINE = str(Path(backedge.engine.schedule.__file__).parent)


class State(BaseModel):
    count: int = 0
    items: Annotated[list[int], extend] = []


async def nothing():
    pass


def idle(steps):
    """Two nodes in a loop that do nothing."""
    graph = Graph(State)
    first, second = graph.node(nothing, name="first"), graph.node(nothing, name="second")
    graph.chain(START, first, second)
    graph.feedback(second, first, limit=steps // 2, otherwise=END)
    return graph.compile()


def counting(steps):
    """A node in a loop that writes what two conditions read."""
    graph = Graph(State)

    @graph.node(writes="count")
    async def up(count: int) -> int:
        return count + 1

    graph.edge(START, up)
    graph.feedback(up, up, when=lambda count: count < steps, limit=None)
    graph.edge(up, END, when=lambda count: count >= steps)
    return graph.compile()


def fan(steps, *, writes=False):
    """Nodes side by side, and one that joins them."""
    graph = Graph(State)
    fork, join = graph.node(nothing, name="fork"), graph.node(nothing, name="join")
    graph.edge(START, fork)

    async def item() -> list[int]:
        return [1]

    for number in range(steps):
        worker = graph.node(
            item if writes else nothing, name=f"worker{number}", writes="items" if writes else ()
        )
        graph.chain(fork, worker, join)
    graph.edge(join, END)
    return graph.compile()


def reducing(steps):
    """The same, and each adds to a list."""
    return fan(steps, writes=True)


def calls(flow, *, kept):
    """How many calls of the engine's functions a run takes."""
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(ENGINE)

    async def go():
        async with MemoryJournal() as journal:
            sys.setprofile(profile)
            try:
                await flow.run(journal=journal if kept else None)
            finally:
                sys.setprofile(None)

    asyncio.run(go())
    return count


@pytest.mark.parametrize(
    ("build", "kept", "most"),
    [
        (idle, False, 28),
        (counting, False, 46),
        (counting, True, 56),
        (fan, False, 27),
        (reducing, False, 44),
    ],
    ids=["idle", "counting", "counting, kept", "side by side", "side by side, with a reducer"],
)
def test_a_step_takes_no_more_calls_than_it_did(build, kept, most):
    few, many = (calls(build(steps), kept=kept) for steps in (20, 120))
    assert (many - few) / 100 <= most
