"""How an agent becomes a function: of a state's fields, for a graph, or of a request, for another agent."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol, TypeAlias, TypedDict

from pydantic import Field

from backedge.engine.compiler.signatures import is_async, read_signature
from backedge.engine.context import Context
from backedge.nodes.tools import AnyTool
from backedge.providers import Model

from .prompts import Prompt, message_of, message_of_fields

if TYPE_CHECKING:
    from tenacity import BaseRetrying

    from .agent import Agent

_CONTEXT: Final = "agents_context_"
_Request: TypeAlias = Annotated[str, Field(description="What to do, with all there is to know for it.")]


class NodeOptions(TypedDict, total=False):
    """What a node of an agent takes besides; see `Graph.node`."""

    retry: BaseRetrying | None
    timeout: float | None
    concurrency: int | None
    uses: str | Sequence[str]
    may_stop: bool
    version: str
    approve: bool
    join: Literal["all", "each", "first"] | int | None
    rest: Literal["drop", "cancel", "wait"]


class Runs(Protocol):
    """What of an agent a node needs.

    Attributes:
        name: Its name.
        models: The resources of the graph that it is to be handed.
        output: The type of its answers.
    """

    name: str
    models: frozenset[str]
    output: Any

    async def run(
        self, prompt: Prompt, context: Context, *, conversation: Sequence[Any], models: Mapping[str, Any]
    ) -> Any:
        """Gives something with an `output` and a `conversation`; see `Agent.run`."""


class Delegate:
    """An agent as the function of a tool."""

    def __init__(self, agent: Agent[Any], models: Mapping[str, Model] | None = None) -> None:
        self.agent = agent
        self._models = models or {}

    async def __call__(self, request: _Request, context: Context) -> Any:
        """Ask the agent."""
        return (await self.agent.run(request, context, models=self._models)).output


def needed_models(model: Model | str, tools: Iterable[AnyTool]) -> frozenset[str]:
    """The resources that an agent names as its model, or as the model of an agent among its tools."""
    names = {model} if isinstance(model, str) else set()
    for one in tools:
        if isinstance(one.function, Delegate):
            names |= one.function.agent.models
    return frozenset(names)


def as_node(
    agent: Runs,
    *,
    reads: str | Sequence[str] | Callable[..., Prompt],
    writes: str | tuple[str, ...],
    conversation: str,
    shape: Callable[[Any], Any] | None = None,
) -> Callable[..., Awaitable[Any]]:
    """The function of an agent's node. Its signature names the fields that it reads, as the engine wants it.

    Args:
        agent: The agent.
        reads: What it is asked, see `Agent.node`.
        writes: The field that it writes; or several, of which `shape` gives a mapping.
        conversation: The field that keeps its conversation; empty for none.
        shape: Makes of its answer what is written.
    """
    prompt, parameters = _prompt(reads)
    names = frozenset(parameter.name for parameter in parameters)
    added = [name for name in (conversation,) if name and name not in names]
    added += [name for name in sorted(agent.models) if name not in names]
    keyword = inspect.Parameter.KEYWORD_ONLY

    async def ask(**given: Any) -> Any:
        context = given.pop(_CONTEXT)
        asked = prompt({name: value for name, value in given.items() if name in names})
        past = given[conversation] if conversation else ()
        models = {name: given[name] for name in agent.models}
        result = await agent.run(asked, context, conversation=past, models=models)
        written = result.output if shape is None else shape(result.output)
        if not conversation:
            return written
        fields = {writes: written} if isinstance(writes, str) else written
        return {**fields, conversation: list(result.conversation)}

    told: Any = ask
    told.__name__ = agent.name
    told.__signature__ = inspect.Signature(
        [
            *(parameter.replace(kind=keyword) for parameter in parameters),
            *(inspect.Parameter(name, keyword) for name in added),
            inspect.Parameter(_CONTEXT, keyword, annotation=Context),
        ],
        return_annotation=inspect.Signature.empty if conversation or shape else agent.output,
    )
    return ask


def _prompt(
    reads: str | Sequence[str] | Callable[..., Prompt],
) -> tuple[Callable[[Mapping[str, Any]], Any], list[inspect.Parameter]]:
    """What makes a prompt of fields, and the parameters that stand for these."""
    if callable(reads):
        make = reads
        if is_async(make):
            raise TypeError("reads= takes a plain function: let a node of its own do what takes time")
        told = read_signature(make, {})
        parameters = [
            parameter.replace(annotation=told.hints.get(name, inspect.Parameter.empty))
            for name, parameter in told.parameters.items()
            if name not in told.bound
        ]
        return lambda values: message_of(make(**values)), parameters
    names = (reads,) if isinstance(reads, str) else tuple(reads)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return message_of_fields, [inspect.Parameter(name, keyword) for name in names]
