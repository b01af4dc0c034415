"""What nodes are made of, written down: names and options, graphs as nodes, and what runs once for each item.

Nothing is judged here that needs the whole graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypedDict

from .compiler.signatures import name_of_callable
from .definition import MapOver, NodeSpec, Subgraph, usable_name
from .errors import GraphError
from .shown import shown

if TYPE_CHECKING:
    from tenacity import BaseRetrying


class MapOptions(TypedDict, total=False):
    """How a map runs. All may be left out.

    Attributes:
        name: The node's name; the function's or graph's by default.
        result: Of a graph, the field that holds its result; by default the one that its nodes write.
        reads: Of a graph, which field of it is given which one here, as for a subgraph.
        join: When it goes on: with ``"all"`` results (the default), with the ``"first"``, with so many, or with as many as a
            function of fields says; ``"none"``: at once. Those that are left run on for themselves.
        rest: ``"cancel"`` cancels those that are left; ``"drop"`` is the default.
        errors: An item that fails fails the run (``"fail"``, the default), or has an `ItemError` as its result
            (``"collect"``).
        concurrency: How many items may be worked on at once.
        uses: Named slots that each item holds.
        version: As for a node.
        inline: As for a node, for each item; of functions only.
        retry: Likewise.
        timeout: Likewise.
        approve: Likewise.
    """

    name: str | None
    result: str | None
    reads: Mapping[str, str] | None
    join: Literal["all", "first", "none"] | int | Callable[..., Any]
    rest: Literal["drop", "cancel"]
    errors: Literal["fail", "collect"]
    concurrency: int | None
    uses: str | Sequence[str]
    version: str
    inline: bool
    retry: BaseRetrying | None
    timeout: float | None
    approve: bool


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


def subgraph_spec(
    graph: Any,
    name: str | None,
    reads: Mapping[str, str] | None,
    writes: Mapping[str, str] | None,
    limit: int | None,
    *,
    concurrency: int | None,
    uses: str | Sequence[str],
    join: str | int | None,
    rest: str,
) -> NodeSpec:
    """The node that a graph is. Raises GraphError for what cannot be written down."""
    called = name if name is not None else graph.name if is_graph(graph) else "subgraph"
    own = subgraph_of(f"subgraph {called!r}", graph, reads, writes, limit)
    return NodeSpec(
        node_name(not_called, called),
        not_called,
        concurrency=concurrency,
        uses=texts("uses", uses, "of a slot"),
        composite=own,
        join=join,
        rest=rest,
    )


def map_spec(
    body: Any, *, over: str | Callable[..., Any], item: str, into: str | None, options: MapOptions
) -> NodeSpec:
    """The node that runs a body for each item. Raises GraphError for what cannot be written down."""
    name = options.get("name")
    called = name if name is not None else body.name if is_graph(body) else None
    what = f"map {called or getattr(body, '__name__', 'map')!r}"
    if unknown := [option for option in options if option not in MapOptions.__annotations__]:
        raise GraphError(
            [f"{what}: there is no option {unknown[0]}=; there are {', '.join(MapOptions.__annotations__)}"]
        )
    function: Callable[..., Any] = not_called
    if is_graph(body):
        inner: Any = subgraph_of(what, body, options.get("reads"), None, None)
    elif callable(body):
        inner = function = body
    else:
        raise GraphError([f"a map is made of a function or a graph that gets an item, not of {shown(body)}"])
    own = map_over(
        what,
        inner,
        over=over,
        item=item,
        into=into,
        result=options.get("result"),
        join=options.get("join", "all"),
        rest=options.get("rest", "drop"),
        errors=options.get("errors", "fail"),
    )
    return NodeSpec(
        name=node_name(function, called),
        function=function,
        inline=options.get("inline", False),
        retry=options.get("retry"),
        timeout=options.get("timeout"),
        concurrency=options.get("concurrency"),
        uses=texts("uses", options.get("uses", ()), "of a slot"),
        version=options.get("version", ""),
        approve=options.get("approve", False),
        composite=own,
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


def node_name(function: Callable[..., Any], name: str | None) -> str:
    """What a node is called. Raises GraphError for a name that cannot be used."""
    chosen: Any = name_of_callable(function) if name is None else name
    if isinstance(chosen, str) and chosen == "<lambda>":
        raise GraphError(["a lambda has no name of its own: give the node one with name="])
    if not usable_name(chosen):
        raise GraphError(
            [
                f"a node cannot be called {shown(chosen)}: give it a name= without blanks and without any of "
                f"/ @ [ ] ! # ~ or '->', other than START and END"
            ]
        )
    return str(chosen)


def texts(option: str, given: object, of_what: str) -> tuple[str, ...]:
    """One name or several as a tuple. Those of a set are sorted, since it has no order of its own."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list | tuple | set | frozenset) and all(isinstance(name, str) for name in given):
        return tuple(sorted(given) if isinstance(given, set | frozenset) else given)
    raise GraphError([f"{option}= wants the name {of_what} or a tuple of names, not {shown(given)}"])


def _is_count(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
