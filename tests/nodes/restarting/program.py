"""An answer that a check sends back, with a cooldown, in a process that is killed in it: ``program.py DB RUN FILE [STAY]``

Each answer leaves a line in FILE. With STAY the process says ``inside`` once it is in the cooldown, and stays until it is killed.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Context, Graph
from backedge.checkpoints import SqliteJournal
from backedge.nodes.restarting import Begun, Restart, Restarts, ValidationFeedback, restartable

COOLDOWN = 1.5


class State(BaseModel):
    answer: str = ""
    problem: str = ""
    restarts: Restarts = []


def flow_for(path: Path):
    graph = Graph(State)

    async def answering(number: int) -> str:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{number}\n")
        return str(number)

    @graph.node(writes="answer")
    async def writer(restarts: list, ctx: Context) -> str:
        return await ctx.step("answer", answering, sum(isinstance(one, Begun) for one in restarts))

    @graph.node(writes="problem")
    async def check(answer: str) -> str:
        return "" if answer == "2" else f"{answer} is too small"

    graph.chain(START, writer, check)
    restart = Restart(on=[ValidationFeedback("problem")], cooldown=COOLDOWN)
    loop = restartable(graph, writer, restart, answer="answer", restarts="restarts", after=[check])
    graph.edge(loop.settled, END)
    return graph.compile()


async def main(database: str, run_id: str, path: str, stay: str) -> None:
    flow = flow_for(Path(path))
    async with await SqliteJournal.open(database) as journal:
        if stay:
            async with flow.start(journal=journal, run_id=run_id) as run:
                while not run.questions:  # noqa: ASYNC110 - nothing tells when it is let go of
                    await asyncio.sleep(0.01)
                print("inside", flush=True)
                await asyncio.sleep(3600)
        state = (await flow.resume(run_id, journal=journal)).state
        first, second = (one for one in state.restarts if isinstance(one, Begun))
        assert (second.at - first.at).total_seconds() >= COOLDOWN
        print(state.answer, first.answer, second.answer, second.triggers[0].text, flush=True)
        assert await flow.replay(run_id, journal=journal, rerun="all")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else ""))
