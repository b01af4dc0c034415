"""What a run's past costs: ``python -m benchmarks.past [ROUNDS]``.

A run of one node that goes round, in a SQLite file: making a fork, running one on, replaying, looking back. A fork is made
with the default durability, so it waits for the disk.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from pydantic import BaseModel

from backedge import END, START, EventsDropped, Flow, Graph
from backedge.checkpoints import SqliteJournal
from backedge.engine.ports import Journal


class State(BaseModel):
    n: int = 0
    goal: int


def flow_of() -> Flow[State]:
    graph = Graph(State)

    @graph.node(writes="n", inline=True)
    def step(n: int) -> int:
        return n + 1

    graph.edge(START, step)
    graph.feedback(step, step, when=lambda n, goal: n < goal, limit=None)
    graph.edge(step, END, when=lambda n, goal: n >= goal)
    return graph.compile()


async def forks(flow: Flow[State], journal: Journal, rounds: int) -> None:
    for at in (10, rounds // 2, rounds - 10):
        took = []
        for _ in range(20):
            began = perf_counter()
            await flow.fork("r", journal=journal, at=at, edit={"goal": at + 5}, start=False)
            took.append(perf_counter() - began)
        print(f"make a fork at record {at:<7} {median(took) * 1e3:8.2f} ms")
        began = perf_counter()
        await flow.fork("r", journal=journal, at=at, edit={"goal": at + 5})
        print(f"fork there, and run 5 rounds on {(perf_counter() - began) * 1e3:8.1f} ms")


async def opening(flow: Flow[State], path: Path, rounds: int) -> None:
    """Interrupt a long run near its end, and go on with it in a journal that was just opened."""
    took = []
    for number in range(5):
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            name = f"long{number}"
            async with flow.start({"goal": 100 * rounds}, journal=journal, run_id=name) as run:
                seen = 0
                async for event in run.events():
                    seen += event.count if isinstance(event, EventsDropped) else 1
                    if seen >= 3 * rounds:  # each round becomes ready, begins and ends
                        break
        async with await SqliteJournal.open(path) as journal:
            began = perf_counter()
            async with flow.reopen(name, journal=journal):
                took.append(perf_counter() - began)
    print(f"open a run of {rounds:,} records {median(took) * 1e3:8.2f} ms")


async def past(flow: Flow[State], journal: Journal) -> None:
    began = perf_counter()
    assert await flow.replay("r", journal=journal)
    print(f"replay                        {(perf_counter() - began) * 1e3:8.0f} ms")
    began = perf_counter()
    assert await flow.replay("r", journal=journal, verify="conditions")
    print(f"replay, conditions asked      {(perf_counter() - began) * 1e3:8.0f} ms")
    began = perf_counter()
    checkpoints = await flow.history("r", journal=journal)
    print(f"history                       {(perf_counter() - began) * 1e3:8.0f} ms")
    began = perf_counter()
    for checkpoint in checkpoints:
        assert checkpoint.after is not None
    print(f"all its states                {(perf_counter() - began) * 1e3:8.0f} ms")


async def measure(rounds: int) -> None:
    flow = flow_of()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        async with await SqliteJournal.open(path, synchronous="normal") as journal:
            await flow.run({"goal": rounds}, journal=journal, run_id="r")
        async with await SqliteJournal.open(path) as journal:
            print(f"a run of {len(await journal.read('r')):,} records")
            await opening(flow, Path(folder) / "long.db", rounds)
            await forks(flow, journal, rounds)
            await past(flow, journal)


def main() -> None:
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))


if __name__ == "__main__":
    main()
