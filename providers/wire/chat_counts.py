"""What an answer of Chat Completions says it took: every endpoint's way to count, brought into one form. Pure."""

from __future__ import annotations

import math
from typing import Any, Final

from ..messages import Usage
from .content import Body

_CACHED: Final = ("cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens")
"""What endpoints call what they read from a cache."""


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
    read, written = _number(counts.get("prompt_tokens")), _number(counts.get("completion_tokens"))
    details = _object(counts.get("prompt_tokens_details"))
    thought = _number(_object(counts.get("completion_tokens_details")).get("reasoning_tokens"))
    hidden = _number(counts.get("total_tokens")) - read - written
    if hidden > 0:
        written += hidden
        thought = max(thought, hidden)
    cached, stored = 0, _number(counts.get("cache_creation_input_tokens"))
    for name in _CACHED:
        if name in counts:
            cached = max(cached, _number(counts[name]))
    if details:
        cached = max(cached, _number(details.get("cached_tokens")))
        stored = max(stored, _number(details.get("cache_write_tokens")))
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=stored,
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


def _number(found: Any) -> int:
    """A count; 0 where there is none."""
    if type(found) is int:
        return found if found > 0 else 0
    return 0 if found is None else int(_amount(found) or 0)


def _amount(found: Any) -> float | None:
    """A number that counts something; nothing else is one, however it is written."""
    if found is None or isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if math.isfinite(found) and found >= 0 else None
