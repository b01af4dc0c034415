"""What a durable step costs through the whole engine: ``python -m benchmarks.durable [FOLDER]``.

A step is everything from the beginning of one node of a loop to that of the next: the node runs, what it returns is
validated, stored and read back, conditions decide, the record is committed, the schedule goes on. The yardstick commits
the very same records, one after the other, each in one hop to the SQLite thread: one function that begins, inserts into
a table of two columns and commits. Both take turns in one process, some hundred steps each. A turn gives the median of
its steps, so that the rare moving of the write-ahead log into the database, which the yardstick never does, is left out;
what counts is the median of the turns' ratios. FOLDER says which disk to use.

Then the same with records that are committed later than they are acted upon. There a median would hide the writing, so it is
the whole run that is timed, its first and its last commit included, against that of the yardstick.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from pydantic import BaseModel

from backedge import END, START, Flow, Graph
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.checkpoints.codec import encode
from backedge.engine.execution.durability import DURABILITIES, Durability
from backedge.engine.records import NodeFinished

from .journal import bare
from .measure import spell

STEPS = 200
TURNS = 31


class State(BaseModel):
    count: int = 0
    text: str = ""


def loop(steps: int, size: int, began: list[float]) -> Flow[State]:
    """Two nodes in a loop: one writes a text of so many bytes, the other counts. Both note when they began."""
    graph = Graph(State, name="loop")
    text = "x" * size

    @graph.node(writes="text")
    async def write() -> str:
        began.append(perf_counter())
        return text

    @graph.node(writes="count")
    async def up(count: int) -> int:
        began.append(perf_counter())
        return count + 2

    graph.chain(START, write, up)
    graph.feedback(up, write, when=lambda count: count < steps, limit=None)
    graph.edge(up, END, when=lambda count: count >= steps)
    return graph.compile()


async def delta(flow: Flow[State]) -> list[bytes]:
    """What a run of the flow stores for each of its steps."""
    journal = MemoryJournal()
    await flow.run(journal=journal, run_id="delta")
    records = await journal.read("delta")
    return [encode(record).body for record in records if isinstance(record, NodeFinished)]


async def side_by_side(folder: Path, synchronous: str, size: int) -> tuple[Sequence[float], ...]:
    """Seconds a bare commit, seconds a step, and transactions a step, for each turn."""
    began: list[float] = []
    flow = loop(STEPS, size, began)
    bodies = await delta(flow)
    assert len(bodies) == STEPS
    name = f"{synchronous}-{size}"
    rows: list[tuple[float, float, float]] = []
    async with (
        bare(folder / f"bare-{name}.db", synchronous) as commit,
        await SqliteJournal.open(folder / f"{name}.db", synchronous=synchronous) as journal,
    ):
        for turn in range(TURNS + 1):
            committed = [perf_counter()]
            for body in bodies:
                await commit(body)
                committed.append(perf_counter())
            before = journal.commits
            began.clear()
            await flow.run(journal=journal, run_id=f"run{turn}")
            rows.append((between(committed), between(began), (journal.commits - before) / STEPS))
    return tuple(zip(*rows[1:], strict=True))


async def whole_runs(folder: Path, durability: Durability, size: int) -> tuple[Sequence[float], ...]:
    """Seconds a bare commit, seconds a step of a whole run, and transactions of a run, for each turn."""
    flow = loop(STEPS, size, [])
    bodies = await delta(flow)
    name = f"{durability}-{size}"
    rows: list[tuple[float, float, float]] = []
    async with (
        bare(folder / f"bare-{name}.db", "full") as commit,
        await SqliteJournal.open(folder / f"{name}.db") as journal,
    ):
        for turn in range(TURNS + 1):
            began = perf_counter()
            for body in bodies:
                await commit(body)
            floor = (perf_counter() - began) / STEPS
            before = journal.commits
            began = perf_counter()
            await flow.run(journal=journal, run_id=f"run{turn}", durability=durability)
            rows.append((floor, (perf_counter() - began) / STEPS, float(journal.commits - before)))
    return tuple(zip(*rows[1:], strict=True))


def between(times: Sequence[float]) -> float:
    """The median of the time from one to the next."""
    return median(later - earlier for earlier, later in pairwise(times))


async def measure(folder: Path) -> None:
    """Print a line for each level and size."""
    for synchronous in ("normal", "full"):
        for size in (100, 1024):
            floors, ours, commits = await side_by_side(folder, synchronous, size)
            ratio = median(a / b for a, b in zip(ours, floors, strict=True))
            told = f"{spell(median(ours)):>9} {spell(median(floors)):>9} {ratio:>6.2f} x  (bar 2 x)"
            print(
                f"{f'a durable step that writes {size} bytes every other time, {synchronous}':<64} {told}"
                f"  {median(commits):.2f} commits a step"
            )
    for durability in DURABILITIES:
        floors, ours, commits = await whole_runs(folder, durability, 100)
        ratio = median(a / b for a, b in zip(ours, floors, strict=True))
        told = f"{spell(median(ours)):>9} {spell(median(floors)):>9} {ratio:>6.2f} x"
        what = f"a step of a whole run of {STEPS}, full, durability {durability}"
        print(f"{what:<64} {told}  {median(commits):.0f} commits a run")


def main() -> None:
    """Measure in a new folder and remove it."""
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
