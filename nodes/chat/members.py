"""Who takes part: agents, assistants, user proxies and functions, all brought into the form of a member."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter
from tenacity import BaseRetrying

from backedge.engine.compiler.signatures import is_async, name_of_callable
from backedge.engine.context import Context
from backedge.nodes.agents import Agent, AgentExit
from backedge.nodes.agents.conversation import messages_of
from backedge.nodes.agents.prompts import text_of
from backedge.nodes.handoff import everything
from backedge.nodes.handoff.handoff import handoff_of
from backedge.nodes.tools import AnyTool
from backedge.providers import Message

from .assistant import Assistant
from .proxy import UserProxy
from .speaking import NOTHING, Scene, Spoken, Voice
from .talk import Chat, Spent, takes
from .views import GO_ON, introduction, view

Speaks: TypeAlias = Callable[..., Any]
"""A function as a member: ``async def (chat, context)``, which may leave the context out, or a plain function ``(chat)``, which
is called in a worker thread and once. It gives a text, a `Message`, or None for nothing."""
_WANTED: Final = ("name", "description", "silent", "asks_at_end", "tools", "models", "handoffs")


@dataclass(frozen=True)
class Member:
    """Somebody who takes part, with a name or a description that it does not have by itself.

    Attributes:
        who: An agent, an assistant, a user proxy or a function.
        name: What it is called; its own name by default. Assistants and user proxies have theirs.
        description: What others, and whoever chooses speakers, are told of it.
        retry: How often a turn of it that fails is tried again, as for any node: a tenacity object, such as
            ``AsyncRetrying(stop=stop_after_attempt(3))``.
        timeout: Seconds for one such try.

    Example: ``Member(agent, description="Looks for what is wrong with programs.", timeout=600)``
    """

    who: Agent[Any] | Voice | Speaks
    name: str = ""
    description: str = ""
    retry: BaseRetrying | None = None
    timeout: float | None = None


def voice_of(given: Any) -> Voice:
    """A member in the form of a `Voice`.

    Raises:
        TypeError: It cannot be one.
        ValueError: It has a name of its own that cannot be changed.
    """
    member = given if isinstance(given, Member) else Member(given)
    who, name, description = member.who, member.name, member.description
    if isinstance(who, Member):
        raise TypeError(f"a Member is put into a Member: say what is to be said of {who.who!r} in one")
    if not isinstance(description, str):
        raise TypeError(f"a member's description is a text, not {description!r}")
    if isinstance(who, Agent):
        return _AgentVoice(who, name or who.name, description)
    if isinstance(who, Assistant | UserProxy):
        changed = {key: value for key, value in (("name", name), ("description", description)) if value}
        return _changed(who, changed)
    if hasattr(who, "speak") and not isinstance(who, type):
        if name or description:
            raise ValueError(f"{who!r} has a name and a description of its own: do not put it into a Member")
        lacks = [name for name in _WANTED if not hasattr(who, name)]
        if lacks:
            raise TypeError(f"{who!r} has a method speak but no {', '.join(lacks)}: see Voice")
        return who  # type: ignore[return-value]  # it was looked at
    if callable(who) and not isinstance(who, type):
        name = name or name_of_callable(who)
        if not takes(who, 1) and not (is_async(who) and takes(who, 2)):
            raise TypeError(
                f"{name} cannot be called with a chat: a member is an `async def {name}(chat, context)`, "
                f"or without the context, or a `def {name}(chat)`"
            )
        return _FunctionVoice(who, name, description)
    raise TypeError(f"a member is an Agent, an Assistant, a UserProxy or a function, not {who!r}")


def _changed(who: Assistant | UserProxy, changes: Mapping[str, Any]) -> Voice:
    told = copy.copy(who)
    for name, value in changes.items():
        object.__setattr__(told, name, value)
    return told


class _AgentVoice:
    """An agent as a member: in its turn it works until it has an answer, or hands over. Its tools are its own."""

    reuse: Final = "all"  # as in `Agent.node`: one whose 17th call failed goes on with that one
    silent = False
    asks_at_end = False

    def __init__(self, agent: Agent[Any], name: str, description: str) -> None:
        self._exits = {
            made.name: (made, handoff)
            for made in agent.tools.values()
            if (handoff := handoff_of(made)) is not None
        }
        for _, handoff in self._exits.values():
            if handoff.returns or handoff.context is not everything:
                raise ValueError(
                    f"{name}: in a talk everybody hears all that is said, and the next speaker is chosen anew: "
                    f"leave returns= and context= out of its handoff to {handoff.target}"
                )
        self._agent = copy.copy(agent)
        self._agent.name = name
        self._agent.tools = {key: made for key, made in agent.tools.items() if key not in self._exits}
        self.name = name
        self.description = description
        self.models = agent.models
        self.tools: Mapping[str, AnyTool] = {}
        self.handoffs = [handoff.target for _, handoff in self._exits.values()]

    async def speak(self, chat: Chat, scene: Scene) -> Spoken:
        """Ask the agent with what was said last; what was said before is its conversation."""
        told = copy.copy(self._agent)
        about = introduction(self.name, scene.others)
        told.instructions = "\n\n".join(filter(None, (told.instructions.strip(), about)))
        past = view(chat.talk, self.name)
        heard = isinstance(past[-1], Message) and past[-1].role == "user" if past else False
        prompt = past.pop() if heard else Message.of("user", GO_ON)
        assert isinstance(prompt, Message)
        exits = [made for made, _ in self._exits.values()]
        result = await told.run_or_exit(
            prompt, scene.context, exits=exits, conversation=past, models=scene.models
        )
        own, instead = result.conversation[1:], False
        if not heard or result.conversation[0] != prompt:
            own, instead = result.conversation, heard
        spent = Spent.of(result.usage, result.cost)
        if isinstance(result, AgentExit):
            public, target = self._handed(result)
            return Spoken(public, target, own=own, instead=instead, spent=spent)
        public = self._public(result.output, own)
        return Spoken(public, own=() if own == (public,) else own, instead=instead, spent=spent)

    def _handed(self, left: AgentExit) -> tuple[Message, str]:
        """What everybody hears of a handoff, and to whom it is made."""
        made, handoff = self._exits[left.call.name]
        words = (left.said.strip(), handoff.told(made, left.call.arguments))
        return Message.of("assistant", "\n".join(filter(None, words))), handoff.target

    def _public(self, output: Any, own: Sequence[Any]) -> Message:
        """What everybody hears: the last answer as it is, or what stands for it where that is no text."""
        said = messages_of(own)
        last = said[-1] if said else None
        if isinstance(output, str):
            if last is not None and last.role == "assistant" and last.text == output and not last.tool_calls:
                return last
            return Message.of("assistant", output)
        plain = TypeAdapter(self._agent.output).dump_python(output, mode="json")
        return Message.of("assistant", text_of(plain))


class _FunctionVoice:
    """A function as a member."""

    silent = False
    asks_at_end = False
    handoffs: Sequence[str] = ()
    models: frozenset[str] = frozenset()

    def __init__(self, function: Speaks, name: str, description: str) -> None:
        self._function = function
        self.name = name
        self.description = description
        self.tools: Mapping[str, AnyTool] = {}

    async def speak(self, chat: Chat, scene: Scene) -> Spoken:
        """Call it."""
        if is_async(self._function):
            given = (chat, scene.context) if takes(self._function, 2) else (chat,)
            said = await self._function(*given)
        else:
            said = await self._once(chat, scene.context)
        if said is None or said == "":
            return Spoken(NOTHING)
        if isinstance(said, str):
            return Spoken(Message.of("assistant", said))
        if isinstance(said, Message) and said.role == "assistant":
            return Spoken(said)
        raise TypeError(
            f"{self.name} should say a text, a Message of the role 'assistant', or None, not {said!r}"
        )

    async def _once(self, chat: Chat, context: Context) -> Any:
        def call(_turn: int) -> Any:
            return self._function(chat)

        return await context.step(self.name, call, chat.turns + 1, returns=Message | str | None)
