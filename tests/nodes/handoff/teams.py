"""Swarms on one script: who has the work says the next thing in it."""

import json
from typing import Any

from backedge import RunResult
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.handoff import swarm
from backedge.providers import Message, ModelRequest, ScriptedModel, ToolCall


def to(target: str, reason: str = "go on", **arguments: Any) -> ToolCall:
    told = json.dumps(arguments or {"reason": reason})
    return ToolCall(id=f"to-{target}", name=f"transfer_to_{target}", arguments=told)


def handing(target: str, reason: str = "go on", **arguments: Any) -> Message:
    return Message.of("assistant", to(target, reason, **arguments))


class Team:
    """Agents named by letters; all of them answer from one script, in the order in which they have the work."""

    def __init__(self, names: str, *script: Any, **options: Any) -> None:
        self.model = ScriptedModel(script)
        self.agents = {
            name: Agent(self.model, instructions=f"You are {name}. You help.", name=name, **options)
            for name in names
        }

    def __getattr__(self, name: str) -> Agent[Any]:
        return self.agents[name]

    def graph(self, **options: Any) -> Any:
        return swarm(list(self.agents.values()), **options)

    async def ran(self, inputs: Any = None, **options: Any) -> RunResult[Any]:
        """Run them; what they did is run anew from its records, and has to be the same."""
        flow, journal = self.graph(**options).compile(), MemoryJournal()
        result = await flow.run({"question": "why?", **(inputs or {})}, journal=journal, run_id="r")
        asked = len(self.model.requests)
        report = await flow.replay("r", journal=journal, rerun="all")
        assert report, str(report)
        assert len(self.model.requests) == asked, "a replay asks nobody"
        return result

    def worked(self) -> str:
        """Who was asked, in order."""
        return "".join(who(request) for request in self.model.requests)

    def shown(self, place: int = -1) -> list[str]:
        """What was shown in a request: role and words of each message, instructions left out."""
        return [line(one) for one in self.model.requests[place].messages if one.role != "system"]

    def results(self, place: int = -1) -> list[str]:
        """The results of tools that a request ends with."""
        return [
            part.text for part in self.model.requests[place].messages[-1].parts if part.kind == "tool_result"
        ]


def who(request: ModelRequest) -> str:
    return request.messages[0].text.removeprefix("You are ").partition(".")[0]


def line(message: Message) -> str:
    calls = "".join(f" {call.name}" for call in message.tool_calls)
    results = "".join(f" {part.text}" for part in message.parts if part.kind == "tool_result")
    return f"{message.role}: {message.text}{calls}{results}".replace(":  ", ": ")


def trail(result: RunResult[Any]) -> list[str]:
    """Who gave the work to whom: ``a>b`` for good, ``a?b`` with an answer to come, ``b<a`` the answer to b, ``a!b`` at a limit."""
    signs = {"handoff": ">", "call": "?", "return": "<", "fallback": "!"}
    return [
        f"{one.target}<{one.source}" if one.kind == "return" else f"{one.source}{signs[one.kind]}{one.target}"
        for one in result.state.trail
    ]
