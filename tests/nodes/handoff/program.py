"""A chain of handoffs on a script: ``program.py DB FILE [SLOW]``

The desk asks the clerk, who uses a tool and gives the work to the expert, whose answer comes back to the desk. Each call of
the model and of the tool leaves a line in FILE. In the call SLOW the process says ``inside`` and stays until it is killed.
"""

import asyncio
import json
import sys
from pathlib import Path

from backedge import EffectKey
from backedge.checkpoints import SqliteJournal
from backedge.nodes.agents import Agent
from backedge.nodes.handoff import Handoff, last, swarm
from backedge.nodes.tools import tool
from backedge.providers import Message, ScriptedModel, ToolCall


def call(name, **arguments):
    return Message.of("assistant", ToolCall(id="1", name=name, arguments=json.dumps(arguments)))


SCRIPTS = {
    "desk": [call("transfer_to_clerk", reason="how much?"), "It costs 7 euros."],
    "clerk": [call("look_up", order=3), call("transfer_to_expert", reason="order 3 costs what?")],
    "expert": ["7 euros"],
}


class Account:
    """What was done outside."""

    def __init__(self, path: Path, slow: str) -> None:
        self.path, self.slow = path, slow

    async def note(self, what: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{what}\n")
        if what == self.slow:
            print("inside", flush=True)
            await asyncio.sleep(3600)


class Noted(ScriptedModel):
    """A script that says who has been asked, by how much of it the agent has said already."""

    def __init__(self, name: str, account: Account) -> None:
        super().__init__([])
        self.agent, self.account = name, account

    async def respond(self, request):
        turn = (
            sum(one.role == "assistant" for one in request.messages)
            if self.agent != "clerk"
            else (sum("look_up" in str(one.parts) for one in request.messages))
        )
        turn = min(turn, len(SCRIPTS[self.agent]) - 1)
        await self.account.note(f"{self.agent}-{turn}")
        return self._response(SCRIPTS[self.agent][turn])


def flow_for(account: Account):
    @tool(permission="read")
    async def look_up(order: int, key: EffectKey) -> str:
        """Look an order up."""
        await account.note("tool")
        return f"order {order}: a lamp"

    desk, clerk, expert = (
        Agent(Noted(name, account), [look_up] if name == "clerk" else [], name=name) for name in SCRIPTS
    )
    handoffs = {desk: [Handoff(to=clerk, returns=True)], clerk: [Handoff(to=expert, context=last(2))]}
    return swarm([desk, clerk, expert], handoffs=handoffs).compile()


async def main(database: str, account: str, slow: str) -> None:
    flow = flow_for(Account(Path(account), slow))
    async with await SqliteJournal.open(database) as journal:
        known = "r" in [summary.header.run_id for summary in await journal.runs()]
        begun = (
            flow.resume("r", journal=journal)
            if known
            else flow.run({"question": "?"}, journal=journal, run_id="r")
        )
        state = (await begun).state
        assert await flow.replay("r", journal=journal, rerun="all")
        print(state.answer, *(f"{one.source}-{one.kind}-{one.target}" for one in state.trail), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], sys.argv[3] if len(sys.argv) > 3 else ""))
