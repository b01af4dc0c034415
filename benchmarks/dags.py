"""Scientific workflows: makespan beside the critical path, and what compiling a large graph takes: ``python -m benchmarks.dags``."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Flow, Graph, union

from .measure import spell
from .workflows import SHAPES, Workflow, random_layers

SECONDS = 2.0
SIZES = (150, 1_700, 5_000)
TASKS, EDGES = 10_000, 30_000

Work = Callable[[str, float], Awaitable[None]]
"""What a node does: its name, and how long it takes."""


class State(BaseModel):
    done: Annotated[set[str], union] = set()


async def sleep(task: str, seconds: float) -> None:
    """Take as long as a task takes."""
    await asyncio.sleep(seconds)


def graph_of(workflow: Workflow, work: Work = sleep) -> Graph[State]:
    """A graph whose nodes do the tasks of a workflow, and tell their names.

    Example:
        >>> flow = graph_of(SHAPES["Cycles"](40).lasting(0.001)).compile()
        >>> len(flow.run_sync().state.done)
        39
    """
    graph = Graph(State, name=workflow.name)

    def node(task: str, seconds: float) -> Callable[[], Awaitable[set[str]]]:
        async def do() -> set[str]:
            await work(task, seconds)
            return {task}

        return do

    nodes = {
        task: graph.node(node(task, seconds), name=task, writes="done")
        for task, seconds in workflow.seconds.items()
    }
    last, first = dict.fromkeys(nodes), dict.fromkeys(nodes)
    for parent, child in workflow.edges:
        graph.edge(nodes[parent], nodes[child])
        last.pop(parent, None)
        first.pop(child, None)
    for task in first:
        graph.edge(START, nodes[task])
    for task in last:
        graph.edge(nodes[task], END)
    return graph


def makespan(workflow: Workflow, rounds: int = 3) -> tuple[int, float]:
    """Edges of the graph, and the median of real makespans in seconds."""
    flow: Flow[State] = graph_of(workflow).compile()
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        flow.run_sync()
        times.append(time.perf_counter() - start)
    return len(flow.graph.edges), median(times)


def makespans() -> None:
    """Each shape at each size, its critical path scaled to the same length."""
    print(
        f"{'shape':<14} {'nodes':>6} {'edges':>7} {'critical path':>14} {'makespan':>10} {'ratio':>7}  (bar 1.05 x)"
    )
    for name, shape in SHAPES.items():
        for size in SIZES:
            workflow = shape(size).lasting(SECONDS)
            edges, took = makespan(workflow)
            ratio = took / SECONDS
            verdict = "ok" if ratio <= 1.05 else "ABOVE"
            print(
                f"{name:<14} {len(workflow.seconds):>6,} {edges:>7,} {spell(SECONDS):>14} {spell(took):>10} "
                f"{ratio:>5.3f} x  {verdict}",
                flush=True,
            )


def compiling() -> None:
    """Time and memory of compiling a large graph, and how they grow."""
    print(f"\n{'compiling':<30} {'time':>9} {'CPU time':>9} {'kept':>9} {'peak':>9}  (bar 2 s)")
    for part in (4, 2, 1):
        workflow = random_layers(TASKS // part, EDGES // part)
        graph = graph_of(workflow)
        times, cpu = [], []
        for _ in range(3):
            gc.collect()
            start, busy = time.perf_counter(), time.process_time()
            graph.compile()
            times.append(time.perf_counter() - start)
            cpu.append(time.process_time() - busy)
        gc.collect()
        tracemalloc.start()
        flow = graph.compile()
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del flow
        what = f"{TASKS // part:,} nodes, {EDGES // part:,} edges"
        print(
            f"{what:<30} {spell(min(times)):>9} {spell(min(cpu)):>9} {kept / 2**20:>6.0f} MB {peak / 2**20:>6.0f} MB",
            flush=True,
        )


def main() -> None:
    compiling()
    print()
    makespans()


if __name__ == "__main__":
    main()
