"""What comes of a run of an agent: an answer, or that it went out through one of its exits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from backedge.providers import ToolCall, Usage

from .conversation import Entry

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult(Generic[T]):
    """What comes of a run of an agent.

    Attributes:
        output: The answer.
        conversation: What was said, the question included: what is to be added to the conversation before.
        turns: How many answers of the model it took.
        calls: How many calls of tools.
        usage: What the model's answers took together, other agents among its tools not counted.
        cost: What they cost in US dollars, as far as the model says; None when one of the prices is not known.
    """

    output: T
    conversation: tuple[Entry, ...]
    turns: int
    calls: int
    usage: Usage
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentExit:
    """An agent ended without an answer, because it called one of its exits; see `Agent.run_or_exit`.

    Attributes:
        call: The call of the exit. Its arguments are checked.
        said: What the agent said with it.
        conversation: As in `AgentResult`; its last message holds the results of the last calls.
        turns: As in `AgentResult`.
        calls: As in `AgentResult`, that of the exit included.
        usage: As in `AgentResult`.
        cost: As in `AgentResult`.
    """

    call: ToolCall
    said: str
    conversation: tuple[Entry, ...]
    turns: int
    calls: int
    usage: Usage
    cost: float | None
