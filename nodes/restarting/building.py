"""How a node that answers becomes one that begins again: a loop around it, made of plain nodes and edges."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import Graph, Node

from .deciding import Restart
from .triggers import Begun, Failed, OnError, Trigger, source_of
from .watching import watch_node


class Restartable(NamedTuple):
    """The nodes that `restartable` adds.

    Attributes:
        watch: Watches over the answer. What is to be looked at leads to it.
        settled: Where the answer stands: go on from there.
    """

    watch: Node[..., Any]
    settled: Node[..., Any]


def restartable(
    graph: Graph[Any],
    node: Node[..., Any],
    restart: Restart,
    *,
    answer: str,
    restarts: str,
    after: Sequence[Node[..., Any]] = (),
    again: Sequence[Node[..., Any]] = (),
    name: str = "",
) -> Restartable:
    """Let a node that has answered begin again when something makes its answer stale.

    Behind the node comes one that watches; from there a feedback edge leads back, as often as the policy's limit says, and
    a plain one on. What is decided is written into the state, so it is recorded as everything is.

    Args:
        graph: The graph.
        node: The node that answers: an agent, or any other.
        restart: When it is to begin again.
        answer: The field of its answer.
        restarts: The field, of type `Restarts`, for what happens to the answer.
        after: The nodes behind which to watch, such as a check or a peer, where that is not right behind the node.
            What leads from the node to them is yours to say.
        again: Other nodes that begin again with it.
        name: What the nodes that are added begin with; the node's name by default.

    Raises:
        GraphError: Something of it cannot work; every problem is listed.

    Example::

        loop = restartable(graph, writer, Restart(on=[UserInput()], limit=5), answer="text", restarts="restarts")
        graph.edge(START, writer)
        graph.edge(loop.settled, END)
    """
    _check(graph, restart, answer, restarts)
    called = name or node.name
    try:
        function = watch_node(restart, node=node.name, answer=answer, restarts=restarts)
    except TypeError as error:
        raise GraphError([f"restart of {node.name!r}: {error}"]) from None
    watch = graph.node(function, name=f"{called}_watch", writes=restarts)
    settled = graph.node(_settled, name=f"{called}_settled", inline=True)
    for before in after or (node,):
        graph.edge(before, watch)
    for on in restart.on:
        if isinstance(on, OnError):
            caught = graph.node(_catcher(on), name=f"{called}_{source_of(on)}", writes=restarts)
            graph.on_error(node, caught, error=on.error)
            graph.edge(caught, watch)
    for target in (node, *again):
        graph.feedback(watch, target, when=_whether(restarts, begun=True), limit=restart.limit, label="stale")
    graph.edge(watch, settled, when=_whether(restarts, begun=False), label="settled")
    return Restartable(watch, settled)


def _settled() -> None:
    """The answer stands."""


def _catcher(on: OnError) -> Callable[..., Any]:
    async def caught(ctx: Context, error: Exception) -> list[Failed]:
        text = f"{type(error).__name__}: {error}"
        return [Failed(trigger=Trigger(kind="error", source=source_of(on), text=text, at=ctx.now()))]

    parameters = [
        inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context),
        inspect.Parameter("error", inspect.Parameter.KEYWORD_ONLY, annotation=on.error),
    ]
    told: Any = caught
    told.__signature__ = inspect.Signature(parameters)
    return caught


def _whether(restarts: str, *, begun: bool) -> Callable[..., bool]:
    """The condition that the last that happened is a beginning, or is none."""

    def condition(**fields: Any) -> bool:
        history = fields[restarts]
        return bool(history and isinstance(history[-1], Begun)) is begun

    told: Any = condition
    told.__signature__ = inspect.Signature([inspect.Parameter(restarts, inspect.Parameter.KEYWORD_ONLY)])
    return condition


def _check(graph: Graph[Any], restart: Restart, answer: str, restarts: str) -> None:
    fields = graph.state.model_fields
    state: type[BaseModel] = graph.state
    problems = [
        f"restarts: {state.__name__} has no field {name!r}: say {name}: {kind}"
        for name, kind in ((answer, 'str = ""'), (restarts, "Restarts = []"))
        if name not in fields
    ]
    if (
        any(isinstance(on, OnError) for on in restart.on)
        and answer in fields
        and fields[answer].is_required()
    ):
        problems.append(f"restarts: {answer!r} needs a default, since after an error there may be no answer")
    if problems:
        raise GraphError(problems)
