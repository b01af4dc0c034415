"""The state of agents that hand off to each other: what was said, who has the work, and who waits for an answer."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel

from backedge.engine.state.reducers import extend
from backedge.nodes.agents import Conversation
from backedge.providers.messages import Frozen

Span: TypeAlias = tuple[int, int]
"""Entries of the conversation, from the first up to but not including the second."""


class Passing(Frozen):
    """The work went from one agent to another.

    Attributes:
        kind: ``handoff`` when it went over for good, ``call`` when an answer is to come back, ``return`` when it comes,
            ``fallback`` when a limit was reached.
        source: Who gave it away.
        target: Who has it now.
        told: What the next agent was told: a reason, a structured input as JSON, or an answer.
    """

    kind: Literal["handoff", "call", "return", "fallback"]
    source: str
    target: str
    told: str = ""


class Frame(Frozen):
    """An agent waits for an answer.

    Attributes:
        agent: Who waits.
        view: What it had seen and said, to go on with.
    """

    agent: str
    view: tuple[Span, ...]


class SwarmState(BaseModel):
    """The state of a swarm.

    Attributes:
        question: What is asked.
        answer: The answer; its type is that of the agents' answers.
        active: Who has the work, or gave the answer.
        limit: The limit at which it ended, such as ``handoffs=10``; empty where it did not.
        talk: All that was said, by whomever.
        view: What of it the active agent is shown.
        trail: Every handoff, in order.
        stack: Who waits for an answer; who gets the next one stands last.
    """

    question: str
    answer: str = ""
    active: str = ""
    limit: str = ""
    talk: Conversation = []
    view: tuple[Span, ...] = ()
    trail: Annotated[list[Passing], extend] = []
    stack: tuple[Frame, ...] = ()
