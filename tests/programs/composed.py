"""A run of maps, subgraphs, joins and cancellations that can be killed at any moment: ``python composed.py DATABASE RUN_ID LOG``.

Every node appends its activation to LOG as soon as it starts. What comes out depends on no timing: who comes first is
somebody else each time, but what is made of it is not.
"""

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, ItemError, add, extend
from backedge.checkpoints import SqliteJournal
from backedge.engine.errors import RunExistsError


class Page(BaseModel):
    url: str
    lines: Annotated[list[str], extend] = []
    text: str = ""
    tries: Annotated[int, add] = 0


class Site(BaseModel):
    urls: list[str] = ["a", "b", "c"]
    pages: list[str | ItemError] = []
    counts: Annotated[list[int], extend] = []
    winners: Annotated[int, add] = 0
    rounds: Annotated[int, add] = 0


def build(log):
    def note(ctx):
        os.write(log, f"{ctx.activation}\n".encode())

    def a_while():
        return asyncio.sleep(random.uniform(0, 0.004))

    page = Graph(Page, name="page")

    @page.node(writes=("lines", "tries"))
    async def load(url: str, tries: int, ctx: Context) -> dict[str, object]:
        note(ctx)
        await a_while()
        if url == "b" and tries == 0:
            ctx.add("b1", "bad")
        return {"lines": [f"{url}{tries}"], "tries": 1}

    @page.node(writes="text")
    async def read(lines: list[str], url: str, ctx: Context) -> str:
        note(ctx)
        await a_while()
        if url == "bad":
            raise ValueError("bad page")
        return " ".join(lines)

    page.chain(START, load, read)
    page.feedback(read, load, when=lambda tries: tries < 2, limit=3)
    page.edge(read, END, when=lambda tries: tries >= 2)

    graph = Graph(Site)
    crawl = graph.map(
        page,
        over="urls",
        item="url",
        into="pages",
        result="text",
        errors="collect",
        name="crawl",
        concurrency=2,
    )

    def racer(name):
        async def race(ctx: Context) -> None:
            note(ctx)
            await a_while()

        return graph.node(race, name=name)

    @graph.node(writes="winners", join="first", rest="cancel")
    async def won(ctx: Context) -> int:
        note(ctx)
        return 1

    @graph.node(writes=("counts", "rounds"))
    async def count(pages: list[str | ItemError], ctx: Context) -> dict[str, object]:
        note(ctx)
        return {"counts": [len(pages)], "rounds": 1}

    graph.chain(START, crawl, count)
    for name in ("left", "right", "middle"):
        graph.chain(crawl, racer(name), won)
    graph.edge(won, count)
    graph.feedback(count, crawl, when=lambda rounds: rounds < 3, limit=5)
    graph.edge(count, END, when=lambda rounds: rounds >= 3)
    return graph.compile()


async def main(database, run_id, log):
    flow = build(log)
    async with await SqliteJournal.open(database) as journal:
        try:
            result = await flow.run(journal=journal, run_id=run_id)
        except RunExistsError:
            result = await flow.resume(run_id, journal=journal)
    print(result.state.model_dump_json(), flush=True)


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), sys.argv[2], os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    )
