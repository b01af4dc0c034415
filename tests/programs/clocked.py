"""A run with timers during which the clock on the wall is set; started by ``warm.py``.

The clock jumps by so many seconds once the first timer has begun, and back once the second has.
"""

import asyncio
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
        ahead[0] = seconds
        time.time = lambda: real() + ahead[0]

    def note(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")
        return effect

    def sleeper(name, seconds):
        @graph.node(name=name, writes="done")
        async def sleeping(ctx: Context) -> list[str]:
            before = await ctx.step(f"before {name}", note, f"before_{name}")
            if jump:
                asyncio.get_running_loop().call_later(0.05, set_clock, seconds)
            await ctx.sleep(0.2)
            return [before, await ctx.step(f"after {name}", note, f"after_{name}")]

        return sleeping

    graph.chain(START, sleeper("one", jump), sleeper("two", 0.0), END)
    return graph.compile()


async def main(database, run_id, log, jump):
    async with await SqliteJournal.open(database) as journal:
        result = await build(log, jump).run(journal=journal, run_id=run_id)
    return result.state.model_dump_json()
