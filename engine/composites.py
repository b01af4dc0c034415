"""Nodes that stand for more than one: a graph as a node, and what runs once for each item. Written down, not judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .definition import MapOver, Subgraph
from .errors import GraphError
from .shown import shown


def is_graph(given: object) -> bool:
    """Whether something is a graph or a flow."""
    return hasattr(given, "definition") and hasattr(given, "state")


def subgraph_of(
    what: str,
    graph: Any,
    reads: Mapping[str, str] | None,
    writes: Mapping[str, str] | None,
    limit: int | None,
) -> Subgraph:
    """A graph as a node. Raises GraphError for what cannot be written down."""
    if not is_graph(graph):
        raise GraphError(
            [f"{what} wants a graph or a compiled flow, not {shown(graph)}; for a function see graph.node()"]
        )
    for option, given in (("reads", reads), ("writes", writes)):
        if given is not None and not isinstance(given, Mapping):
            raise GraphError(
                [f"{what}: {option}= wants a mapping of its fields to those around it, not {shown(given)}"]
            )
    if limit is not None and not _is_count(limit, least=0):
        raise GraphError([f"{what}: limit= wants a whole number from 0, not {shown(limit)}"])
    return Subgraph(
        graph, None if reads is None else dict(reads), None if writes is None else dict(writes), limit
    )


def map_over(
    what: str,
    body: Callable[..., Any] | Subgraph,
    *,
    over: str | Callable[..., Any],
    item: str,
    into: str | None,
    result: str | None,
    join: str | int | Callable[..., Any],
    rest: str,
    errors: str,
) -> MapOver:
    """Something that runs once for each item. Raises GraphError for what cannot be written down."""
    if not (isinstance(over, str) or callable(over)):
        raise GraphError(
            [f"{what}: over= wants a field, or a function of fields that gives a list, not {shown(over)}"]
        )
    if not (isinstance(item, str) and item.isidentifier()):
        raise GraphError(
            [f"{what}: item= wants the name of the parameter that gets an item, not {shown(item)}"]
        )
    if into is not None and not isinstance(into, str):
        raise GraphError([f"{what}: into= wants the field that takes the results, not {shown(into)}"])
    counted = callable(join) or join in ("all", "first", "none") or _is_count(join, least=1)
    if not counted:
        raise GraphError(
            [
                f'{what}: join= wants "all", "first", "none", how many results are enough, or a function of fields '
                f"that says it, not {shown(join)}"
            ]
        )
    if rest not in ("drop", "cancel"):
        raise GraphError([f'{what}: rest= wants "drop" or "cancel", not {shown(rest)}'])
    if rest == "cancel" and join == "all":
        raise GraphError(
            [
                f'{what}: rest="cancel" says what becomes of those that are not needed, and join="all" needs all'
            ]
        )
    if errors not in ("fail", "collect"):
        raise GraphError([f'{what}: errors= wants "fail" or "collect", not {shown(errors)}'])
    return MapOver(body, over, item, into, result, join, rest, errors == "collect")


def not_called(*_: object, **__: object) -> NoReturn:
    """Stands where a node has no function of its own."""
    raise TypeError("a subgraph is no function: run its flow, with flow.run(...)")


def _is_count(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
