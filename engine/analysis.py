"""What can be said of a graph without running it: for `backedge check`, and for people who analyse graphs.

`describe` sums a graph up; `critical_path` finds the way that decides how long a run takes; `to_networkx` hands the
graph to the analysis library of that name, which is loaded only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from .compiler.compile import CompiledGraph
from .definition import END, START
from .loops import Loop

if TYPE_CHECKING:
    from networkx import MultiDiGraph


@dataclass(frozen=True, slots=True)
class LoopFacts:
    """A loop of a graph.

    Attributes:
        name: Its first header.
        headers: The nodes where its rounds begin.
        body: All nodes that go round, in the order of the plan.
        level: How many loops are around it.
        outer: Name of the loop right around it, or None.
        limits: Its feedback edges, and how often each may be taken per entry; None for no limit.
        most_rounds: Rounds per entry at most; None where a feedback edge has no limit.
    """

    name: str
    headers: tuple[str, ...]
    body: tuple[str, ...]
    level: int
    outer: str | None
    limits: Mapping[str, int | None]
    most_rounds: int | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a graph before it runs.

    Attributes:
        name: The graph's name.
        nodes: Names of the nodes in the order of the plan, START and END left out.
        edges: How many edges there are.
        inputs: The fields a run must be given.
        loops: Outer loops before inner ones.
        longest_path: The longest way from START to END along forward edges, both included: with all nodes equally
            slow, one round of it is the least time a run takes.
        most_activations: Upper bound on the activations of a run, retries not counted; None where a loop has no limit.
        warnings: What will work but is likely not meant, such as possible write conflicts.
    """

    name: str
    nodes: tuple[str, ...]
    edges: int
    inputs: tuple[str, ...]
    loops: tuple[LoopFacts, ...]
    longest_path: tuple[str, ...]
    most_activations: int | None
    warnings: tuple[str, ...]


def describe(graph: CompiledGraph) -> Analysis:
    """Sum a graph up.

    Example: ``describe(flow.graph).most_activations``
    """
    loops = tuple(_loop(graph, loop) for loop in graph.plan.loops.values())
    return Analysis(
        name=graph.definition.name,
        nodes=tuple(node.name for node in graph.nodes if node.spec is not None),
        edges=len(graph.edges),
        inputs=graph.inputs,
        loops=loops,
        longest_path=critical_path(graph),
        most_activations=_most_activations(graph, {loop.name: loop.most_rounds for loop in loops}),
        warnings=graph.warnings,
    )


def critical_path(graph: CompiledGraph, seconds: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """The slowest way from START to END along forward edges, both included.

    Args:
        graph: The graph.
        seconds: How long each node takes; nodes that are missing take no time. Without it all take equally long.
    """
    plan = graph.plan
    weights = [
        float(node.spec is not None) if seconds is None else seconds.get(node.name, 0.0)
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

    Nodes carry ``reads``, ``writes`` and ``loops``, edges ``kind`` (plain, condition, feedback, limit or error),
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


def _loop(graph: CompiledGraph, loop: Loop) -> LoopFacts:
    limits = {edge: graph.limits[graph.plan.edge_number[edge]] for edge in loop.feedback}
    finite = [limit for limit in limits.values() if limit is not None]
    return LoopFacts(
        name=loop.name,
        headers=loop.headers,
        body=tuple(name for name in graph.plan.nodes if name in loop.body),
        level=loop.level,
        outer=loop.outer,
        limits=limits,
        # Each further round is started by at least one of its feedback edges.
        most_rounds=1 + sum(finite) if len(finite) == len(limits) else None,
    )


def _most_activations(graph: CompiledGraph, rounds: Mapping[str, int | None]) -> int | None:
    """A node runs at most once in each combination of the rounds around it."""
    total = 0
    for node, nest in zip(graph.plan.nodes, graph.plan.nests, strict=True):
        if node in (START.name, END.name):
            continue
        around = [rounds[loop] for loop in nest]
        known = [number for number in around if number is not None]
        if len(known) < len(around):
            return None
        total += prod(known)
    return total
