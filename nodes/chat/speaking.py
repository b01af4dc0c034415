"""What a member is to the talk: somebody with a name who, given the floor, says something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backedge.engine.context import Context
from backedge.nodes.agents import Entry
from backedge.nodes.tools import AnyTool
from backedge.providers import Message, Model
from backedge.providers.protocol import ToolSpec

from .talk import Chat, Spent

NOTHING = Message(role="assistant", parts=())
"""What a member says who has nothing to say."""


def check_model(who: str, model: object) -> None:
    """Look whether this can be asked.

    Raises:
        ValueError: It is neither a model nor what a resource can be called.
    """
    if model.isidentifier() if isinstance(model, str) else hasattr(model, "respond"):
        return
    hint = f": for a provider's model say backedge.model({model!r})" if isinstance(model, str) else ""
    raise ValueError(
        f"{who}: model= takes a model, or the name of a resource of the graph; {model!r} is neither{hint}"
    )


def check_whole(who: str, option: str, given: object, least: int) -> None:
    """Look whether this is a whole number. Raises ValueError."""
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise ValueError(f"{who}: {option}= wants a whole number from {least}, not {given!r}")


@dataclass(frozen=True)
class Spoken:
    """What a member says in one turn; see `Said` for most of it.

    Attributes:
        message: What everybody hears.
        handoff: Whom it hands the floor to.
        own: What it alone remembers, in place of the message.
        instead: Whether that begins with what stands in place of what was said last.
        spent: What the turn took.
    """

    message: Message
    handoff: str = ""
    own: tuple[Entry, ...] = ()
    instead: bool = False
    spent: Spent = Spent()  # noqa: RUF009  # it is frozen


@dataclass(frozen=True)
class Scene:
    """What a member has at hand in its turn.

    Attributes:
        context: The context of its node.
        others: The other members, and what is told of each.
        offered: The tools of others, by name.
        models: The models that it only names.
    """

    context: Context
    others: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, ToolSpec] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)


class Voice(Protocol):
    """A member. An object with this is one; agents and functions are made one.

    Attributes:
        name: What it is called; its node is called so too.
        description: What others are told of it.
        silent: Whether it only carries out calls of its tools, and never has the floor for another reason.
        asks_at_end: Whether it is asked before the talk ends, and may let it go on by saying something.
        tools: The tools it has for the others to call, by name.
        models: The resources of the graph that it needs as its models.
        handoffs: Whom it may hand the floor to.

    One that has an attribute ``reuse`` says with it what a turn after a failed one takes over, see `Graph.node`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # the class says what it is
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def silent(self) -> bool: ...  # noqa: D102
    @property
    def asks_at_end(self) -> bool: ...  # noqa: D102
    @property
    def tools(self) -> Mapping[str, AnyTool]: ...  # noqa: D102
    @property
    def models(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def handoffs(self) -> Sequence[str]: ...  # noqa: D102

    async def speak(self, chat: Chat, scene: Scene) -> Spoken:
        """Take a turn. What it does to the world goes through the context."""
