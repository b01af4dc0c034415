"""A talk from the side of one of its members: what it said itself is its own answer, what others said came to it by name.

The view of a talk that has gone on begins with the view it had before: so a summary which stands for the first messages of
it still does in later turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from backedge.nodes.agents import Entry
from backedge.nodes.agents.conversation import cut
from backedge.providers import Message, Text
from backedge.providers.messages import Part

from .talk import Said

GO_ON: Final = "You have the floor. Go on."
"""What a member is told who has the floor and nothing to answer to."""
_MOST: Final = 4000  # characters that others hear of a call, and of its result


def view(talk: Sequence[Said], name: str) -> list[Entry]:
    """A talk as a member remembers it, as its conversation.

    Results of calls that it made are that for it; for all others they are words.
    """
    entries: list[Entry] = []
    caller = ""
    for said in talk:
        if said.message.tool_calls:
            caller = said.speaker
        if said.speaker == name:
            if said.instead and entries and isinstance(entries[-1], Message):
                entries.pop()
            if said.own:
                entries += said.own
            elif said.message.parts:
                entries.append(said.message)
        elif said.message.role == "tool" and caller == name:
            entries.append(said.message)
        elif (heard := as_heard(said)) is not None:
            entries.append(heard)
    return entries


def as_heard(said: Said) -> Message | None:
    """What others hear of it: with its speaker's name before it, and without its thoughts. None for nothing."""
    parts: list[Part] = []
    told = ""
    for part in said.message.parts:
        match part.kind:
            case "text":
                told += part.text
            case "code":
                told = _line(told, f"```{part.language}\n{part.text}\n```\n")
            case "tool_call":
                told = _line(told, f"[calls {part.name} with {cut(part.arguments, _MOST)}]")
            case "tool_result":
                failed = " failed" if part.failed else ""
                told = _line(told, f"[result{failed}: {cut(part.text, _MOST)}]")
                parts += [one for one in part.content if not isinstance(one, Text)]
            case "image" | "file":
                parts.append(part)
            case _:
                continue  # thoughts, and what only a provider understands
    if said.handoff:
        told = _line(told, f"[hands over to {said.handoff}]")
    if not told.strip() and not parts:
        return None
    return Message.of("user", f"{said.speaker}: {told}", *parts)


def _line(told: str, more: str) -> str:
    return f"{told}\n{more}" if told and not told.endswith("\n") else told + more


def introduction(name: str, others: Mapping[str, str]) -> str:
    """What a member is told of the talk that it is in, besides its own instructions.

    Args:
        name: The member.
        others: All the others, and what is told of each.
    """
    lines = [f"You are {name} and talk with others. What they say comes with their name before it:"]
    lines += [
        f"- {other}: {' '.join(what.split())}" if what else f"- {other}" for other, what in others.items()
    ]
    lines.append("Speak for yourself alone, and do not put your name before what you say.")
    return "\n".join(lines)
