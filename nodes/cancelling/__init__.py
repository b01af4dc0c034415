"""Cancellation: tokens with children, guards that say how much of a cancellation is let through, partial results that are kept.

`cancellable` runs a part of a node that may be cancelled; whether it was is recorded. `cancellable_agent` does that with an
agent, as a node of a graph. `partial_results` reads in a journal what was done of what never came to its end.
"""

from __future__ import annotations

from .agents import Stopped, ask, cancellable_agent
from .parts import Part, cancellable
from .past import Deed, Remains, partial_results
from .policy import Cancel, Guard, Policy, policy, strictest
from .result import Outcome, PartCancelledError
from .token import CancelToken

__all__ = [
    "Cancel",
    "CancelToken",
    "Deed",
    "Guard",
    "Outcome",
    "Part",
    "PartCancelledError",
    "Policy",
    "Remains",
    "Stopped",
    "ask",
    "cancellable",
    "cancellable_agent",
    "partial_results",
    "policy",
    "strictest",
]
