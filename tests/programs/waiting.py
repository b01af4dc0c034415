"""A run that begins an effect which would last for ever, and stops its process meanwhile; started by ``warm.py``."""

import asyncio
import os
import signal
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Context, Graph
from backedge.checkpoints import SqliteJournal


class State(BaseModel):
    done: str = ""


def build(log):
    """The graph; `log` is the path of the file that effects are noted in."""
    graph = Graph(State)

    def note(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")

    async def last():
        note("begun")
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGSTOP)
        await asyncio.Event().wait()

    @graph.node(writes="done")
    async def worker(ctx: Context) -> str:
        await ctx.step("last", last)
        await ctx.step("more", note, "more")
        return "done"

    graph.chain(START, worker, END)
    return graph.compile()


async def main(database, run_id, log):
    async with await SqliteJournal.open(database) as journal:
        return (await build(log).run(journal=journal, run_id=run_id)).state
