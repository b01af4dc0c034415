"""Effects that come back from their records: ``python -m benchmarks.effects``."""

from __future__ import annotations

import asyncio
import gc
import time
from statistics import median

from pydantic import BaseModel

from backedge import END, START, Context, Flow, Graph
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectRecorded, Record, RunHeader

from .measure import spell

EFFECTS = 10_000
BAR = 20e-6


class Page(BaseModel):
    url: str
    text: str
    links: list[str]


class State(BaseModel):
    count: int = 0


async def fetch(url: str) -> Page:
    return Page(url=url, text="x" * 200, links=[url] * 3)


async def number(what: int) -> int:
    return what


def steps(count: int, spent: list[float], *, pages: bool) -> Flow[State]:
    """One node that does so many steps, and notes how long its thread took."""
    graph = Graph(State)

    @graph.node(writes="count")
    async def body(ctx: Context) -> int:
        began = time.thread_time()
        for place in range(count):
            if pages:
                await ctx.step("fetch", fetch, f"https://example.org/{place}")
            else:
                await ctx.step("number", number, place)
        spent.append(time.thread_time() - began)
        return count

    graph.chain(START, body, END)
    return graph.compile()


async def recorded(flow: Flow[State]) -> tuple[RunHeader, list[Record]]:
    """The records of a run of which all effects are done and nothing else."""
    async with MemoryJournal() as journal:
        await flow.run(journal=journal, run_id="r")
        records = await journal.read("r")
        first = [record for record in records if record.seq == 0 or isinstance(record, EffectRecorded)]
        return await journal.header("r"), first


async def resumed(flow: Flow[State], header: RunHeader, records: list[Record]) -> None:
    """Resume a run that has these records."""
    async with MemoryJournal() as journal:
        log = await journal.create(header, records[0])  # type: ignore[arg-type]  # the first one begins the run
        await log.append(*records[1:])
        await log.release()
        gc.collect()
        await flow.resume("r", journal=journal)


async def read_back(*, pages: bool) -> float:
    """Seconds that a body takes to get one effect back. It does nothing else, so its thread's time is what counts."""
    spent: list[float] = []
    flow = steps(EFFECTS, spent, pages=pages)
    known = await recorded(flow)
    spent.clear()
    for _ in range(7):
        await resumed(flow, *known)
    return median(spent) / EFFECTS


def main() -> None:
    for what, pages in (("a number", False), ("a model of 300 bytes", True)):
        seconds = asyncio.run(read_back(pages=pages))
        verdict = "ok" if seconds <= BAR else "ABOVE"
        told = f"a recorded step gives its body {what}"
        print(f"{told:<58} {spell(seconds):>9}  (bar {spell(BAR)}) {verdict}")


if __name__ == "__main__":
    main()
