"""What comes of a run of an agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from backedge.providers import Usage

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
