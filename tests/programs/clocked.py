"""A run with timers during which the clock on the wall is set; started by ``warm.py``.

The clock jumps by so many seconds while the first timer runs. How long each timer really took is told.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import SqliteJournal

SECONDS = 0.2


class State(BaseModel):
    done: Annotated[list[str], extend] = []


def build(log, jump=0.0):
    """The graph; `log` is the path of the file that effects are noted in."""
    graph = Graph(State)
    real = time.time

    def set_clock():
        os.write(1, b"the clock was set\n")
        time.time = lambda: real() + jump

    async def timer(ctx):
        began = time.monotonic()
        await ctx.sleep(SECONDS)
        os.write(1, f"slept {time.monotonic() - began}\n".encode())

    def note(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")
        return effect

    @graph.node(writes="done")
    async def one(ctx: Context) -> list[str]:
        before = await ctx.step("before one", note, "before_one")
        if jump:
            asyncio.get_running_loop().call_later(SECONDS / 4, set_clock)
        await timer(ctx)
        return [before, await ctx.step("after one", note, "after_one")]

    @graph.node(writes="done")
    async def two(ctx: Context) -> list[str]:
        before = await ctx.step("before two", note, "before_two")
        await timer(ctx)
        return [before, await ctx.step("after two", note, "after_two")]

    graph.chain(START, one, two, END)
    return graph.compile()


async def main(database, run_id, log, jump):
    async with await SqliteJournal.open(database) as journal:
        result = await build(log, jump).run(journal=journal, run_id=run_id)
    return result.state.model_dump_json()
