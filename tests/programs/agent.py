"""An agent-like node: twenty tool calls, each of which leaves a line in a file outside. ``agent.py DB RUN FILE [SLOW]``

Says ``ready`` once it runs. With SLOW it stays inside of that call, after it said so, until it is killed.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Context, EffectKey, Graph
from backedge.checkpoints import SqliteJournal

CALLS = 20


class State(BaseModel):
    notes: list[str] = []


def flow_for(account: Path, slow: int):
    graph = Graph(State)

    async def tool(number: int, key: EffectKey) -> str:
        with account.open("a", encoding="utf-8") as file:
            file.write(f"{number} {key}\n")
        if number == slow:
            print(f"inside {number}", flush=True)
            await asyncio.sleep(3600)
        return f"result {number}"

    @graph.node(writes="notes")
    async def agent(ctx: Context) -> list[str]:
        return [await ctx.step("tool", tool, number, kind="tool") for number in range(1, CALLS + 1)]

    graph.chain(START, agent, END)
    return graph.compile()


async def main(database: str, run_id: str, account: str, slow: int) -> None:
    flow = flow_for(Path(account), slow)
    async with await SqliteJournal.open(database) as journal:
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        call = flow.resume(run_id, journal=journal) if known else flow.run(journal=journal, run_id=run_id)
        print((await call).state.notes[-1], flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 0))
