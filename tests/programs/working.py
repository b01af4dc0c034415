"""A graph whose every effect is told to a file outside, before it is carried out; for workers that get killed."""

import asyncio
import os
import random
import time
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, EffectKey, Graph, add


class Load(BaseModel):
    log: str
    rounds: int
    waits: bool = False
    total: Annotated[int, add] = 0
    told: str = ""


def note(log: str, *parts: object) -> None:
    """One line, whole or not at all, whoever else writes and whatever becomes of the process."""
    line = " ".join(map(str, [f"{time.time():.6f}", os.getpid(), *parts])) + "\n"
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


async def effect(log: str, number: int, key: EffectKey) -> int:
    note(log, "effect", key)
    await asyncio.sleep(random.uniform(0, 0.02))
    return number


def blocking(log: str, number: int, key: EffectKey) -> int:
    note(log, "effect", key)
    return number


graph = Graph(Load, name="load")


@graph.node(writes="total")
async def work(log: str, ctx: Context) -> int:
    note(log, "node", ctx.run_id, ctx.activation)
    first = await ctx.step("one", effect, log, 1)
    await ctx.sleep(0.01)
    both = await ctx.gather(ctx.step("two", effect, log, 2), ctx.step("three", blocking, log, 3))
    return first + sum(both)


@graph.node
async def check(log: str, ctx: Context) -> None:
    note(log, "node", ctx.run_id, ctx.activation)


@graph.node(writes="told")
async def wait(log: str, waits: bool, ctx: Context) -> str:
    note(log, "node", ctx.run_id, ctx.activation)
    return await ctx.receive("go", schema=str) if waits else "at once"


graph.chain(START, work, check)
graph.feedback(check, work, when=lambda total, rounds: total < 6 * rounds, limit=None)
graph.edge(check, wait, when=lambda total, rounds: total >= 6 * rounds)
graph.edge(wait, END)
