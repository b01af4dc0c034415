"""What ends an agent without an answer, and whose fault it is.

::

    AgentError
    ├── TurnLimitError     the model used all its turns (or calls) and gave no answer: allow more, or ask for less
    ├── GuardError         a guard stopped it: what was asked, or what was answered, is not to be
    ├── RefusedError       the model, or its provider's filter, refused
    └── NoAnswerError      what the model answers cannot be used, after it was told why: nothing, or of another type

Each says which agent, in its own message, and is rebuilt from its record for handlers of error edges. What goes wrong with
a call of the model is a `ModelError`, and what goes wrong in a tool is told to the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from backedge.engine.errors import BackedgeError

_MOST: Final = 20  # calls that a message tells


class AgentError(BackedgeError):
    """An agent ended without an answer. Base of the kinds below."""

    args: tuple[Any, ...]

    @property
    def agent(self) -> str:
        """The agent's name."""
        return str(self.args[0])


class TurnLimitError(AgentError):
    """The model used all its turns, or all its calls of tools, and gave no answer."""

    def __init__(self, agent: str, limit: str, done: Sequence[str], said: str) -> None:
        super().__init__(agent, limit, list(done), said)

    @property
    def limit(self) -> str:
        """Which limit, such as ``max_turns=10``."""
        return str(self.args[1])

    @property
    def done(self) -> tuple[str, ...]:
        """What it did until then: a line for each call of a tool."""
        return tuple(self.args[2])

    @property
    def said(self) -> str:
        """What the model said last."""
        return str(self.args[3])

    def __str__(self) -> str:
        numbered = [f"  {number}. {line}" for number, line in enumerate(self.done, 1)]
        if len(numbered) > _MOST:
            numbered[: len(numbered) - _MOST] = [f"  ... {len(numbered) - _MOST} calls before"]
        done = "\n".join(numbered)
        told = f"; it had done:\n{done}" if done else ", and had called no tool"
        said = f"\nand said last: {self.said[:300]!r}" if self.said else ""
        return f"{self.agent} gave no answer within {self.limit}: allow more, or ask for less{told}{said}"


class GuardError(AgentError):
    """A guard stopped an agent."""

    def __init__(self, agent: str, guard: str, why: str, where: str) -> None:
        super().__init__(agent, guard, why, where)

    @property
    def guard(self) -> str:
        """The guard's name."""
        return str(self.args[1])

    @property
    def why(self) -> str:
        """Its reason."""
        return str(self.args[2])

    @property
    def where(self) -> str:
        """What it looked at: ``input`` or ``output``."""
        return str(self.args[3])

    def __str__(self) -> str:
        return f"guard {self.guard!r} stopped {self.agent} at its {self.where}: {self.why}"


class RefusedError(AgentError):
    """The model refused to answer, or its provider's filter did not let it."""

    def __init__(self, agent: str, how: str, said: str) -> None:
        super().__init__(agent, how, said)

    @property
    def said(self) -> str:
        """What it said instead."""
        return str(self.args[2])

    def __str__(self) -> str:
        said = f": {self.said[:300]}" if self.said.strip() else ""
        return f"{self.agent} has no answer, {self.args[1]}{said}"


class NoAnswerError(AgentError):
    """What the model answers cannot be used."""

    def __init__(self, agent: str, why: str, said: str) -> None:
        super().__init__(agent, why, said)

    @property
    def why(self) -> str:
        """What is wrong with it."""
        return str(self.args[1])

    @property
    def said(self) -> str:
        """What it answered."""
        return str(self.args[2])

    def __str__(self) -> str:
        said = f"; it said {self.said[:300]!r}" if self.said.strip() else ""
        return f"{self.agent} has no answer that can be used: {self.why}{said}"
