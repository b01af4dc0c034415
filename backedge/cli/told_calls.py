"""Calls of models as a person follows them: a line when one has ended or failed, none for each piece of an answer."""

from __future__ import annotations

from backedge.providers.calls import CallEnded, CallEvent, CallFailed
from backedge.providers.messages import Usage

from .console import cut, span


def line_of_call(event: CallEvent) -> str | None:
    """An event of a call as one line; None for what is not worth one."""
    match event:
        case CallEnded():
            who = event.model if event.by in ("", event.model) else f"{event.model} (by {event.by})"
            facts = [_tokens(event.usage), *_cost(event.cost), *_tries(event.attempts)]
            whence = " from the cache" if event.cached else ""
            return f"{who} answered{whence} in {span(event.seconds)}: {', '.join(facts)}"
        case CallFailed():
            why = cut(f"{event.error}: {event.message}" if event.message else event.error, 300)
            after = ", ".join([span(event.seconds), *_tries(event.attempts)])
            return f"{event.model} failed after {after}: {why}"
        case _:
            return None


def _tokens(usage: Usage) -> str:
    return f"{usage.input_tokens:,} tokens read, {usage.output_tokens:,} written"


def _cost(cost: float | None) -> list[str]:
    return [] if cost is None else [f"${cost:.4f}"]


def _tries(attempts: int) -> list[str]:
    return [f"{attempts} tries"] if attempts > 1 else []
