"""What can be said of a graph without running it: for `backedge check`, and for people who analyse graphs.

`describe` sums a graph up; `critical_path` finds the way that decides how long a run takes; `to_networkx` hands the
graph to the analysis library of that name, which is loaded only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bounds import Bound, most_activations
from .compiler.compile import CompiledGraph
from .definition import MapOver
from .loops import Loop
from .parts import Part, Port, called, parts_of, ports_of

if TYPE_CHECKING:
    from networkx import MultiDiGraph


@dataclass(frozen=True, slots=True)
class LoopFacts:
    """A loop of a graph.

    Attributes:
        name: Its first header; where that is a map, the map.
        headers: The nodes where its rounds begin.
        body: All nodes that go round, in the order of the plan.
        members: The same as it was declared: subgraphs and maps that go round as a whole by their names.
        level: How many loops are around it.
        outer: Name of the loop right around it, or None.
        limits: Its feedback edges, and how often each may be taken per entry; None for no limit.
        most_rounds: Rounds per entry at most; None where a feedback edge has no limit.
    """

    name: str
    headers: tuple[str, ...]
    body: tuple[str, ...]
    members: tuple[str, ...]
    level: int
    outer: str | None
    limits: Mapping[str, int | None]
    most_rounds: int | None


@dataclass(frozen=True, slots=True)
class SubgraphFacts:
    """A graph within the graph.

    Attributes:
        name: Its name in the whole graph, such as ``build/lint``.
        graph: The name of the graph that it is.
        nodes: Its nodes, those of graphs inside it included, in the order of the plan.
        members: What it is made of, by the names they have in it: nodes, subgraphs, maps.
    """

    name: str
    graph: str
    nodes: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MapFacts:
    """What runs once for each item of a list.

    Attributes:
        name: Its name in the whole graph.
        graph: The name of the graph that runs for an item; "" for a function.
        nodes: What runs for an item, in the order of the plan.
        members: The same by the names they have in the graph that runs for an item; empty for a function.
        item: What an item is called.
        over: What it goes over: a field, or what the function is called that gives the items.
        into: The field that takes the results, or None.
        join: How many results it waits for: "all", "first", "none", a number, or what the function is called.
        errors: What the error of an item does: "fail" or "collect".
    """

    name: str
    graph: str
    nodes: tuple[str, ...]
    members: tuple[str, ...]
    item: str
    over: str
    into: str | None
    join: str | int
    errors: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a graph before it runs.

    Attributes:
        name: The graph's name.
        nodes: Names of the nodes in the order of the plan; START and END, and what begins and ends subgraphs and maps,
            left out.
        edges: How many edges there are, those in subgraphs and maps included.
        inputs: The fields a run must be given.
        loops: Outer loops before inner ones.
        subgraphs: Outer ones before inner ones.
        maps: Outer ones before inner ones.
        longest_path: The longest way from START to END along forward edges, both included: with all nodes equally
            slow, one round of it is the least time a run takes.
        most_activations: Upper bound on the activations of a run, retries not counted; None where a loop has no limit
            or it depends on the items of a map.
        bound: The same with all there is to say about it: what each item adds, which loops have no limit.
        warnings: What will work but is likely not meant, such as possible write conflicts.
    """

    name: str
    nodes: tuple[str, ...]
    edges: int
    inputs: tuple[str, ...]
    loops: tuple[LoopFacts, ...]
    subgraphs: tuple[SubgraphFacts, ...]
    maps: tuple[MapFacts, ...]
    longest_path: tuple[str, ...]
    most_activations: int | None
    bound: Bound
    warnings: tuple[str, ...]


def describe(graph: CompiledGraph) -> Analysis:
    """Sum a graph up.

    Example: ``describe(flow.graph).most_activations``
    """
    parts = parts_of(graph)
    ports = ports_of(graph, parts)
    bound = most_activations(graph)
    return Analysis(
        name=graph.definition.name,
        nodes=tuple(node.name for node in graph.nodes if node.spec is not None and _works(node.name, ports)),
        edges=len(graph.edges),
        inputs=graph.inputs,
        loops=tuple(_loop(graph, loop, parts, ports) for loop in graph.plan.loops.values()),
        subgraphs=tuple(_subgraph(part, ports) for part in parts.values() if part.mapped is None),
        maps=tuple(_map(part, part.mapped, ports) for part in parts.values() if part.mapped is not None),
        longest_path=critical_path(graph),
        most_activations=bound.number,
        bound=bound,
        warnings=graph.warnings,
    )


def critical_path(graph: CompiledGraph, seconds: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """The slowest way from START to END along forward edges, both included.

    What begins and ends subgraphs and maps takes no time of its own.

    Args:
        graph: The graph.
        seconds: How long each node takes; nodes that are missing take no time. Without it all take equally long.
    """
    plan = graph.plan
    ports = ports_of(graph, parts_of(graph))
    weights = [
        float(node.spec is not None and _works(node.name, ports))
        if seconds is None
        else seconds.get(node.name, 0.0)
        for node in graph.nodes
    ]
    slowest: dict[int, tuple[float, int | None]] = {
        graph.end: (0.0, None)
    }  # time from here on, and the next node
    for node in reversed(range(len(plan.nodes))):  # numbers are a topological order of forward edges
        for number in plan.outgoing[node]:
            edge = plan.edges[number]
            if edge.level is None and edge.target in slowest:
                time = weights[node] + slowest[edge.target][0]
                if node not in slowest or time > slowest[node][0]:
                    slowest[node] = time, edge.target
    path: list[str] = []
    place: int | None = graph.start if graph.start in slowest else None
    while place is not None:
        path.append(plan.nodes[place])
        place = slowest[place][1]
    return tuple(path)


def to_networkx(graph: CompiledGraph) -> MultiDiGraph[str]:
    """The graph for networkx: START and END are nodes like any other, an edge's key is its id.

    Nodes carry ``reads``, ``writes`` and ``loops``, edges ``kind`` (plain, condition, feedback, limit, error or cancel),
    ``label`` and ``limit``.

    Example: ``networkx.dag_longest_path(networkx.DiGraph(...))``
    """
    from networkx import MultiDiGraph

    from .render.compose import compose

    picture = compose(graph)
    made: MultiDiGraph[str] = MultiDiGraph(name=picture.title)
    for box in picture.boxes:
        made.add_node(box.id, reads=box.reads, writes=box.writes, loops=box.loops)
    for arrow in picture.arrows:
        key = arrow.ids[0]
        made.add_edge(
            arrow.source, arrow.target, key=key, kind=arrow.kind.value, label=arrow.label, limit=arrow.limit
        )
    return made


def _works(name: str, ports: Mapping[str, Port]) -> bool:
    """Whether somebody declared the node, or it is a graph within itself that may not go deeper."""
    return ports.get(name, Port.DEEP) is Port.DEEP


def _loop(
    graph: CompiledGraph, loop: Loop, parts: Mapping[str, Part], ports: Mapping[str, Port]
) -> LoopFacts:
    limits = {edge: graph.limits[graph.plan.edge_number[edge]] for edge in loop.feedback}
    finite = [limit for limit in limits.values() if limit is not None]
    entered = {part.entry: part.name for part in parts.values()}
    body = tuple(name for name in graph.plan.nodes if name in loop.body)
    return LoopFacts(
        name=entered.get(loop.name, loop.name),
        headers=tuple(entered.get(header, header) for header in loop.headers),
        body=body,
        members=_as_declared(body, parts, ports),
        level=loop.level,
        outer=None if loop.outer is None else entered.get(loop.outer, loop.outer),
        limits=limits,
        # Each further round is started by at least one of its feedback edges.
        most_rounds=1 + sum(finite) if len(finite) == len(limits) else None,
    )


def _as_declared(
    body: tuple[str, ...], parts: Mapping[str, Part], ports: Mapping[str, Port]
) -> tuple[str, ...]:
    """The nodes, of each part that is among them as a whole its name instead."""
    stands_for: dict[str, str] = {}
    known = set(body)
    for name, part in parts.items():  # outer ones first
        if part.entry in known and known.issuperset(_working(part, ports)):
            for node in part.members:
                stands_for.setdefault(node, name)
    return tuple(dict.fromkeys(stands_for.get(node, node) for node in body))


def _subgraph(part: Part, ports: Mapping[str, Port]) -> SubgraphFacts:
    return SubgraphFacts(part.name, part.graph, _working(part, ports), _members(part, ports))


def _map(part: Part, own: MapOver, ports: Mapping[str, Port]) -> MapFacts:
    join = called(own.join) if callable(own.join) else own.join or "all"
    errors = "collect" if own.collect else "fail"
    return MapFacts(
        name=part.name,
        graph=part.graph,
        nodes=_working(part, ports),
        members=_members(part, ports) if part.graph else (),
        item=own.item,
        over=part.over,
        into=own.into,
        join=join,
        errors=errors,
    )


def _working(part: Part, ports: Mapping[str, Port]) -> tuple[str, ...]:
    return tuple(name for name in part.members if _works(name, ports))


def _members(part: Part, ports: Mapping[str, Port]) -> tuple[str, ...]:
    """What a part is made of, by the names that they have in it."""
    short = (name.removeprefix(f"{part.name}/").partition("/")[0] for name in _working(part, ports))
    return tuple(dict.fromkeys(short))
