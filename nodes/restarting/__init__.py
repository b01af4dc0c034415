"""Restarting: an answer is given anew when something makes it stale.

`Restart` says when, `restartable` makes a loop of a node, and the history of the answer is a field of the state. `decide` is
the pure decision.
"""

from __future__ import annotations

from .building import Restartable, restartable
from .deciding import Begin, Ignore, Relevance, Restart, Sifted, Verdict, Wait, decide, sift
from .prompting import past_answers, prompt
from .relevance import asking
from .triggers import (
    Begun,
    Custom,
    Entry,
    Failed,
    Ignored,
    On,
    OnError,
    PeerAnswer,
    Restarts,
    Settled,
    Trigger,
    UserInput,
    ValidationFeedback,
    source_of,
)
from .watching import NoRestartError

__all__ = [
    "Begin",
    "Begun",
    "Custom",
    "Entry",
    "Failed",
    "Ignore",
    "Ignored",
    "NoRestartError",
    "On",
    "OnError",
    "PeerAnswer",
    "Relevance",
    "Restart",
    "Restartable",
    "Restarts",
    "Settled",
    "Sifted",
    "Trigger",
    "UserInput",
    "ValidationFeedback",
    "Verdict",
    "Wait",
    "asking",
    "decide",
    "past_answers",
    "prompt",
    "restartable",
    "sift",
    "source_of",
]
