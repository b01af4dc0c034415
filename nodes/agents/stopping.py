"""How an agent is stopped on the way: it says where that does least harm, and what it has until then."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from backedge.providers import Usage
from backedge.providers.messages import Frozen

from .conversation import Entry


class AgentPartial(Frozen):
    """What an agent has that was stopped on the way.

    Attributes:
        agent: Its name.
        said: What its model said last in words.
        conversation: What its run added to the conversation, the question included. Handed to its next run behind what was
            said before, it goes on from there.
        turns: How many answers of the model it took.
        calls: How many calls of tools were carried out.
        usage: What the answers took.
        cost: What they cost in US dollars; None when one of the prices is not known.
    """

    agent: str
    said: str = ""
    conversation: tuple[Entry, ...] = ()
    turns: int = 0
    calls: int = 0
    usage: Usage = Usage()
    cost: float | None = 0.0


class Stopping(Protocol):
    """Who may stop an agent; `backedge.nodes.cancelling` has one."""

    def line(self) -> AbstractContextManager[None]:
        """What is done in it comes to checkpoints."""

    async def checkpoint(self) -> None:
        """The next turn is about to begin: whoever is to be stopped goes no further."""

    def keep(self, partial: AgentPartial) -> None:
        """What there is so far."""
