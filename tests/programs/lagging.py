"""A run that goes on before its records are on disk, and kills itself: ``lagging.py DATABASE LOG DURABILITY VICTIM``.

Each effect that is carried out is noted in LOG. VICTIM says at which one the process dies, right after it was noted; with
``-`` it does not.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend

ROUNDS = 6


class State(BaseModel):
    trail: Annotated[list[str], extend] = []
    paid: Annotated[list[str], extend] = []


def build(log, victim="-"):
    """The graph: a loop of plain nodes, with a step that must not be done twice in its fourth round."""
    graph = Graph(State)

    def carry_out(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")
        if effect == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return effect

    @graph.node(writes="trail")
    async def plain(trail: list[str], ctx: Context) -> list[str]:
        return [carry_out(str(ctx.activation))]

    @graph.node(writes="trail")
    async def stepping(trail: list[str], ctx: Context) -> list[str]:
        return [await ctx.step("step", carry_out, f"{ctx.activation}/step")]

    @graph.node(writes="paid")
    async def paying(trail: list[str], ctx: Context) -> list[str]:
        if len(trail) != 8:
            return []
        return [await ctx.step("pay", carry_out, f"{ctx.activation}/pay", safety="unsafe")]

    graph.chain(START, plain, stepping, paying)
    graph.feedback(paying, plain, when=lambda trail: len(trail) < 2 * ROUNDS, limit=None)
    graph.edge(paying, END, when=lambda trail: len(trail) >= 2 * ROUNDS)
    return graph.compile()


async def main(database, log, durability, victim):
    """Run to the end, if there is one."""
    result = await build(log, victim).run(journal=database, run_id="r", durability=durability)
    print(result.state.model_dump_json())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
