"""Handoffs: agents that pass the work on to each other, for good or until an answer comes back.

`swarm` builds the graph of them, `Handoff` says who may hand off to whom and with what, `Limits` how often.
"""

from __future__ import annotations

from .errors import HandoffLimitError
from .filters import Filter, everything, last, only_message, without_tools
from .handoff import Handoff
from .limits import Limits
from .state import Frame, Passing, SwarmState
from .swarm import swarm

__all__ = [
    "Filter",
    "Frame",
    "Handoff",
    "HandoffLimitError",
    "Limits",
    "Passing",
    "SwarmState",
    "everything",
    "last",
    "only_message",
    "swarm",
    "without_tools",
]
