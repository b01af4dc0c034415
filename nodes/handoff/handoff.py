"""`Handoff`: one agent may give the work to another. The model sees it as a tool, `transfer_to_NAME`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from backedge.engine.compiler.signatures import is_async
from backedge.engine.context import Context
from backedge.nodes.agents import Agent
from backedge.nodes.agents.prompts import text_of
from backedge.nodes.tools import AnyTool, ToolError, tool
from backedge.nodes.tools.declaring import check_options

from .filters import Filter, everything
from .state import Passing


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

    Raises:
        TypeError: One of them cannot be used.

    Example::

        Handoff(to=billing, when="Money and invoices.", context=last(4), input=Ticket, returns=True)
    """

    to: Agent[Any] | str
    when: str = ""
    context: Filter = everything
    input: Any = None
    returns: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.to, str | Agent):
            raise TypeError(f"Handoff(to=) takes an agent, or the name of one, not {self.to!r}")
        if not callable(self.context):
            raise TypeError(
                f"Handoff(context=) takes a filter, such as last(5) or only_message, not {self.context!r}"
            )
        if is_async(self.context):
            raise TypeError(
                "Handoff(context=) takes a plain function, as it depends on nothing but what it is given"
            )

    @property
    def target(self) -> str:
        """The other's name."""
        return self.to if isinstance(self.to, str) else self.to.name

    @property
    def name(self) -> str:
        """What the model calls it."""
        return f"transfer_to_{self.target}"

    def tool(self, about: str = "") -> AnyTool:
        """The tool through which a model hands off.

        Args:
            about: What the other is good for, where `when` does not say so.

        Raises:
            ToolDefinitionError: No model can be told the type of the input, or the name is too long for one.
        """
        what = "Ask {} and get the answer." if self.returns else "Give the work to {}."
        described = f"{what.format(self.target)} {self.when or about}".strip()
        check_options(self.name, described, "read", None, None, 1)
        base = _with_reason() if self.input is None else _with_details(self.input)
        return replace(base, name=self.name, description=described, function=_Transfer(self))

    def told(self, made: AnyTool, arguments: str) -> str:
        """What a model told with the handoff, as text: of a structured input the JSON."""
        return text_of(made.check(arguments)["reason" if self.input is None else "details"])


class _Transfer:
    """What handing off does by itself: nothing but to say so, or why not. The node of the agent does the rest."""

    def __init__(self, handoff: Handoff, refused: str = "") -> None:
        self.handoff = handoff
        self._refused = refused

    async def __call__(self, **told: Any) -> str:
        """Say so. Raises ToolError."""
        if self._refused:
            raise ToolError(self._refused)
        target = self.handoff.target
        return f"{target} was asked" if self.handoff.returns else f"{target} has the work now"


def handoff_of(made: AnyTool) -> Handoff | None:
    """The handoff that a tool makes; None for any other tool."""
    return made.function.handoff if isinstance(made.function, _Transfer) else None


def refusing(made: AnyTool, why: str) -> AnyTool:
    """The tool of a handoff that may not be made. A model that calls it is told why, and goes on."""
    handoff = handoff_of(made)
    assert handoff is not None
    return replace(made, function=_Transfer(handoff, why))


@cache
def _with_reason() -> AnyTool:
    """What all handoffs with a reason in words have in common; it is made once, since that takes a while."""

    async def transfer(
        reason: Annotated[str, Field(description="Why, and all there is to know for going on.")],
        context: Context,
    ) -> str:
        raise NotImplementedError

    return tool(transfer, description="Hand off.", permission="read")


def _with_details(kind: Any) -> AnyTool:
    async def transfer(details: Any, context: Context) -> str:
        raise NotImplementedError

    transfer.__annotations__["details"] = kind
    return tool(transfer, description="Hand off.", permission="read")


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
