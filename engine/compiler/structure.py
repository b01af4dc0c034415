"""The shape of a graph: what goes round, what cannot be reached, what leads nowhere.

Every cycle is to be told at once, but a cycle that is not declared hides others. So each is mended in the way its
message says, and the graph is looked at again. What comes out is a legal graph near to the one declared, on which the
checks of what flows along the edges can go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..definition import END, START, Definition, EdgeSpec
from ..loops import Link, LoopForest, components, find_loops
from ..shown import listed

_MOST = 10  # cycles told at once


@dataclass(frozen=True, slots=True)
class Structure:
    """What can be run of a graph, and what is wrong with its shape.

    Attributes:
        links: The edges that can be reached, mended. None where the graph is too tangled to be mended.
        forest: Their loops, likewise.
        problems: One sentence each with what to do. Where there is none, the links are the edges as declared.
    """

    links: tuple[Link, ...] | None
    forest: LoopForest | None
    problems: tuple[str, ...]


def examine(definition: Definition) -> Structure:
    """Look for undeclared cycles, idle feedback edges, and nodes that are cut off from START or from END.

    Edges of unknown nodes, into START and out of END are left out: they are problems of their own.
    """
    links = _links_of(definition)
    shape = _Arcs.of(links, definition)
    problems = [*_lost_problems(definition, shape), *_stuck_problems(definition, shape)]
    mended, untangling = _untangled(links, definition)
    if mended is None:
        return Structure(None, None, (*untangling, *problems))
    reached = _reachable([START.name], shape.successors)
    kept = tuple(link for link in mended if link.source in reached)
    nodes = [START.name, *(name for name in definition.nodes if name in reached), END.name]
    return Structure(kept, find_loops(nodes, kept), (*untangling, *problems))


def _links_of(definition: Definition) -> list[Link]:
    sources, targets = {START.name, *definition.nodes}, {END.name, *definition.nodes}
    return [
        Link(edge.id, edge.source, edge.target, edge.feedback)
        for edge in definition.edges
        if edge.source in sources and edge.target in targets
    ]


# --------------------------------------------------------------------------- cycles


def _untangled(links: Sequence[Link], definition: Definition) -> tuple[list[Link] | None, list[str]]:
    """The links without undeclared cycles and idle feedback edges, and what those are."""
    edges = {edge.id: edge for edge in definition.edges}
    places = [START.name, *definition.nodes, END.name]
    by_id = {link.id: link for link in links}
    problems: list[str] = []
    while True:
        forest = find_loops(places, list(by_id.values()))
        for cycle in forest.cycles:
            closing = [link for link in by_id.values() if (link.source, link.target) == (cycle[-1], cycle[0])]
            problems.append(_cycle_problem(cycle, [edges[link.id] for link in closing]))
            by_id |= {link.id: replace(link, feedback=True) for link in closing}
        if len(problems) >= _MOST:
            return None, [*problems, "there may be more cycles behind these: declare these first"]
        if forest.cycles:
            continue
        if not forest.idle_feedback:
            return list(by_id.values()), problems
        for idle in forest.idle_feedback:
            problems.append(_idle_problem(edges[idle]))
            by_id[idle] = replace(by_id[idle], feedback=False)


def _cycle_problem(cycle: Sequence[str], closing: Sequence[EdgeSpec]) -> str:
    told = " -> ".join((*cycle, cycle[0]))
    back = f"{cycle[-1]} -> {cycle[0]}"
    if any(edge.error is not None or edge.instead_of is not None for edge in closing):
        return (
            f"edges go round in a cycle: {told}; lead {back} to a node of its own "
            f"and from there to {cycle[0]} with graph.feedback(...)"
        )
    return f"edges go round in a cycle: {told}; declare {back} with graph.feedback(...) in place of graph.edge(...)"


def _idle_problem(edge: EdgeSpec) -> str:
    return (
        f"feedback edge {edge.id} closes no loop: no way leads from {edge.target!r} to {edge.source!r} "
        f"within one round; declare it as an ordinary edge"
    )


# --------------------------------------------------------------------------- reach


@dataclass(frozen=True, slots=True)
class _Arcs:
    """Who follows whom."""

    successors: Mapping[str, set[str]]
    predecessors: Mapping[str, set[str]]

    @classmethod
    def of(cls, links: Iterable[Link], definition: Definition) -> _Arcs:
        places = (START.name, *definition.nodes, END.name)
        arcs = cls({place: set() for place in places}, {place: set() for place in places})
        for link in links:
            arcs.successors[link.source].add(link.target)
            arcs.predecessors[link.target].add(link.source)
        return arcs


def _lost_problems(definition: Definition, shape: _Arcs) -> Iterator[str]:
    if not shape.successors[START.name]:
        yield "nothing leads from START; add graph.edge(START, first_node)"
        return
    reached = _reachable([START.name], shape.successors)
    lost = [name for name in definition.nodes if name not in reached]
    alone = [name for name in lost if not shape.successors[name] and not shape.predecessors[name]]
    for name in alone:
        yield f"node {name!r} has no edges; lead one to it and one on from it, or remove it"
    for name, behind in _groups(lost, shape.successors):
        if name in alone:
            continue
        others = f", nor can {listed(behind)} behind it" if behind else ""
        yield f"node {name!r} cannot be reached from START{others}; lead an edge to it, or remove it"


def _stuck_problems(definition: Definition, shape: _Arcs) -> Iterator[str]:
    exits = [END.name, *(name for name, spec in definition.nodes.items() if spec.may_stop is True)]
    leading = _reachable(exits, shape.predecessors)
    connected = [name for name in definition.nodes if shape.successors[name] or shape.predecessors[name]]
    stuck = [name for name in connected if name not in leading]
    for name, before in _groups(stuck, shape.predecessors):
        others = f", nor from {listed(before)} before it" if before else ""
        yield (
            f"END cannot be reached from node {name!r}{others}; lead it on with graph.edge({name}, END), "
            f"or declare may_stop=True if the run may end there"
        )
    regular = {edge.source for edge in definition.edges if edge.error is None}
    for name in connected:
        if name in leading and name not in regular and definition.nodes[name].may_stop is not True:
            yield f"node {name!r} leads nowhere when it succeeds: it has error edges only; add graph.edge({name}, ...)"


def _groups(names: Sequence[str], arcs: Mapping[str, set[str]]) -> list[tuple[str, list[str]]]:
    """The fewest nodes from which arcs lead to all of `names`, each with those that it leads to, in order of `names`."""
    order = {name: place for place, name in enumerate(names)}
    inside = {name: sorted(arcs[name] & order.keys(), key=order.__getitem__) for name in names}
    claimed: set[str] = set()
    groups: list[tuple[str, list[str]]] = []
    for body in reversed(components(names, [(name, after) for name in names for after in inside[name]])):
        first = min(body, key=order.__getitem__)
        if first not in claimed:
            led_to = _reachable([first], {name: set(after) for name, after in inside.items()}) - claimed
            claimed |= led_to
            groups.append((first, sorted(led_to - {first}, key=order.__getitem__)))
    return sorted(groups, key=lambda group: order[group[0]])


def _reachable(roots: Iterable[str], arcs: Mapping[str, set[str]]) -> set[str]:
    queue = list(roots)
    seen = set(queue)
    for place in queue:
        fresh = arcs[place] - seen
        seen |= fresh
        queue += fresh
    return seen
