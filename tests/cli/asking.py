"""A graph whose run waits for whatever it is told to wait for."""

ASKING = """\
import asyncio
import os
from pathlib import Path

from backedge import END, START, Context, Graph
from pydantic import BaseModel


class State(BaseModel):
    what: str
    got: str = ""


graph = Graph(State, name="asking")


@graph.node(writes="got")
async def node(what: str, ctx: Context) -> str:
    with Path("began.txt").open("a") as file:
        print(what, file=file)
    if what == "text":
        return await ctx.ask("well?")
    if what == "number":
        return str(await ctx.ask("how many?", schema=int))
    if what == "choice":
        return await ctx.ask("which?", choices=["red", "blue", "7"])
    if what == "two":
        return str(await ctx.gather(ctx.ask("first?"), ctx.ask("second?")))
    if what == "signal":
        return str(await ctx.receive("go"))
    if what == "timer":
        await ctx.sleep(3600)
    if what == "unsafe":
        return await ctx.step("pay", pay, safety="unsafe")
    if what == "slow":
        await gate()
    if what == "busy":
        return (await ctx.gather(ctx.ask("well?"), ctx.step("gate", gate)))[0]
    if what == "fail" and not Path("mended").exists():
        raise ValueError("no luck")
    return "done"


async def gate() -> None:
    while not Path("gate").exists():
        await asyncio.sleep(0.01)


async def pay() -> str:
    if not Path("paid").exists():
        Path("paid").touch()
        os.kill(os.getpid(), 9)
    return "paid again"


graph.chain(START, node, END)

careful = Graph(State, name="careful")


@careful.node(writes="got", approve=True)
async def guarded(what: str) -> str:
    return what * 2


careful.chain(START, guarded, END)
"""
