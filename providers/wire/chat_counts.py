"""What an answer of Chat Completions says it took: every endpoint's way to count, brought into one form. Pure."""

from __future__ import annotations

import math
from typing import Any

from ..messages import Usage
from .content import Body


def usage_in(body: Body) -> Body:
    """The counts of an answer or a chunk, wherever they stand; empty when they are not there."""
    groq = body.get("x_groq")
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for place in (body, groq, first):
        found = place.get("usage") if isinstance(place, dict) else None
        if isinstance(found, dict):
            return found
    return {}


def usage_of(counts: Body) -> Usage:
    """The counts in our form.

    Some endpoints (xAI, Gemini) leave the thoughts out of `completion_tokens` and count them in `total_tokens` only.
    """
    read, written = _most(counts, "prompt_tokens"), _most(counts, "completion_tokens")
    details = _object(counts.get("prompt_tokens_details"))
    thought = _most(_object(counts.get("completion_tokens_details")), "reasoning_tokens")
    hidden = _most(counts, "total_tokens") - read - written
    if hidden > 0:
        written += hidden
        thought = max(thought, hidden)
    cached = _most(counts, "cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens")
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=max(cached, _most(details, "cached_tokens")) if details else cached,
        cache_write_tokens=max(
            _most(details, "cache_write_tokens"), _most(counts, "cache_creation_input_tokens")
        ),
        reasoning_tokens=thought,
    )


def cost_of(counts: Body) -> float | None:
    """What gateways say an answer cost; with a key of one's own at the provider behind, what that takes comes on top."""
    cost = _amount(counts.get("cost"))
    if cost is None or not counts.get("is_byok"):
        return cost
    return cost + (_amount(_object(counts.get("cost_details")).get("upstream_inference_cost")) or 0.0)


def _object(found: Any) -> Body:
    return found if isinstance(found, dict) else {}


def _most(counts: Body, *names: str) -> int:
    """The largest of the counts with these names; 0 where there is none."""
    most = 0
    for name in names:
        found = counts.get(name)
        if found is None:
            continue
        number = found if type(found) is int else _amount(found)
        if number is not None and number > most:
            most = int(number)
    return most


def _amount(found: Any) -> float | None:
    """A number that counts something; nothing else is one, however it is written."""
    if found is None or isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if math.isfinite(found) and found >= 0 else None
