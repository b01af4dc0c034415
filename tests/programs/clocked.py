"""A run with timers during which the clock on the wall is set; started by ``warm.py``.

The clock jumps by so many seconds while the first timer runs, and is right again soon after where it was set back.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import SqliteJournal


class State(BaseModel):
    done: Annotated[list[str], extend] = []


def build(log, jump=0.0):
    """The graph; `log` is the path of the file that effects are noted in."""
    graph = Graph(State)
    real, ahead = time.time, [0.0]

    def set_clock(seconds):
        os.write(1, b"the clock was set\n")
        ahead[0] = seconds
        time.time = lambda: real() + ahead[0]

    def note(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")
        return effect

    def disturb():
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, set_clock, jump)
        if jump < 0:
            loop.call_later(0.5, set_clock, 0)

    @graph.node(writes="done")
    async def one(ctx: Context) -> list[str]:
        before = await ctx.step("before one", note, "before_one")
        if jump:
            disturb()
        await ctx.sleep(0.2)
        return [before, await ctx.step("after one", note, "after_one")]

    @graph.node(writes="done")
    async def two(ctx: Context) -> list[str]:
        before = await ctx.step("before two", note, "before_two")
        await ctx.sleep(0.2)
        return [before, await ctx.step("after two", note, "after_two")]

    graph.chain(START, one, two, END)
    return graph.compile()


async def main(database, run_id, log, jump):
    async with await SqliteJournal.open(database) as journal:
        result = await build(log, jump).run(journal=journal, run_id=run_id)
    return result.state.model_dump_json()
