"""The shape of a graph: what goes round, what cannot be reached, what leads nowhere.

Every cycle is to be told at once, but a cycle that is not declared hides others. So each is mended in the way its
message says, and the graph is looked at again. What comes out is a legal graph near to the one declared, on which the
checks of what flows along the edges can go on. Where a message leaves open how to mend it (from where to lead an edge
to a node that cannot be reached), the place is noted as a loose end, so that those checks can think of any mend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..definition import END, START, Definition, EdgeSpec, NodeSpec
from ..loops import Link, LoopForest, components, find_loops
from ..shown import listed

_TOLD = 10  # cycles told at once
_MENDED = 300  # turns of mending before a graph is given up


class LooseEnds(NamedTuple):
    """Where edges are missing, though it is open from where or to where they should lead.

    Attributes:
        lost: The nodes to which no way leads from START.
        entries: Of those the ones to which an edge is missing, in groups: one edge to any of a group will do.
        exits: The nodes from which an edge is missing, likewise.
        back: Ids of feedback edges that might close a loop if those edges were there.
    """

    lost: frozenset[str]
    entries: tuple[frozenset[str], ...]
    exits: tuple[frozenset[str], ...]
    back: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.entries or self.exits)


class Structure(NamedTuple):
    """What can be run of a graph, and what is wrong with its shape.

    Attributes:
        links: The edges, mended. None where the graph is too tangled to be mended.
        forest: Their loops, likewise.
        problems: One sentence each with what to do. Where there is none, the links are the edges as declared.
        ends: Where edges are missing.
    """

    links: tuple[Link, ...] | None
    forest: LoopForest | None
    problems: tuple[str, ...]
    ends: LooseEnds


def examine(definition: Definition) -> Structure:
    """Look for undeclared cycles, idle feedback edges, and nodes that are cut off from START or from END.

    Edges of unknown nodes, into START, out of END and for errors of START are left out: they are problems of their
    own. But what only such an edge leads to, or on from, is not told as cut off besides.
    """
    definition = definition._replace(edges=tuple(edge for edge in definition.edges if not edge.cancels))
    links = _links_of(definition)
    declared = _Arcs.of(definition.edges, definition)
    problems = [*_lost_problems(definition, declared), *_stuck_problems(definition, declared)]
    ends = _loose_ends(links, definition)
    (mended, forest), untangling, ends = _untangled(links, definition, ends)
    return Structure(mended, forest, (*untangling, *problems), ends)


def _links_of(definition: Definition) -> list[Link]:
    sources, targets = {START.name, *definition.nodes}, {END.name, *definition.nodes}
    return [
        Link(edge.id, edge.source, edge.target, edge.feedback)
        for edge in definition.edges
        if edge.source in sources
        and edge.target in targets
        and not (edge.source == START.name and edge.error is not None)
    ]


def _loose_ends(links: Sequence[Link], definition: Definition) -> LooseEnds:
    arcs = _Arcs.of(links, definition)
    reached = _reachable([START.name], arcs.successors)
    lost = [name for name in (*definition.nodes, END.name) if name not in reached]
    stuck = _stuck(definition, arcs)
    silent = [frozenset([name]) for name in _silent(definition) if name not in stuck]
    return LooseEnds(
        frozenset(lost),
        tuple(_first(lost, arcs.successors)),
        (*_first(stuck, arcs.predecessors), *silent),
    )


# --------------------------------------------------------------------------- cycles


def _untangled(
    links: Sequence[Link], definition: Definition, ends: LooseEnds
) -> tuple[tuple[tuple[Link, ...], LoopForest] | tuple[None, None], list[str], LooseEnds]:
    """The links without undeclared cycles and idle feedback edges, with their loops, and what those were."""
    edges = {edge.id: edge for edge in definition.edges}
    places = [START.name, *definition.nodes, END.name]
    both = _declared_both_ways(definition)
    by_id = {link.id: link._replace(feedback=True) if link.id in both else link for link in links}
    problems: list[str] = []
    for _ in range(_MENDED):
        forest = find_loops(places, [*by_id.values(), *_led_in(by_id.values(), definition)])
        for cycle in forest.cycles:
            closing = [link for link in by_id.values() if (link.source, link.target) == (cycle[-1], cycle[0])]
            problems.append(_cycle_problem(cycle, [edges[link.id] for link in closing]))
            by_id |= {link.id: link._replace(feedback=True) for link in closing}
        if forest.cycles:
            continue
        if not forest.idle_feedback:
            return (tuple(by_id.values()), forest), _shortened(problems), ends
        ahead = _Arcs.of([link for link in by_id.values() if not link.feedback], definition).successors
        for idle in forest.idle_feedback:
            if _may_close_a_loop(by_id[idle], ends, ahead):
                ends = ends._replace(back=ends.back | {idle})
            elif idle not in both:
                problems.append(_idle_problem(edges[idle]))
            by_id[idle] = by_id[idle]._replace(feedback=False)
    return (None, None), _shortened(problems), ends


def _led_in(links: Iterable[Link], definition: Definition) -> list[Link]:
    """Links from the entries of subgraphs to those of their nodes that nothing but feedback edges leads to.

    Such a node heads a loop of its own graph. Within a loop around that graph it would head that one instead, and the loop
    be no loop any more. Only loops are looked for with these links: no token ever takes them.
    """
    if all(spec.scope == "" for spec in definition.nodes.values()):
        return []
    led = {link.target for link in links if not link.feedback}
    found = {}
    for link in links:
        if link.feedback and link.target not in led and link.target in definition.nodes:
            spec = definition.nodes[link.target]
            entry = (spec.scope if spec.scope.endswith("/") else spec.prefix).removesuffix("/")
            if entry in definition.nodes:
                found[link.target] = Link(f"{entry}=>{link.target}", entry, link.target)
    return list(found.values())


def _may_close_a_loop(link: Link, ends: LooseEnds, ahead: Mapping[str, set[str]]) -> bool:
    """Whether it would close a loop if an edge that is missing led to where it starts, and closed no other cycle."""
    from_target, from_source = _reachable([link.target], ahead), _reachable([link.source], ahead)
    if any(group & from_target and not group & from_source for group in ends.exits):
        return True
    behind = [_reachable(group, ahead) for group in ends.entries]
    return any(link.source in names and link.target not in names for names in behind)


def _declared_both_ways(definition: Definition) -> set[str]:
    """Edges that were declared twice, once as feedback and once not: which of it is meant is a problem of its own."""
    if all(edge.copy == 1 for edge in definition.edges):
        return set()
    kinds: dict[str, set[bool]] = {}
    for edge in definition.edges:
        kinds.setdefault(edge._replace(copy=1).id, set()).add(edge.feedback)
    return {edge.id for edge in definition.edges if len(kinds[edge._replace(copy=1).id]) > 1}


def _shortened(problems: list[str]) -> list[str]:
    if len(problems) <= _TOLD:
        return problems
    return [*problems[:_TOLD], "there are more cycles behind these: declare these first"]


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


class _Arcs(NamedTuple):
    """Who follows whom."""

    successors: Mapping[str, set[str]]
    predecessors: Mapping[str, set[str]]

    @classmethod
    def of(cls, links: Iterable[Link | EdgeSpec], definition: Definition) -> _Arcs:
        places = (START.name, *definition.nodes, END.name)
        arcs = cls({place: set() for place in places}, {place: set() for place in places})
        for link in links:
            if link.source in arcs.successors and link.target in arcs.predecessors:
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
    yield from _alone_problems(alone, definition)
    for name, behind in _groups(lost, shape.successors):
        if name in alone:
            continue
        others = f", nor can {listed(behind)} behind it" if behind else ""
        yield f"node {name!r} cannot be reached from START{others}; lead an edge to it, or remove it"


def _alone_problems(alone: Sequence[str], definition: Definition) -> Iterator[str]:
    """Of nodes with one name one is told, and none where another has edges: which was meant is open."""
    told = {_given(name) for name in definition.nodes if name not in alone}
    for name in alone:
        if _given(name) not in told:
            told.add(_given(name))
            yield f"node {name!r} has no edges; lead one to it and one on from it, or remove it"


def _given(name: str) -> str:
    """The name that a node was given, where several were given it."""
    return name.partition("#")[0]


def _stuck_problems(definition: Definition, shape: _Arcs) -> Iterator[str]:
    connected = [name for name in definition.nodes if shape.successors[name] or shape.predecessors[name]]
    stuck = [name for name in _stuck(definition, shape) if name in connected]
    for name, before in _groups(stuck, shape.predecessors):
        others = f", nor from {listed(before)} before it" if before else ""
        yield (
            f"END cannot be reached from node {name!r}{others}; lead it on with graph.edge({name}, END), "
            f"or declare may_stop=True if the run may end there"
        )
    for name in _silent(definition):
        if name not in stuck:
            yield f"node {name!r} leads nowhere when it succeeds: it has error edges only; add graph.edge({name}, ...)"


def _stuck(definition: Definition, shape: _Arcs) -> list[str]:
    """The nodes from which no way leads to END."""
    exits = [END.name, *(name for name, spec in definition.nodes.items() if _may_stop(spec))]
    leading = _reachable(exits, shape.predecessors)
    return [name for name in definition.nodes if name not in leading]


def _silent(definition: Definition) -> list[str]:
    """The nodes that have error edges only."""
    regular = {edge.source for edge in definition.edges if edge.error is None}
    failing = {edge.source for edge in definition.edges if edge.error is not None}
    return [
        name for name, spec in definition.nodes.items() if name in failing - regular and not _may_stop(spec)
    ]


def _may_stop(spec: NodeSpec) -> bool:
    """Whether a run may end at the node, as far as can be told: what is not False, nor True, is a problem of its own."""
    return spec.may_stop is not False


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


def _first(names: Sequence[str], arcs: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """Of `names` the groups that go round together, or single ones, to which arcs lead from no other."""
    among = set(names)
    inside = [(name, after) for name in names for after in arcs[name] & among]
    groups = components(names, inside)
    number = {name: place for place, group in enumerate(groups) for name in group}
    behind = {number[after] for name, after in inside if number[after] != number[name]}
    return [group for place, group in enumerate(groups) if place not in behind]


def _reachable(roots: Iterable[str], arcs: Mapping[str, set[str]]) -> set[str]:
    queue = list(roots)
    seen = set(queue)
    for place in queue:
        fresh = arcs[place] - seen
        seen |= fresh
        queue += fresh
    return seen
