"""What a call of a tool costs of ours: ``python -m benchmarks tools``.

From the JSON that a model wrote to the parts that it reads; the function itself does next to nothing. The journal is not in
it. Every call is timed by itself, so that there is a 99th percentile.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from backedge.nodes.tools import AnyTool, ToolArgumentsError, tool

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


TRIP = '{"stops": [{"city": "Ulm", "nights": 2}, {"city": "Bonn", "nights": 1}], "mode": "train"}'
MEASURED: tuple[tuple[str, Callable[[], Awaitable[object]], float | None], ...] = (
    ("an async tool, two numbers", calling(add, '{"first": 1, "second": 3}'), BAR),
    ("the same with a timeout", calling(bounded, '{"first": 1, "second": 3}'), BAR),
    ("an async tool, nested models in and out, a timeout", calling(plan, TRIP), BAR),
    ("arguments that do not fit, and the complaint", refused(add, '{"first": "x", "secnd": 3}'), None),
    ("a plain function, in a thread of its own", calling(threaded, '{"first": 1}'), None),
)


def main() -> None:
    print(f"{'':<58} {'median':>9} {'p99':>9}")
    for what, call, bar in MEASURED:
        asyncio.run(one_by_one(call, CALLS // 10))
        times = asyncio.run(one_by_one(call, CALLS))
        middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
        verdict = "" if bar is None else f"  (bar {spell(bar)}) {'ok' if middle <= bar else 'ABOVE'}"
        print(f"{what:<58} {spell(middle):>9} {spell(late):>9}{verdict}")


if __name__ == "__main__":
    main()
