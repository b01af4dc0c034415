"""A crew whose every step leaves a line in a file outside: ``crewing.py DB RUN FILE PROCESS [SLOW]``

In the step SLOW (such as ``b-1``, or ``review-c-2``) the process says ``inside`` and stays until it is killed.
"""

import asyncio
import sys
from pathlib import Path

from backedge import Context, EffectKey
from backedge.checkpoints import SqliteJournal
from backedge.nodes.crew import Crew, Job, Role, Task


def write(file: str, line: str) -> None:
    with Path(file).open("a", encoding="utf-8") as account:
        account.write(line)


def crew(process: str, file: str, slow: str) -> Crew:
    async def note(what: str, key: EffectKey) -> str:
        write(file, f"{what} {key}\n")
        if what == slow:
            await asyncio.sleep(0.2)  # the others that are at work may end
            print("inside", flush=True)
            await asyncio.sleep(3600)
        return what

    async def work(job: Job, ctx: Context) -> list[str]:
        tried = len(job.feedback)
        done = [await ctx.step("note", note, f"{job.task}-{2 * tried + part}") for part in (1, 2)]
        return [*(job.last or ()), *done]

    async def review(job: Job, result: list[str], ctx: Context) -> bool:
        await ctx.step("note", note, f"review-{job.task}-{len(job.feedback)}")
        return job.task != "c" or len(job.feedback) >= 2

    tasks = [Task("a", "x", role="x"), Task("b", "x", role="y"), Task("c", "x", role="x", needs=["a", "b"])]
    roles = {"x": Role(work, count=2), "y": work}
    if process == "parallel":
        return Crew(tasks, roles=roles, process="parallel")
    return Crew(
        tasks, roles={**roles, "boss": Role(None, reviews=review)}, process="hierarchical", manager="boss"
    )


async def main(database: str, run_id: str, file: str, process: str, slow: str) -> None:
    flow = crew(process, file, slow).compile()
    async with await SqliteJournal.open(database) as journal:
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        call = flow.resume(run_id, journal=journal) if known else flow.run(journal=journal, run_id=run_id)
        state = (await call).state
        print(*state.a, *state.b, *state.c, flush=True)
        assert await flow.replay(run_id, journal=journal, rerun="all")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], sys.argv[5] if len(sys.argv) > 5 else ""))
