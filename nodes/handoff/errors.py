"""What ends agents that hand off to each other without an answer."""

from __future__ import annotations

from typing import Any

from backedge.nodes.agents import AgentError


class HandoffLimitError(AgentError):
    """An agent wanted to hand off once more than is allowed, and ``at_limit="fail"`` says that this is an error."""

    def __init__(self, agent: str, target: str, limit: str) -> None:
        super().__init__(agent, target, limit)

    args: tuple[Any, ...]

    @property
    def target(self) -> str:
        """Whom it wanted to hand off to."""
        return str(self.args[1])

    @property
    def limit(self) -> str:
        """Which limit, such as ``handoffs=10``."""
        return str(self.args[2])

    def __str__(self) -> str:
        return (
            f"{self.agent} wants to hand off to {self.target}, but {self.limit} is reached: build the swarm with a higher "
            f"limit and resume, or say at_limit= what is to happen then"
        )
