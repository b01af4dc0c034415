"""What an agent tells while it works, besides what its model does: frozen, and emitted as `CustomEvent` data.

What a model does is told by the events of `backedge.providers.calls`, with the agent's name among their labels: with
``stream=True`` the pieces of its answers are `CallDelta` events. What comes from the journal is told of no more; but a tool
that takes a context, such as another agent, is told each time the body runs, since only what it does is in the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is called.

    Attributes:
        agent: Who calls.
        call: The call's id, as the model gave it.
        tool: The tool.
        arguments: As the model wrote them.
    """

    agent: str
    call: str
    tool: str
    arguments: str
    kind: Literal["tool_start"] = "tool_start"


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool is done.

    Attributes:
        agent: Who called.
        call: The call's id.
        tool: The tool.
        seconds: How long it took.
        error: What went wrong; empty when nothing did.
    """

    agent: str
    call: str
    tool: str
    seconds: float
    error: str = ""
    kind: Literal["tool_end"] = "tool_end"
