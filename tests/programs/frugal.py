"""A node that asks a model until its budget of 10,000 tokens is used up. ``frugal.py DB RUN FILE PER HOW [HOW MANY]``

HOW a run goes on that is there: ``resume`` or ``recover``. Each call takes 1,000 tokens and leaves a line in a file
outside. After HOW MANY calls of this process it stays in a step, after it said so, until it is killed.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError
from backedge.checkpoints import SqliteJournal
from backedge.providers import Message, Model, ModelRequest, ModelResponse, ScriptedModel, Usage
from backedge.providers.wrappers import Budget, Budgeted

TOKENS = 1000


class State(BaseModel):
    calls: int = 0


def answering(account: Path):
    def answer(request: ModelRequest) -> ModelResponse:
        with account.open("a", encoding="utf-8") as file:
            file.write(f"{request.messages[0].text}\n")
        usage = Usage(input_tokens=TOKENS - 10, output_tokens=10)
        return ModelResponse(message=Message.of("assistant", "go on"), usage=usage)

    return ScriptedModel(answer, name="openai:gpt-5")


def flow_for(stay: int):
    graph = Graph(State, resources={"model": Model})
    here = 0

    async def look(number: int) -> None:
        nonlocal here
        here += 1
        if here == stay:
            print(f"after {number}", flush=True)
            await asyncio.sleep(3600)

    @graph.node(writes="calls")
    async def agent(model: Model, ctx: Context) -> int:
        for number in range(1000):
            await model.respond(
                ModelRequest(messages=(Message.of("user", f"{number} " + "x" * 2900),), max_tokens=10)
            )
            await ctx.step("look", look, number)
        return number

    graph.chain(START, agent, END)
    return graph.compile()


async def main(database: str, run_id: str, account: str, per: str, how: str, stay: int) -> None:
    flow = flow_for(stay)
    budget = Budget(tokens=10 * TOKENS, per=per or None)  # type: ignore[arg-type]  # told on the command line
    resources = {"model": Budgeted(answering(Path(account)), budget=budget)}
    async with await SqliteJournal.open(database) as journal:
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        try:
            if known and how == "recover":
                for recovery in await flow.recover(journal=journal, resources=resources):
                    if recovery.error is not None:
                        raise recovery.error
            elif known:
                await flow.resume(run_id, journal=journal, resources=resources)
            else:
                await flow.run(journal=journal, run_id=run_id, resources=resources)
        except RunFailedError as error:
            print("BudgetExceededError" in str(error), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6], int(sys.argv[6]) if len(sys.argv) > 6 else 0))
