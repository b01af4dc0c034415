"""A run that stops its own process at a place of choice, never amid a commit; started by ``warm.py``.

In LOG stands a line for each effect that was carried out, with the id of the process that did it.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt, wait_fixed

from backedge import END, START, BlockingContext, Context, Graph, extend
from backedge.checkpoints import SqliteJournal
from backedge.engine.records import AttemptFailed, EffectOpened

AFTER = {"timer": EffectOpened, "retry": AttemptFailed}  # once the first record of this kind is committed
PLACES = ("node", "effect", "between", "gather", "thread", *AFTER)


class State(BaseModel):
    done: Annotated[list[str], extend] = []


def build(log, stop_at=""):  # noqa: C901  # a node for each place to stop at
    """The graph; `log` is the path of the file that effects are noted in."""
    graph = Graph(State)

    def here(place):
        if place == stop_at:
            stop()

    def note(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect} {os.getpid()}\n")
        return effect

    async def begun(effect):
        note(effect)
        here("effect")
        return effect

    @graph.node(writes="done")
    async def plain() -> list[str]:
        here("node")
        return ["plain"]

    @graph.node(writes="done")
    async def steps(ctx: Context) -> list[str]:
        first = await ctx.step("first", note, "first")
        here("between")
        return [first, await ctx.step("second", begun, "second")]

    @graph.node(writes="done")
    async def parts(ctx: Context) -> list[str]:
        barrier = asyncio.Barrier(2)

        async def part(name):
            one = await ctx.step(f"{name} one", note, f"{name} one")
            if await barrier.wait() == 1:  # both have theirs, and neither asks for the next yet
                here("gather")
            return f"{one}, {await ctx.step(f'{name} two', note, f'{name} two')}"

        return await ctx.gather(part("left"), part("right"))

    @graph.node(writes="done")
    def threaded(ctx: BlockingContext) -> list[str]:
        one = ctx.step("thread one", note, "thread one")
        here("thread")
        return [one, ctx.step("thread two", note, "thread two")]

    @graph.node(writes="done")
    async def timed(ctx: Context) -> list[str]:
        await ctx.sleep(0.1)
        return [await ctx.step("after the timer", note, "after the timer")]

    @graph.node(writes="done", retry=AsyncRetrying(stop=stop_after_attempt(2), wait=wait_fixed(0.1)))
    async def retried(ctx: Context) -> list[str]:
        if ctx.attempt == 1:
            raise ConnectionError
        return [await ctx.step("again", note, "again")]

    graph.chain(START, plain, steps, parts, threaded, timed, retried, END)
    return graph.compile()


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


class StoppingJournal(SqliteJournal):
    """Stops the process once the first record of a kind is committed, before anything follows from it."""

    kind: type | None = None

    async def create(self, header, first, *more):
        log = await super().create(header, first, *more)
        append = log.append

        def watched(*records, taken=()):
            future = append(*records, taken=taken)
            if self.kind is not None and isinstance(records[0], self.kind):
                self.kind = None
                future.add_done_callback(lambda _: stop())
            return future

        log.append = watched
        return log


async def main(database, run_id, log, stop_at):
    async with await StoppingJournal.open(database) as journal:
        journal.kind = AFTER.get(stop_at)
        result = await build(log, stop_at).run(journal=journal, run_id=run_id)
    return result.state.model_dump_json()
