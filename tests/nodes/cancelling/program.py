"""A part that is ended gracefully, in a process that is killed meanwhile: ``program.py DB RUN FILE HOW [STAY]``

Its work is jobs 0 to 5, each of two steps in a guard, with a checkpoint before. In job 2 it is cancelled, with HOW: ``graceful``
or ``at once``. Each step leaves a line in FILE. In the step STAY (such as ``2b``) the process says ``inside`` and stays until
it is killed.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel, JsonValue

from backedge import END, START, Context, Graph
from backedge.checkpoints import SqliteJournal
from backedge.nodes.cancelling import CancelToken, cancellable


class State(BaseModel):
    reason: str = ""
    partial: JsonValue = None
    after: str = ""


def flow_for(path: Path, how: str, stay: str):
    graph = Graph(State)

    async def note(what: str) -> str:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{what}\n")
        if what == stay:
            await asyncio.sleep(0.2)  # what was asked for is recorded by now
            print("inside", flush=True)
            await asyncio.sleep(3600)
        return what

    @graph.node(writes=("reason", "partial"))
    async def node(ctx: Context):
        token = CancelToken()

        async def cancel() -> None:
            token.cancel("enough", how=how)  # only the process that has not yet recorded it gets here

        async def work(part):
            done = []
            for job in range(6):
                await part.checkpoint()
                async with part.guard("never"):
                    done.append(await ctx.step("first", note, f"{job}a"))
                    if job == 2:
                        await ctx.step("cancel", cancel)
                    done.append(await ctx.step("second", note, f"{job}b"))
                    part.keep(list(done))
            return done

        outcome = await cancellable(ctx, work, token, name="work")
        return {"reason": outcome.cancel.reason if outcome.cancel else "", "partial": outcome.partial}

    @graph.node(writes="after")
    async def after(ctx: Context) -> str:
        return await ctx.step("after", note, "after")

    graph.chain(START, node, after, END)
    return graph.compile()


async def main(database: str, run_id: str, path: str, how: str, stay: str) -> None:
    flow = flow_for(Path(path), how, stay)
    async with await SqliteJournal.open(database) as journal:
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        call = flow.resume(run_id, journal=journal) if known else flow.run(journal=journal, run_id=run_id)
        state = (await call).state
        print(state.reason, state.partial, flush=True)
        assert await flow.replay(run_id, journal=journal, rerun="all")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], sys.argv[5] if len(sys.argv) > 5 else ""))
