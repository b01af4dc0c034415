"""Context filters: what of a conversation the next agent is shown when the work is handed to it.

A filter is a function of what the agent that hands off has seen and said. It gives the entries to go on with; those that it
makes up itself are added to the conversation. It must depend on nothing but what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from backedge.nodes.agents import Entry
from backedge.nodes.agents.conversation import Turn, turns_of
from backedge.providers import Message, ToolCall, ToolResult

Filter: TypeAlias = Callable[[Sequence[Entry]], Sequence[Entry]]
"""Gives what the next agent is shown, of what this one has seen and said."""


def everything(seen: Sequence[Entry]) -> Sequence[Entry]:
    """All of it. The default."""
    return seen


def only_message(seen: Sequence[Entry]) -> Sequence[Entry]:
    """Nothing: the next agent knows what it is told with the handoff, and no more."""
    return ()


def last(number: int) -> Filter:
    """The last messages: a call of a tool and its results are kept together, and count as one.

    Args:
        number: How many, from 1.

    Raises:
        ValueError: It is less than 1; for none at all there is `only_message`.
    """
    if number < 1:
        raise ValueError(f"last() takes a number of messages from 1, not {number}; for none say only_message")

    def last_messages(seen: Sequence[Entry]) -> Sequence[Entry]:
        messages = [entry for entry in seen if isinstance(entry, Message)]
        kept = {id(one) for turn in turns_of(messages)[-number:] for one in _own(turn, messages)}
        return [entry for entry in seen if not isinstance(entry, Message) or id(entry) in kept]

    return last_messages


def _own(turn: Turn, messages: Sequence[Message]) -> Sequence[Message]:
    """The messages of a turn as they stand in the conversation, results included."""
    first = next(place for place, one in enumerate(messages) if one is turn.messages[0])
    after = first + 1
    while turn.messages[0].tool_calls and after < len(messages) and messages[after].role == "tool":
        after += 1
    return messages[first:after]


def without_tools(seen: Sequence[Entry]) -> Sequence[Entry]:
    """What was said, without calls of tools and their results: for models that know other tools."""
    shown: list[Entry] = []
    for entry in seen:
        if not isinstance(entry, Message):
            shown.append(entry)
            continue
        parts = tuple(part for part in entry.parts if not isinstance(part, ToolCall | ToolResult))
        if len(parts) == len(entry.parts):
            shown.append(entry)
        elif entry.text.strip():
            shown.append(Message.of(entry.role, *parts))
    return shown
