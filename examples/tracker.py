"""Follow a run by its events: how far it is, what takes so long, and when it will be done.

    .venv/bin/python examples/tracker.py

Four pages are fetched, two at a time, and put together. The same picture is then made again from the journal alone, as of a run
that another process worked on.
"""

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, ActivationFinished, Graph
from backedge.nodes.tracking import Tracker, tracked


class Report(BaseModel):
    """What goes through the graph."""

    pages: list[str] = ["news", "sport", "weather", "letters"]
    texts: list[str] = []
    report: str = ""


graph = Graph(Report)


async def fetch(page: str) -> str:
    """Pretend: long pages take longer."""
    await asyncio.sleep(0.02 * len(page))
    return f"<{page}>"


@graph.node(writes="report")
async def put_together(texts: list[str]) -> str:
    await asyncio.sleep(0.03)
    return " ".join(texts)


fetching = graph.map(fetch, over="pages", item="page", into="texts", concurrency=2)
graph.chain(START, fetching, put_together, END)
flow = graph.compile()


async def main(journal: Path) -> None:
    """Follow a run while it goes on, then look at it again."""
    tracker = Tracker(flow, typical={"put_together": 0.03})
    async with flow.start({}, journal=journal, run_id="monday") as run:
        async for event in run.events():
            tracker.feed(event)
            if isinstance(event, ActivationFinished) and event.activation.node == "fetch":
                now = tracker.progress()
                when = "nobody knows" if now.eta is None else now.eta.sure
                print(f"{now.done} of {now.most} activations done; when it will be over: {when}")
    past = await tracked(flow, "monday", journal=journal)
    print(f"from the journal: {past.progress().status.value}, {past.progress().fraction:.0%}")
    longest = past.bottlenecks().by_total[0]
    print(f"most of the time went into {longest.node}, {longest.count} times")
    print(f"two at once, as said: {past.timeline().lanes == 2}")
    print(past.timeline().bars(width=40))


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder) / "runs.db"))
