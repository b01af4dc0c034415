"""The calls of one turn: all at once, each a recorded effect, and every failure a result that the model can act on."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from backedge.engine.context import Context
from backedge.engine.effects.identity import EffectKey
from backedge.engine.errors import BackedgeError, EffectError
from backedge.nodes.tools import (
    AnyTool,
    Content,
    Permission,
    ToolArgumentsError,
    ToolError,
    ToolTimeoutError,
)
from backedge.providers import ModelError, Text, ToolCall, ToolResult

from .asking import ask
from .conversation import Leave, cut
from .errors import AgentError
from .events import ToolEnded, ToolStarted

MOST: Final = 2000
"""Characters that a model is told of an error."""

_OURS: Final = (ToolArgumentsError, ToolTimeoutError, ToolError)


class Caller:
    """Calls the tools of an agent, for one activation of a node.

    Attributes:
        granted: What people have allowed for the rest of the run, since this was made.
        left: The call by which the agent went out, if it has.

    Args:
        agent: The agent's name.
        tools: By name.
        allow: The permissions of tools that are called without asking.
        context: Of the node.
        leave: Tools that may be called whatever they are.
        exits: Tools whose call ends the agent.
    """

    def __init__(
        self,
        agent: str,
        tools: Mapping[str, AnyTool],
        allow: frozenset[Permission | None],
        context: Context,
        leave: set[str],
        exits: Collection[str] = (),
    ) -> None:
        self._agent = agent
        self._tools = tools
        self._allow = allow
        self._context = context
        self._leave = set(leave)
        self._exits = exits
        self.granted: list[Leave] = []
        self.left: ToolCall | None = None

    async def results(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """Carry out the calls of one answer and give their results, in the order of the calls.

        Calls of a tool that needs a person's leave are asked for one after the other, so that a leave for all of them
        counts at once; other tools do not wait for that. Of several exits the first that succeeds counts.
        """
        found: dict[int, ToolResult] = {}
        free: list[tuple[int, AnyTool]] = []
        asking: dict[str, list[int]] = {}
        for place, call in enumerate(calls):
            tool = self._tools.get(call.name)
            problem = self._problem(tool, call)
            if tool is None or problem:
                found[place] = _failed(call, problem)
            elif tool.name in self._exits:
                found[place] = await self._out(tool, call)
            elif tool.permission in self._allow or tool.name in self._leave:
                free.append((place, tool))
            else:
                asking.setdefault(tool.name, []).append(place)
        parts = [
            *(self._carried_out(tool, {place: calls[place]}) for place, tool in free),
            *(
                self._asked(self._tools[name], {p: calls[p] for p in places})
                for name, places in asking.items()
            ),
        ]
        if len(parts) == 1:
            found.update(await parts[0])
        elif parts:
            for some in await self._context.gather(*parts):
                found.update(some)
        return [found[place] for place in range(len(calls))]

    def _problem(self, tool: AnyTool | None, call: ToolCall) -> str:
        """Why a call cannot be made at all, in words for the model."""
        if tool is None:
            near = get_close_matches(call.name, self._tools, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            return f"there is no tool {cut(call.name, 100)!r}; {meant}there are: {', '.join(self._tools) or 'none'}"
        try:
            tool.check(call.arguments)
        except ToolArgumentsError as error:
            return str(error)
        return ""

    async def _asked(self, tool: AnyTool, calls: Mapping[int, ToolCall]) -> dict[int, ToolResult]:
        refused: dict[int, ToolResult] = {}
        for place, call in calls.items():
            if tool.name in self._leave:
                break
            try:
                said = await ask(self._agent, tool, call, self._context)
            except ValueError as error:
                refused[place] = _failed(call, f"{tool.name} was not called, of its arguments: {error}")
                continue
            if not said.approve:
                why = f": {said.reason}" if said.reason else ""
                refused[place] = _failed(call, f"{tool.name} was not called, a person said no{why}")
            elif said.always:
                self._leave.add(tool.name)
                self.granted.append(Leave(agent=self._agent, tool=tool.name))
        approved = {place: call for place, call in calls.items() if place not in refused}
        return refused | await self._carried_out(tool, approved)

    async def _out(self, tool: AnyTool, call: ToolCall) -> ToolResult:
        if self.left is not None:
            first = self.left.name
            return _failed(
                call, f"{tool.name} was not called: {first} came first, and only one of them counts"
            )
        result = await self._result(tool, call)
        if not result.failed:
            self.left = call
        return result

    async def _carried_out(self, tool: AnyTool, calls: Mapping[int, ToolCall]) -> dict[int, ToolResult]:
        if len(calls) == 1:
            return {place: await self._result(tool, call) for place, call in calls.items()}
        made = await self._context.gather(*(self._result(tool, call) for call in calls.values()))
        return dict(zip(calls, made, strict=True))

    async def _result(self, tool: AnyTool, call: ToolCall) -> ToolResult:
        """What a call gives. Only what is not the tool's own failure is raised."""
        try:
            content = await self._content(tool, call)
        except (ToolError, AgentError) as error:
            return _failed(call, str(error))
        except EffectError as error:
            return _failed(call, f"{tool.name} failed with {error.type_name}: {error.message}")
        except (BackedgeError, ModelError):
            raise  # the run's own, and a model that another agent asked: resuming goes on there
        except Exception as error:
            return _failed(call, f"{tool.name} failed with {type(error).__name__}: {error}")
        return ToolResult(id=call.id, content=content)

    async def _content(self, tool: AnyTool, call: ToolCall) -> Content:
        if tool.takes_context:  # what it does through its context is recorded by itself
            return await self._told(tool, call, None)

        async def carry_out(arguments: str, key: EffectKey) -> Content:
            return await self._told(tool, call, key)

        content: Content = await self._context.step(
            tool.name,
            carry_out,
            call.arguments,
            returns=Content,
            raises=_OURS,
            safety=tool.safety,
            query=None if tool.query is None else tool.find,
            kind="tool",
        )
        return content

    async def _told(self, tool: AnyTool, call: ToolCall, key: EffectKey | None) -> Content:
        """Call the tool, and tell whoever listens."""
        began, wrong = time.perf_counter(), ""
        about = (self._agent, call.id, tool.name)
        self._context.emit(ToolStarted(*about, call.arguments))
        try:
            return await tool.call(call.arguments, self._context, key=key)
        except BaseException as error:
            wrong = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._context.emit(ToolEnded(*about, time.perf_counter() - began, wrong))


def _failed(call: ToolCall, why: str) -> ToolResult:
    sound = why.encode("utf-8", "replace").decode()  # halves of characters could not be stored
    return ToolResult(id=call.id, content=(Text(text=cut(sound, MOST) or "it failed"),), failed=True)
