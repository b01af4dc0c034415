"""Agents that may be cancelled, as parts of a node and as nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, Unpack

from pydantic import BaseModel, ConfigDict

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import Graph, Node
from backedge.nodes.agents import Agent, AgentPartial, AgentResult, Entry, Prompt
from backedge.nodes.agents.wiring import NodeOptions, as_node
from backedge.providers import Model

from .parts import Part, cancellable
from .policy import Cancel, Guard
from .result import Outcome
from .token import CancelToken

T = TypeVar("T")


class Stopped(BaseModel):
    """An agent was cancelled before it had an answer.

    Attributes:
        agent: Its name.
        cancel: What it was cancelled with.
        said: What it said last.
        turns: How many answers of its model it took.
        calls: How many calls of tools were carried out.
    """

    model_config = ConfigDict(frozen=True)

    agent: str
    cancel: Cancel
    said: str = ""
    turns: int = 0
    calls: int = 0

    @property
    def reason(self) -> str:
        """Why."""
        return self.cancel.reason


async def ask(
    agent: Agent[T],
    prompt: Prompt,
    context: Context,
    *,
    token: CancelToken | None = None,
    signal: str = "",
    guard: Guard = "at once",
    conversation: Sequence[Entry] = (),
    models: Mapping[str, Model] | None = None,
) -> Outcome[AgentResult[T]]:
    """Ask an agent that may be cancelled, inside a node; see `cancellable` and `Agent.run`.

    A graceful cancellation lets it end its turn: the answer of its model with all the calls of tools in it, other agents among
    them. One at once ends the call of the model or of the tool that it is in.

    Returns:
        Its result, or that it was cancelled; then `Outcome.partial` is an `AgentPartial`, an empty one if it had not begun.
        Its conversation is what this run added: put it behind what was said before, for its next run.

    Example::

        said: list[Entry] = []
        outcome = await ask(agent, question, ctx, signal="stop")
        while outcome.cancelled:
            said += outcome.partial.conversation
            hint = await ctx.ask(f"stopped: {outcome.cancel.reason}. Go on with?")
            outcome = await ask(agent, hint, ctx, signal="stop", conversation=said)
    """

    async def work(part: Part) -> AgentResult[T]:
        return await agent.run(prompt, context, conversation=conversation, models=models, stopping=part)

    outcome = await cancellable(
        context, work, token, name=agent.name, signal=signal, guard=guard, keeps=AgentPartial
    )
    if outcome.cancelled and outcome.partial is None:
        return replace(outcome, partial=AgentPartial(agent=agent.name))
    return outcome


def cancellable_agent(
    graph: Graph[Any],
    agent: Agent[Any],
    *,
    reads: str | Sequence[str] | Callable[..., Prompt],
    writes: str,
    stopped: str,
    conversation: str = "",
    token: str = "",
    signal: str = "",
    guard: Guard = "at once",
    name: str = "",
    **options: Unpack[NodeOptions],
) -> Node[..., Any]:
    """An agent that may be cancelled as a node of a graph.

    When it was cancelled it writes `stopped` instead of an answer, and its conversation all the same: asked again, as by a
    feedback edge, it has before it what it had done. With an answer it writes None there.

    Args:
        graph: The graph.
        agent: The agent.
        reads: What it is asked, see `Agent.node`.
        writes: The field that takes its answer.
        stopped: The field, of type ``Stopped | None``, that says that it was cancelled.
        conversation: The field that keeps its conversation; without one only what it said last is left of it.
        token: The resource of the graph that is the `CancelToken`.
        signal: The signal that cancels it, from any process.
        guard: What it lets through, as for `cancellable`: with ``"graceful"`` it always ends its turn.
        name: The node's name; the agent's by default.
        **options: See `Graph.node`.

    Raises:
        GraphError: A resource that it names is none of the graph.
        ValueError: Nothing could cancel it.

    Example::

        node = cancellable_agent(graph, agent, reads="question", writes="answer", stopped="stopped",
                                 conversation="chat", token="cancel", signal="stop")
    """
    if not token and not signal:
        raise ValueError(
            f"{agent.name}: say what may cancel it: token= names a resource of the graph, signal= a signal"
        )
    missing = sorted((agent.models | ({token} if token else set())) - graph.resources.keys())
    if missing:
        kinds = ", ".join(f"{one!r}: {'CancelToken' if one == token else 'Model'}" for one in missing)
        raise GraphError(
            [f"agent {agent.name!r} names {missing[0]!r}: say Graph(..., resources={{{kinds}}})"]
        )

    def shape(output: Any) -> Mapping[str, Any]:
        return {stopped: output} if isinstance(output, Stopped) else {writes: output, stopped: None}

    runs = _Stoppable(agent, token, signal, guard)
    fields = (writes, stopped)
    function = as_node(runs, reads=reads, writes=fields, conversation=conversation, shape=shape)
    written = (*fields, conversation) if conversation else fields
    return graph.node(function, name=name or agent.name, writes=written, reuse="all", **options)


@dataclass(frozen=True)
class _Ended:
    """What such a node makes its fields of."""

    output: Any
    conversation: Sequence[Entry]


class _Stoppable:
    """An agent that runs as a part that may be cancelled; its token is one more resource that it needs."""

    def __init__(self, agent: Agent[Any], token: str, signal: str, guard: Guard) -> None:
        self.name = agent.name
        self.models = agent.models | ({token} if token else set())
        self.output: Any = agent.output
        self._agent = agent
        self._token = token
        self._signal = signal
        self._guard: Guard = guard

    async def run(
        self, prompt: Prompt, context: Context, *, conversation: Sequence[Any], models: Mapping[str, Any]
    ) -> _Ended:
        """See `Agent.run`."""
        token = models[self._token] if self._token else None
        given = {name: model for name, model in models.items() if name != self._token}
        outcome = await ask(
            self._agent,
            prompt,
            context,
            token=token,
            signal=self._signal,
            guard=self._guard,
            conversation=conversation,
            models=given,
        )
        if outcome.cancel is None:
            result = outcome.result()
            return _Ended(result.output, result.conversation)
        had: AgentPartial = outcome.partial
        stopped = Stopped(
            agent=self.name, cancel=outcome.cancel, said=had.said, turns=had.turns, calls=had.calls
        )
        return _Ended(stopped, had.conversation)
