"""The engine beside bare asyncio: ``python -m benchmarks.engine``."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from statistics import median
from typing import Annotated, Any

from pydantic import BaseModel

from backedge import END, START, Flow, Graph, extend

from .measure import HEAD, compare, spell

STEPS = 5_000
WIDTH = 1_000
RUNS = 10_000


class State(BaseModel):
    count: int = 0
    items: Annotated[list[int], extend] = []


async def nothing() -> None:
    pass


def round_trip(rounds: int) -> Flow[State]:
    """Two no-op nodes in a loop."""
    graph = Graph(State)
    first, second = graph.node(nothing, name="first"), graph.node(nothing, name="second")
    graph.chain(START, first, second)
    graph.feedback(second, first, limit=rounds, otherwise=END)
    return graph.compile()


def counting(rounds: int) -> Flow[State]:
    """One node that writes a field, and two conditions that read it."""
    graph = Graph(State)

    @graph.node(writes="count")
    async def up(count: int) -> int:
        return count + 1

    graph.edge(START, up)
    graph.feedback(up, up, when=lambda count: count < rounds, limit=None)
    graph.edge(up, END, when=lambda count: count >= rounds)
    return graph.compile()


def fan(width: int, *, writes: bool) -> Flow[State]:
    """A node, many nodes side by side, a node that joins them."""
    graph = Graph(State)
    fork, join = graph.node(nothing, name="fork"), graph.node(nothing, name="join")
    graph.edge(START, fork)
    for number in range(width):

        async def item(number: int = number) -> list[int]:
            return [number]

        worker = graph.node(
            item if writes else nothing, name=f"worker{number}", writes="items" if writes else ()
        )
        graph.chain(fork, worker, join)
    graph.edge(join, END)
    return graph.compile()


def sleeping(count: int, seconds: float) -> Flow[State]:
    """Sleeping nodes, one after the other."""
    graph = Graph(State)

    async def sleep() -> None:
        await asyncio.sleep(seconds)

    graph.chain(START, *(graph.node(sleep, name=f"sleep{number}") for number in range(count)), END)
    return graph.compile()


def skewed() -> tuple[Flow[State], float]:
    """Branches of very different length; and the length of the critical path in seconds."""
    graph = Graph(State)

    def sleeper(name: str, seconds: float) -> Any:
        async def sleep() -> None:
            await asyncio.sleep(seconds)

        return graph.node(sleep, name=name)

    join = sleeper("join", 0.05)
    graph.chain(START, sleeper("long", 1.0), join)
    graph.chain(START, *(sleeper(f"step{number}", 0.1) for number in range(9)), join)
    graph.chain(START, sleeper("short", 0.01), sleeper("then", 0.3), join)
    graph.edge(join, END)
    return graph.compile(), 1.05


async def bare_tasks(count: int) -> None:
    for _ in range(count):
        await asyncio.create_task(nothing())


async def bare_gather(width: int) -> None:
    async def item(number: int) -> list[int]:
        return [number]

    await asyncio.gather(*[asyncio.create_task(item(number)) for number in range(width)])


async def many_runs(flow: Flow[State], runs: int) -> None:
    await asyncio.gather(*[asyncio.create_task(flow.run()) for _ in range(runs)])


async def many_tasks(runs: int, count: int, seconds: float) -> None:
    async def sleeps() -> None:
        for _ in range(count):
            await asyncio.create_task(asyncio.sleep(seconds))

    await asyncio.gather(*[asyncio.create_task(sleeps()) for _ in range(runs)])


def per_step() -> None:
    print(HEAD)
    loop, count = round_trip(STEPS // 2), counting(STEPS)
    print(compare("a no-op node", loop.run, lambda: bare_tasks(STEPS), bar=3, per=STEPS))
    print(
        compare(
            "a node that writes, with two conditions", count.run, lambda: bare_tasks(STEPS), bar=3, per=STEPS
        )
    )
    for writes in (False, True):
        flow = fan(WIDTH, writes=writes)
        what = f"{WIDTH}-wide fan-out and join, {'each writes to a reducer' if writes else 'no-op nodes'}"
        print(compare(what, flow.run, lambda: bare_gather(WIDTH), bar=3, rounds=15))


def makespan() -> None:
    flow, critical = skewed()

    async def yardstick() -> None:
        await asyncio.sleep(critical)

    print(
        compare(
            "makespan of skewed branches beside their critical path", flow.run, yardstick, bar=1.05, rounds=3
        )
    )


def concurrent_runs() -> None:
    seconds = 0.05
    flow = sleeping(5, seconds)
    what = f"{RUNS:,} concurrent runs of 5 sleeping nodes"
    print(
        compare(what, lambda: many_runs(flow, RUNS), lambda: many_tasks(RUNS, 5, seconds), bar=2.5, rounds=3)
    )
    ours, bare = peak(lambda: many_runs(flow, 2000)) / 2000, peak(lambda: many_tasks(2000, 5, seconds)) / 2000
    print(
        f"{'memory of one such run':<58} {ours / 1024:>6.1f} KB {bare / 1024:>6.1f} KB           (bar 10 KB)"
    )


def peak(work: Any) -> int:
    """Peak of traced memory while `work` runs, in bytes."""
    with asyncio.Runner() as runner:
        runner.run(work())
        gc.collect()
        tracemalloc.start()
        runner.run(work())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def long_loop() -> None:
    times, memory = [], []
    for rounds in (25_000, 50_000, 100_000):
        flow = counting(rounds)
        start = time.perf_counter()
        flow.run_sync()
        times.append((time.perf_counter() - start) / rounds)
        memory.append(peak(counting(rounds // 20).run))
    told = ", ".join(spell(each) for each in times)
    print(f"time a round of 25,000, 50,000, 100,000 rounds: {told} (linear when equal)")
    print(
        f"peak memory of 1,250, 2,500, 5,000 rounds: {', '.join(f'{each / 1024:.0f} KB' for each in memory)}"
    )


OURS = """
from backedge import Graph, START, END
from pydantic import BaseModel
class State(BaseModel):
    text: str = ""
graph = Graph(State)
@graph.node(writes="text")
async def hello() -> str:
    return "hello"
graph.chain(START, hello, END)
assert graph.compile().run_sync().state.text == "hello"
"""
BARE = """
import asyncio
from pydantic import BaseModel
class State(BaseModel):
    text: str = ""
async def main():
    return State(text="hello")
assert asyncio.run(main()).text == "hello"
"""


def process_start() -> None:
    """Whole processes, with all bytecode there, as after an installation."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(22):
            for times, code in ((bare, BARE), (ours, OURS)):
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, env=environment)
                times.append(time.perf_counter() - start)
    ours, bare = ours[1:], bare[1:]  # the first ones compiled
    ratio = median(a / b for a, b in zip(ours, bare, strict=True))
    told = f"{spell(median(ours)):>9} {spell(median(bare)):>9} {ratio:>6.2f} x  (bar 1.2 x)"
    print(f"{'whole process: import, build, run':<58} {told}")


def main() -> None:
    per_step()
    makespan()
    concurrent_runs()
    process_start()
    long_loop()


if __name__ == "__main__":
    main()
