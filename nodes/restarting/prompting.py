"""What one is told that begins again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backedge.nodes.agents.prompts import text_of

from .triggers import Begun, Entry

_SAID = {
    "peer": "{source} answered: {text}",
    "input": "The user said: {text}",
    "validation": "This is wrong with it: {text}",
    "error": "It failed: {text}",
    "custom": "{text}",
}


def prompt(question: str, restarts: Sequence[Entry]) -> str:
    """A question; to one who begins again, with the answer that was given before, and why that is stale.

    Example:
        >>> prompt("How long is it?", [])
        'How long is it?'

        ``agent.node(graph, reads=lambda question, restarts: prompt(question, restarts), writes="answer")``
    """
    last = next((entry for entry in reversed(restarts) if isinstance(entry, Begun)), None)
    if last is None:
        return question
    since = "\n".join(f"- {_SAID[it.kind].format(source=it.source, text=it.text)}" for it in last.triggers)
    if last.answer is None:
        return f"{question}\n\nYou have tried to answer this before.\n{since}\n\nAnswer it now."
    return f"{question}\n\nYour answer was:\n{text_of(last.answer)}\n\nSince then:\n{since}\n\nGive the whole answer anew."


def past_answers(restarts: Sequence[Entry]) -> list[Any]:
    """The answers that were given before the one that stands, oldest first."""
    return [entry.answer for entry in restarts if isinstance(entry, Begun) and entry.answer is not None]
