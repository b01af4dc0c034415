"""A run keeps nothing of the rounds that are over, and nothing of itself when it is."""

import asyncio
import gc
import weakref
from collections import Counter
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, add
from backedge.engine.execution.executor import Executor

from ..virtual import run_virtual


class State(BaseModel):
    count: int = 0
    total: Annotated[int, add] = 0


def census():
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects())


@pytest.mark.parametrize("inline", [False, True])
def test_the_number_of_objects_is_the_same_after_many_rounds(inline):
    counted = {}
    graph = Graph(State)

    def look(count):
        if count in (300, 900):
            counted[count] = census()

    async def later(count: int, ctx: Context) -> int:
        look(count)
        return count + 1

    def at_once(count: int) -> int:
        look(count)
        return count + 1

    up = graph.node(at_once if inline else later, name="up", writes="count", inline=inline)
    other = graph.node(lambda: 1, name="other", writes="total", inline=True)
    head = graph.node(lambda: None, name="head", inline=True)
    tail = graph.node(lambda: None, name="tail", inline=True)
    graph.chain(START, head, up, tail)
    graph.chain(head, other, tail)
    graph.feedback(tail, head, when=lambda count: count <= 900, limit=None)
    graph.edge(tail, END, when=lambda count: count > 900)
    state = run_virtual(graph.compile().run(), debug=False).state
    assert state.total == state.count == 901
    more = counted[900] - counted[300]
    assert sum(more.values()) < 150, more  # caches of types, not rounds


@pytest.mark.parametrize("how", ["run", "start"])
def test_a_run_that_is_over_is_freed_without_the_garbage_collector(how, monkeypatch):
    made = []
    begin = Executor.begin
    monkeypatch.setattr(Executor, "begin", lambda self: (made.append(weakref.ref(self)), begin(self))[1])
    graph = Graph(State)

    @graph.node(writes="count")
    async def node() -> int:
        await asyncio.sleep(1)
        return 1

    @graph.node(writes="total", inline=True)
    def quick() -> int:
        return 1

    graph.chain(START, node, quick, END)
    flow = graph.compile()

    async def go():
        if how == "run":
            await flow.run(concurrency=1, deadline=100)
        else:
            async with flow.start() as run:
                await run.result()
            del run
        await asyncio.sleep(0)
        return made[0]()

    gc.collect()
    gc.disable()
    try:
        assert run_virtual(go(), debug=False) is None
    finally:
        gc.enable()
