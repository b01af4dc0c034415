"""What a call of a tool costs of ours: ``python -m benchmarks tools``.

From the JSON that a model wrote to the parts that it reads; the function itself does next to nothing. Every call is
timed by itself, so that there is a 99th percentile.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from backedge import END, START, Context, Flow, Graph
from backedge.checkpoints import SqliteJournal
from backedge.engine.ports import Journal
from backedge.nodes.tools import AnyTool, Content, ToolArgumentsError, tool

from .journal import bare
from .measure import spell

CALLS = 20_000
BAR = 100e-6


class Stop(BaseModel):
    city: str
    nights: int = Field(ge=1)


@tool(permission="read")
async def add(first: int, second: int = 2) -> int:
    """Add two numbers."""
    return first + second


@tool(permission="read", timeout=30)
async def bounded(first: int, second: int = 2) -> int:
    """Add two numbers, in time."""
    return first + second


@tool(permission="read", timeout=30)
async def plan(
    stops: list[Stop],
    mode: Literal["car", "train"],
    budget: Annotated[float, Field(ge=0)] = 100.0,
) -> list[Stop]:
    """Plan a trip."""
    return stops


@tool(permission="read")
def threaded(first: int) -> int:
    """Give the number back, from a thread."""
    return first


async def one_by_one(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Seconds of each of so many calls, shortest first."""
    times = []
    gc.collect()
    for _ in range(count):
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return sorted(times)


def calling(made: AnyTool, arguments: str) -> Callable[[], Awaitable[object]]:
    return lambda: made.call(arguments)


def refused(made: AnyTool, arguments: str) -> Callable[[], Awaitable[object]]:
    async def call() -> None:
        try:
            await made.call(arguments)
        except ToolArgumentsError:
            return
        raise AssertionError("it was taken")

    return call


class State(BaseModel):
    total: int = 0


def in_a_node(made: AnyTool, spent: list[float], times: list[float], count: int) -> Flow[State]:
    """A node that calls the tool so often, one call after the other, each a recorded effect, as an agent's node does.

    It notes how long each call took, and what the thread spent on one on average.
    """
    graph = Graph(State)

    async def call(given: str) -> Content:
        return await made.call(given)

    @graph.node(writes="total")
    async def body(ctx: Context) -> int:
        all_began = time.thread_time()
        for place in range(count):
            arguments = f'{{"first": {place}, "second": 3}}'
            began = time.perf_counter()
            await ctx.step(made.name, call, arguments, kind="tool")
            times.append(time.perf_counter() - began)
        spent.append((time.thread_time() - all_began) / count)
        return count

    graph.chain(START, body, END)
    return graph.compile()


async def recorded(journal: Journal | None, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of a call as an effect, shortest first: what the thread spent in each of the runs, and each call's on the clock."""
    spent: list[float] = []
    times: list[float] = []
    flow = in_a_node(add, spent, times, 50)
    gc.collect()
    for _ in range(runs):
        await flow.run(journal=journal)
    return sorted(spent), sorted(times)


async def beside(folder: Path, synchronous: str, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of bare commits of one row and of calls with a journal on the same disk, shortest first, run by run in turn."""
    floor: list[float] = []
    times: list[float] = []
    async with (
        bare(folder / f"bare-{synchronous}.db", synchronous) as commit,
        await SqliteJournal.open(folder / f"{synchronous}.db", synchronous=synchronous) as journal,
    ):
        for _ in range(runs):
            times += (await recorded(journal, 1))[1]
            for _ in range(50):
                began = time.perf_counter()
                await commit(b"x" * 200)
                floor.append(time.perf_counter() - began)
    return sorted(floor), sorted(times)


TRIP = '{"stops": [{"city": "Ulm", "nights": 2}, {"city": "Bonn", "nights": 1}], "mode": "train"}'
MEASURED: tuple[tuple[str, Callable[[], Awaitable[object]], float | None], ...] = (
    ("an async tool, two numbers", calling(add, '{"first": 1, "second": 3}'), BAR),
    ("the same with a timeout", calling(bounded, '{"first": 1, "second": 3}'), BAR),
    ("an async tool, nested models in and out, a timeout", calling(plan, TRIP), BAR),
    ("arguments that do not fit, and the complaint", refused(add, '{"first": "x", "secnd": 3}'), None),
    ("a plain function, in a thread of its own", calling(threaded, '{"first": 1}'), None),
)


def tell(what: str, times: list[float], bar: float | None, late_bar: float | None = None) -> None:
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    verdict = ""
    if bar is not None:
        verdict = f"  (bar {spell(bar)}) {'ok' if middle <= bar else 'ABOVE'}"
    if late_bar is not None:
        verdict = f"  (bar for p99 {spell(late_bar)}) {'ok' if late <= late_bar else 'ABOVE'}"
    print(f"{what:<58} {spell(middle):>9} {spell(late):>9}{verdict}")


def main() -> None:
    print(f"{'':<58} {'median':>9} {'p99':>9}")
    for what, call, bar in MEASURED:
        asyncio.run(one_by_one(call, CALLS // 10))
        tell(what, asyncio.run(one_by_one(call, CALLS)), bar)
    spent, times = asyncio.run(recorded(None, CALLS // 100))
    tell("the first as an effect of a node, no journal, processor time", spent, BAR)
    tell("… on the clock", times, None)
    with TemporaryDirectory() as folder:
        for synchronous in ("full", "normal"):
            floor, times = asyncio.run(beside(Path(folder), synchronous, CALLS // 200))
            tell(f"a bare commit of such a record, {synchronous}", floor, None)
            tell(f"the call with a journal on disk, {synchronous}, on the clock", times, None, 1e-3)


if __name__ == "__main__":
    main()
