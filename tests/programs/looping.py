"""A looping, branching run that can be killed at any moment: ``python looping.py DATABASE RUN_ID LOG``.

Every node appends its activation to LOG as soon as it starts, so that others see what ran.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, add, extend
from backedge.checkpoints import SqliteJournal
from backedge.engine.errors import RunExistsError

ROUNDS = 12


class State(BaseModel):
    code: str = ""
    reports: Annotated[list[str], extend] = []
    cost: Annotated[int, add] = 0
    style: str = ""
    verdict: str = ""


def build(log):
    graph = Graph(State)

    def note(ctx):
        os.write(log, f"{ctx.activation}\n".encode())

    @graph.node(writes="code")
    async def coder(reports: list[str], ctx: Context) -> str:
        note(ctx)
        await asyncio.sleep(0.001)
        return f"code {len(reports)}"

    @graph.node(writes="reports")
    async def test(code: str, ctx: Context) -> list[str]:
        note(ctx)
        await asyncio.sleep(0.002)
        return [f"tested {code}"]

    @graph.node(writes=("style", "cost"))
    def lint(code: str, ctx: Context) -> dict[str, object]:
        note(ctx)
        return {"style": f"linted {code}", "cost": len(code)}

    @graph.node(writes=("reports", "cost"))
    async def rare(code: str, ctx: Context) -> dict[str, object]:
        note(ctx)
        return {"reports": [f"rare {code}"], "cost": 100}

    @graph.node(writes="verdict")
    async def checker(reports: list[str], style: str, cost: int, ctx: Context) -> str:
        note(ctx)
        return f"{style} {len(reports)} {cost}"

    graph.edge(START, coder)
    for node in (test, lint):
        graph.chain(coder, node, checker)
    graph.edge(coder, rare, when=lambda reports: len(reports) % 3 == 0)
    graph.edge(rare, checker)
    graph.feedback(checker, coder, when=lambda reports: len(reports) < ROUNDS, limit=None)
    graph.edge(checker, END, when=lambda reports: len(reports) >= ROUNDS)
    return graph.compile()


async def main(database, run_id, log, setting="full"):
    flow = build(log)
    async with await SqliteJournal.open(database, synchronous=setting) as journal:
        print("ready", flush=True)
        try:
            result = await flow.run(journal=journal, run_id=run_id)
        except RunExistsError:
            result = await flow.resume(run_id, journal=journal)
    print(result.state.model_dump_json(), flush=True)


if __name__ == "__main__":
    database, run_id, log, *setting = sys.argv[1:]
    asyncio.run(main(Path(database), run_id, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), *setting))
