"""A run with effects, a loop and large values, to be disturbed; started by ``warm.py``.

It goes on with the run if there is one. What happens is told as it happens, by plain writes that a tracer sees too:
``kept SEQ`` on standard output for each acknowledged record, and in LOG one line for each effect that was carried out.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, NOT_DONE, START, Context, Graph, add, extend
from backedge.checkpoints import SqliteJournal, database
from backedge.engine.errors import RunNotFoundError
from backedge.engine.records import RunEnded, RunStatus

ROUNDS = 2


class State(BaseModel):
    draft: str = ""
    found: Annotated[list[str], extend] = []
    cost: Annotated[int, add] = 0
    sizes: list[int] = []
    verdict: str = ""


def noted(log, effect):
    """Whether an effect was carried out."""
    with Path(log).open("a+") as file:
        file.seek(0)
        return effect in file.read().split()


def build(log):
    """The graph; `log` is the path of the file that effects are noted in."""
    graph = Graph(State)

    def carry_out(effect):
        with Path(log).open("a") as file:
            file.write(f"{effect}\n")
        return effect

    def effect_of(name, ctx):
        return f"{ctx.activation}/{name}"

    async def careful(effect):
        return carry_out(effect)

    async def look(effect):
        return effect if noted(log, effect) else NOT_DONE

    @graph.node(writes=("draft", "cost"))
    async def writer(found: list[str], ctx: Context) -> dict[str, object]:
        first = await ctx.step("first", carry_out, effect_of("first", ctx))
        asked = await ctx.step("asked", careful, effect_of("asked", ctx), query=look)
        unsafe = await ctx.step("unsafe", careful, effect_of("unsafe", ctx), safety="unsafe")
        return {"draft": f"{len(found)} {first} {asked} {unsafe}" + "." * 20_000, "cost": 1}

    @graph.node(writes="found")
    async def search(draft: str, ctx: Context) -> list[str]:
        pages = (ctx.step(name, careful, effect_of(name, ctx)) for name in ("left", "right"))
        return [page for page in await ctx.gather(*pages) if draft]

    @graph.node(writes="sizes")
    def weigh(draft: str) -> list[int]:
        return [len(draft)]

    @graph.node(writes="verdict")
    async def judge(draft: str, found: list[str], sizes: list[int], cost: int) -> str:
        return f"{draft[:60]} {len(found)} {sizes} {cost}"

    graph.edge(START, writer)
    graph.chain(writer, search, judge)
    graph.chain(writer, weigh, judge)
    graph.feedback(judge, writer, when=lambda cost: cost < ROUNDS, limit=None)
    graph.edge(judge, END, when=lambda cost: cost >= ROUNDS)
    return graph.compile()


class TellingJournal(SqliteJournal):
    """Says what is acknowledged, at the first moment anybody can know it; checkpoints often, to be disturbed in it."""

    def __init__(self, path, writer):
        super().__init__(path, writer)
        database._LOOK = 3
        self.checkpoint_at(60_000)

    def checkpoint_at(self, size):
        self._writer.checkpoints._next = self._writer.checkpoints._size = size

    async def create(self, header, first, *more):
        log = await super().create(header, first, *more)
        tell([first, *more])
        return telling(log)

    async def acquire(self, run_id, *, takeover=False):
        return telling(await super().acquire(run_id, takeover=takeover))


def telling(log):
    append = log.append

    def told(*records, **more):
        future = append(*records, **more)
        future.add_done_callback(lambda done: done.exception() or tell(records))
        return future

    log.append = told
    return log


def tell(records):
    for record in records:
        end = " end" if isinstance(record, RunEnded) else ""
        os.write(1, f"kept {record.seq}{end}\n".encode())


async def go(journal, run_id, log):
    """Run or go on, to the end; what is in doubt is answered as it is."""
    flow = build(log)
    try:
        result = await flow.resume(run_id, journal=journal)
    except RunNotFoundError:
        result = await flow.run(journal=journal, run_id=run_id)
    while result.status is RunStatus.IN_DOUBT:
        effects = {question.id: f"{question.activation}/unsafe" for question in result.questions}
        answers = {
            number: {"done": effect} if noted(log, effect) else {"not_done": True}
            for number, effect in effects.items()
        }
        result = await flow.resume(run_id, journal=journal, answers=answers)
    return result


async def main(database, run_id, log, setting="full", size=60_000):
    async with await TellingJournal.open(database, synchronous=setting) as journal:
        journal.checkpoint_at(size)
        result = await go(journal, run_id, log)
    return result.state.model_dump_json()
