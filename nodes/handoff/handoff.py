"""`Handoff`: one agent may give the work to another. The model sees it as a tool, `transfer_to_NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from backedge.engine.context import Context
from backedge.nodes.agents import Agent
from backedge.nodes.agents.prompts import text_of
from backedge.nodes.tools import AnyTool, ToolError, tool

from .filters import Filter, everything
from .state import Passing

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s")


@dataclass(frozen=True, kw_only=True)
class Handoff:
    """One agent may give the work to another.

    Attributes:
        to: The other agent, or its name.
        when: For the model to read: what the other is good for. By default the first sentence of its instructions.
        context: What of the conversation the other is shown: `everything`, `last(5)`, `only_message`, `without_tools`, or
            a function.
        input: The type of what is told with it, which the model fills in: anything that pydantic can tell as a JSON schema.
            By default a reason in words.
        returns: Whether the other's answer comes back to this agent, which goes on with it. Else the other has the work
            for good.

    Example::

        Handoff(to=billing, when="Money and invoices.", context=last(4), input=Ticket, returns=True)
    """

    to: Agent[Any] | str
    when: str = ""
    context: Filter = everything
    input: Any = None
    returns: bool = False

    @property
    def target(self) -> str:
        """The other's name."""
        return self.to if isinstance(self.to, str) else self.to.name

    @property
    def name(self) -> str:
        """What the model calls it."""
        return f"transfer_to_{self.target}"

    def tool(self, agents: Mapping[str, Agent[Any]], refused: str = "") -> AnyTool:
        """The tool through which a model hands off.

        Args:
            agents: All agents, by name.
            refused: Why it may not, for the model to read; empty when it may.

        Raises:
            ToolDefinitionError: No model can be told the type of the input.
        """

        def transfer() -> str:
            if refused:
                raise ToolError(refused)
            return f"{self.target} was asked" if self.returns else f"{self.target} has the work now"

        async def with_reason(
            reason: Annotated[str, Field(description="Why, and all there is to know for going on.")],
            context: Context,
        ) -> str:
            return transfer()

        async def with_details(details: Any, context: Context) -> str:
            return transfer()

        with_details.__annotations__["details"] = self.input
        about = self.when or _SENTENCE.split(agents[self.target].instructions.strip(), maxsplit=1)[0]
        what = "Ask {} and get the answer." if self.returns else "Give the work to {}."
        return tool(
            with_reason if self.input is None else with_details,
            name=self.name,
            description=f"{what.format(self.target)} {about}".strip(),
            permission="read",
        )

    def told(self, made: AnyTool, arguments: str) -> str:
        """What a model told with the handoff, as text: of a structured input the JSON."""
        return text_of(made.check(arguments)["reason" if self.input is None else "details"])


def prompt_of(passing: Passing) -> str:
    """What an agent that gets the work is told."""
    source, told = passing.source, passing.told
    match passing.kind:
        case "handoff":
            return f"{source} gives the work to you: {told}"
        case "call":
            return f"{source} asks you, and waits for your answer: {told}"
        case "return":
            return f"{source} answers: {told}"
        case "fallback":
            return f"It is yours to answer now, as nobody may hand off any more. {source} said: {told}"
