"""An agent on a script, which calls two tools in each of five turns: ``reacting.py DB RUN FILE [SLOW]``

Each call of the model and of a tool leaves a line in FILE. In the call SLOW (such as ``model-3`` or ``tool-3b``) the
process says ``inside`` and stays until it is killed.
"""

import asyncio
import json
import sys
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, EffectKey, Graph
from backedge.checkpoints import SqliteJournal
from backedge.nodes.agents import Agent, Conversation
from backedge.nodes.tools import tool
from backedge.providers import Message, ModelRequest, ScriptedModel, ToolCall

TURNS = 5


class State(BaseModel):
    question: str = "go"
    answer: str = ""
    chat: Conversation = []


class Slow(ScriptedModel):
    """A script that is asked in a moment."""

    def __init__(self, account: "Account") -> None:
        super().__init__(self.answer)
        self.account = account

    async def respond(self, request: ModelRequest):
        await self.account.note(f"model-{turn_of(request)}", "")
        return await super().respond(request)

    def answer(self, request: ModelRequest) -> Message | str:
        turn = turn_of(request)
        if turn > TURNS:
            return f"after {len(request.messages)} messages"
        wanted = (
            ToolCall(id=f"{turn}{x}", name="work", arguments=json.dumps({"job": f"{turn}{x}"})) for x in "ab"
        )
        return Message.of("assistant", *wanted)


def turn_of(request: ModelRequest) -> int:
    return 1 + sum(message.role == "assistant" for message in request.messages)


class Account:
    """What was done outside."""

    def __init__(self, path: Path, slow: str) -> None:
        self.path, self.slow = path, slow

    async def note(self, what: str, key: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{what} {key}\n")
        if what == self.slow:
            await asyncio.sleep(0.3)  # the other call of this turn may end
            print("inside", flush=True)
            await asyncio.sleep(3600)


def flow_for(account: Account):
    @tool(permission="write", safety="idempotent")
    async def work(job: str, key: EffectKey) -> str:
        """Do a job."""
        await account.note(f"tool-{job}", key)
        return f"did {job}"

    graph = Graph(State)
    agent = Agent(Slow(account), [work], name="worker", allow="write")
    graph.chain(START, agent.node(graph, reads="question", writes="answer", conversation="chat"), END)
    return graph.compile()


async def main(database: str, run_id: str, account: str, slow: str) -> None:
    flow = flow_for(Account(Path(account), slow))
    async with await SqliteJournal.open(database) as journal:
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        call = flow.resume(run_id, journal=journal) if known else flow.run(journal=journal, run_id=run_id)
        print((await call).state.answer, flush=True)
        assert await flow.replay(run_id, journal=journal, rerun="all")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else ""))
