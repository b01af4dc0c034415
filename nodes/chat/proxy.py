"""The user proxy: stands for a person in the talk. It asks the person, or answers in their place by running code and tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import dedent
from typing import Any, Final, Literal

from backedge.engine.context import Context
from backedge.nodes.agents import Agent, Allow, Report, code_interpreter
from backedge.nodes.agents.asking import allowed
from backedge.nodes.agents.calling import Caller
from backedge.nodes.agents.conversation import cut, leave_of
from backedge.nodes.agents.wiring import Delegate
from backedge.nodes.sandbox import Sandbox
from backedge.nodes.tools import AnyTool, Tool, tool
from backedge.providers import Message, ToolCall

from .floor import pending
from .speaking import NOTHING, Scene, Spoken
from .talk import Chat, Said
from .views import as_heard

_PROGRAM: Final = re.compile(
    r"^[ \t]*```[ \t]*(?i:python3?|py)(?:[ \t{:][^\n]*)?\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE
)
_SHOWN: Final = 2000  # characters of what was said last that a person is shown


@dataclass(frozen=True, kw_only=True)
class UserProxy:
    """A member in the place of a person.

    Given the floor it asks the person, if it should; without an answer it carries out the calls of tools that it has, or runs
    the programs that were said since its last turn, or says `reply`. With none of these it says nothing.

    Attributes:
        name: What it is called.
        human: When the person is asked: ``"always"`` when it has the floor, ``"at_end"`` when the talk is about to end, and
            goes on if the person says something, or ``"never"``.
        tools: What others may call: tools, agents, or functions that `tool` makes tools of.
        sandbox: Where programs in Python run that others write in fenced blocks; None to run none.
        reply: What it says when there is nothing to carry out.
        allow: What its tools may do without asking the person; see `Allow`. A person who is asked always is asked about
            them too.
        description: What others, and whoever chooses speakers, are told of it.

    Raises:
        ValueError: One of them cannot be used.

    Example::

        UserProxy(human="at_end", tools=[search], sandbox=open_sandbox())
    """

    name: str = field(default="user", kw_only=False)
    human: Literal["always", "at_end", "never"] = "always"
    tools: Any = ()
    sandbox: Sandbox | None = None
    reply: str = ""
    allow: Allow = "read"
    description: str = ""

    handoffs = ()

    def __post_init__(self) -> None:
        if self.human not in ("always", "at_end", "never"):
            raise ValueError(f"{self.name}: human= is 'always', 'at_end' or 'never', not {self.human!r}")
        allowed(self.allow)
        found: dict[str, AnyTool] = {}
        for one in self.tools.values() if isinstance(self.tools, Mapping) else self.tools:
            made = one.as_tool() if isinstance(one, Agent) else one if isinstance(one, Tool) else tool(one)
            if made.name in found:
                raise ValueError(
                    f"{self.name} has two tools called {made.name!r}: give one of them another name="
                )
            found[made.name] = made
        object.__setattr__(self, "tools", found)

    @property
    def models(self) -> frozenset[str]:
        """The resources that agents among its tools name."""
        agents = [one.function.agent for one in self.tools.values() if isinstance(one.function, Delegate)]
        return frozenset().union(*(agent.models for agent in agents))

    @property
    def silent(self) -> bool:
        """Whether calls of its tools are all that it answers to."""
        return self.human != "always" and self.sandbox is None and not self.reply

    @property
    def asks_at_end(self) -> bool:
        """Whether its person may let the talk go on."""
        return self.human == "at_end"

    async def speak(self, chat: Chat, scene: Scene) -> Spoken:
        """Ask, or answer by itself; see the class."""
        if chat.closing:
            told = f"The talk is about to end: {chat.closing}. Say something to go on, or nothing to end it."
            return _words(await self._asked(told, chat, scene.context))
        if self.human == "always":
            words = await self._asked(self._question(chat), chat, scene.context)
            if words.strip():
                return _words(words)
        open_calls = pending(chat.talk)
        mine = [call for call in open_calls.calls if call.name in self.tools] if open_calls else []
        if mine:
            return await self._carried_out(mine, chat, scene)
        programs = self._programs(chat.talk)
        if programs and self.sandbox is not None:
            return await self._ran("\n".join(programs), self.sandbox, scene.context)
        return _words(self.reply)

    def _question(self, chat: Chat) -> str:
        open_calls = pending(chat.talk)
        mine = [call.name for call in open_calls.calls if call.name in self.tools] if open_calls else []
        if mine:
            return f"{self.name}, you have the floor (nothing: carry out {', '.join(mine)})."
        if self.sandbox is not None and self._programs(chat.talk):
            return f"{self.name}, you have the floor (nothing: run the program)."
        return f"{self.name}, you have the floor" + (f" (nothing: {self.reply!r})." if self.reply else ".")

    async def _asked(self, told: str, chat: Chat, context: Context) -> str:
        heard = next((m for said in reversed(chat.talk) if (m := as_heard(said)) is not None), None)
        before = f"{cut(heard.text, _SHOWN)}\n\n" if heard is not None else ""
        words: str = await context.ask(f"{before}{told}")
        return words

    async def _carried_out(self, calls: Sequence[ToolCall], chat: Chat, scene: Scene) -> Spoken:
        before = [entry for said in chat.talk if said.speaker == self.name for entry in said.own]
        leave = leave_of(before, self.name)
        tools = {
            name: replace(one, function=Delegate(one.function.agent, scene.models))
            if isinstance(one.function, Delegate)
            else one
            for name, one in self.tools.items()
        }
        caller = Caller(self.name, tools, allowed(self.allow), scene.context, leave)
        results = await caller.results(calls)
        return Spoken(Message.of("tool", *results), own=tuple(caller.granted))

    def _programs(self, talk: Sequence[Said]) -> list[str]:
        """The programs that one of the others wrote last, since its own last turn."""
        for said in reversed(talk):
            if said.speaker == self.name:
                break
            if said.turn and (found := _PROGRAM.findall(_source(said).replace("\r\n", "\n"))):
                return [dedent(program) for program in found]
        return []

    async def _ran(self, program: str, sandbox: Sandbox, context: Context) -> Spoken:
        run: Callable[..., Any] = code_interpreter(sandbox)
        report = await context.step("run_program", run, program, returns=Report, kind="tool")
        head = "The program ran." if report.ok else "The program failed."
        return _words(f"{head}\n{report.text}")


def _source(said: Said) -> str:
    """What was said, pieces of code in their fences."""
    heard = as_heard(said)
    return "" if heard is None else heard.text.removeprefix(f"{said.speaker}: ")


def _words(words: str) -> Spoken:
    return Spoken(Message.of("assistant", words) if words.strip() else NOTHING)
