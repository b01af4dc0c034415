"""The loops of a graph: which nodes go round together, through which headers, nested in what.

A loop is a strongly connected component of forward and feedback edges together. Its *headers* are all its nodes
without a forward edge from inside it. Take away the feedback edges into them and look again inside: loops nest or are
disjoint (the idea is Havlak's and Ramalingam's loop nesting forest, here with several headers per loop, since
feedback edges are declared and forward edges form a DAG). A loop is named after its first header.

A header is never part of a loop further in, for there every cycle through it needs a forward edge into it from inside.
So each loop has a name of its own, and a feedback edge belongs to exactly one loop: the one whose header it leads to.

Besides loops there are *regions*: nodes that run once for each of several coordinates, which know no before and after:
the items of a map, or the arrivals at a node that joins each. A region is a level of the nests of its nodes too. It
lies within all loops that its entry is in, and loops that its entry is not in lie within it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple


class Link(NamedTuple):
    """An edge as the analysis sees it.

    Attributes:
        id: Stable id, such as ``checker->coder``.
        source: Name of the node it leaves.
        target: Name of the node it leads to.
        feedback: Whether it was declared to close a loop.
    """

    id: str
    source: str
    target: str
    feedback: bool = False


class Loop(NamedTuple):
    """A loop of the graph.

    Attributes:
        name: Its first header, in natural order.
        headers: All nodes of the body without a forward edge from inside, in natural order.
        body: Every node that goes round, headers and nodes of inner loops included.
        level: How many loops are around it.
        outer: Name of the loop right around it, or None.
        feedback: Ids of the feedback edges that start its next round.
    """

    name: str
    headers: tuple[str, ...]
    body: frozenset[str]
    level: int
    outer: str | None
    feedback: tuple[str, ...]


class Region(NamedTuple):
    """Nodes that run once for each of several coordinates.

    Attributes:
        name: That of its entry, with brackets behind it.
        entry: The node that a token from outside arrives at.
        body: Every node that runs once for each coordinate.
        fans: Whether the coordinates are items of a map; else each is the activation that a token came from.
    """

    name: str
    entry: str
    body: frozenset[str]
    fans: bool


class LoopForest(NamedTuple):
    """All loops of a graph, and what is wrong with its cycles.

    Attributes:
        loops: By name, outer loops before inner ones.
        nests: For each node the names of the loops and regions around it, outermost first.
        cycles: Cycles of forward edges; each is the nodes in order, its last edge being the one to declare as feedback.
        idle_feedback: Ids of feedback edges that close no loop.
        regions: By name.
    """

    loops: Mapping[str, Loop]
    nests: Mapping[str, tuple[str, ...]]
    cycles: tuple[tuple[str, ...], ...]
    idle_feedback: tuple[str, ...]
    regions: Mapping[str, Region] = {}


@lru_cache(maxsize=65_536)
def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``w2`` comes before ``w10``.

    >>> sorted(["w10", "w2", "a"], key=natural)
    ['a', 'w2', 'w10']
    """
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part), part) if i % 2 else (1, 0, part) for i, part in enumerate(parts) if part)


def find_loops(nodes: Sequence[str], links: Sequence[Link]) -> LoopForest:
    """Analyse the cycles of a graph. The order of `nodes` and `links` does not matter.

    >>> links = [Link("a->b", "a", "b"), Link("b->a", "b", "a", feedback=True)]
    >>> find_loops(["a", "b"], links).loops["a"].headers
    ('a',)
    """
    if _goes_nowhere_twice(nodes, links):
        return LoopForest({}, dict.fromkeys(nodes, ()), (), ())
    nodes = sorted(nodes, key=natural)
    place = {name: number for number, name in enumerate(nodes)}
    links = sorted(links, key=lambda link: (place[link.source], place[link.target], link.feedback, link.id))
    cycles = _forward_cycles(nodes, [link for link in links if not link.feedback])
    loops: dict[str, Loop] = {}
    nests: dict[str, tuple[str, ...]] = dict.fromkeys(nodes, ())
    work: list[tuple[Collection[str], Sequence[Link], str | None]] = [(nodes, links, None)]
    while work:
        scope, inside, outer = work.pop()
        for body, within in _knots(scope, inside):
            loop = _loop(body, within, loops[outer] if outer else None)
            if not loop.headers:  # only a cycle of forward edges, reported above, has none
                continue
            loops[loop.name] = loop
            for node in body:
                nests[node] = (*nests[node], loop.name)
            taken = set(loop.feedback)
            work.append((body, [link for link in within if link.id not in taken], loop.name))
    used = {edge for loop in loops.values() for edge in loop.feedback}
    idle = tuple(link.id for link in links if link.feedback and link.id not in used)
    return LoopForest(loops, nests, cycles, idle)


def _goes_nowhere_twice(nodes: Sequence[str], links: Sequence[Link]) -> bool:
    """Whether no edge is declared to lead back and none does: a quick look, since most graphs are so (Kahn 1962)."""
    successors: dict[str, list[str]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(nodes, 0)
    for _, source, target, feedback in links:
        if feedback:
            return False
        successors[source].append(target)
        waiting[target] += 1
    free = [node for node, count in waiting.items() if count == 0]
    for node in free:
        for target in successors[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                free.append(target)
    return len(free) == len(waiting)


def with_regions(forest: LoopForest, regions: Iterable[Region]) -> LoopForest:
    """The forest with regions among its levels. A region's nodes are within all loops of its entry."""
    by_name = {region.name: region for region in sorted(regions, key=lambda region: -len(region.body))}
    if not by_name:
        return forest
    around: dict[str, list[Region]] = {}
    for region in by_name.values():
        for node in region.body:
            around.setdefault(node, []).append(region)
    nests = dict(forest.nests)
    for node, its in around.items():
        loops, levels = forest.nests[node], []
        for depth in range(len(loops) + 1):
            levels += [region.name for region in its if len(forest.nests[region.entry]) == depth]
            levels += loops[depth : depth + 1]
        nests[node] = tuple(levels)
    return forest._replace(nests=nests, regions=by_name)


def region_of_each(
    entry: str, closed: Collection[str], links: Sequence[Link], nests: Mapping[str, Sequence[str]]
) -> Region:
    """What runs once for each arrival at `entry`: it, and whatever only it leads to.

    Args:
        entry: A node that joins each.
        closed: Nodes that are none of it in any case, since they join what arrives.
        links: All edges.
        nests: For each node the loops around it.
    """
    incoming: dict[str, list[str]] = {}
    outgoing: dict[str, list[str]] = {}
    for link in links:
        incoming.setdefault(link.target, []).append(link.source)
        outgoing.setdefault(link.source, []).append(link.target)
    depth = len(nests[entry])
    body = {entry}
    queue = [entry]
    for node in queue:
        for target in outgoing.get(node, ()):
            inside = tuple(nests[target][:depth]) == tuple(nests[entry])
            if target not in body and target not in closed and inside:
                body.add(target)
                queue.append(target)
    lost = [node for node in queue[1:] if not body.issuperset(incoming[node])]
    while lost:
        node = lost.pop()
        if node in body:
            body.discard(node)
            lost += [target for target in outgoing.get(node, ()) if target in body and target != entry]
    return Region(f"{entry}[]", entry, frozenset(body), fans=False)


def _loop(body: frozenset[str], within: Sequence[Link], outer: Loop | None) -> Loop:
    entered = {link.target for link in within if not link.feedback}
    heads = body - entered
    headers = tuple(sorted(heads, key=natural))
    return Loop(
        name=headers[0] if headers else "",
        headers=headers,
        body=body,
        level=outer.level + 1 if outer else 0,
        outer=outer.name if outer else None,
        feedback=tuple(link.id for link in within if link.feedback and link.target in heads),
    )


def _forward_cycles(nodes: Sequence[str], forward: Sequence[Link]) -> tuple[tuple[str, ...], ...]:
    """One cycle per strongly connected component of forward edges, started where the graph enters it."""
    entered_at = {name: place for place, name in enumerate(_breadth_first(nodes, forward))}
    cycles = []
    for body, within in _knots(nodes, forward):
        successors: dict[str, list[str]] = {node: [] for node in body}
        for link in within:
            successors[link.source].append(link.target)
        start = min(body, key=lambda node: (entered_at[node], natural(node)))
        cycles.append(_shortest_cycle(start, successors))
    return tuple(cycles)


def _knots(nodes: Iterable[str], links: Sequence[Link]) -> Iterator[tuple[frozenset[str], list[Link]]]:
    """The strongly connected components that have links inside, each with those."""
    bodies = components(nodes, [(link.source, link.target) for link in links])
    number = {node: place for place, body in enumerate(bodies) for node in body}
    inside: dict[int, list[Link]] = {}
    for link in links:
        place = number[link.source]
        if place == number[link.target]:
            inside.setdefault(place, []).append(link)
    return ((bodies[place], inside[place]) for place in sorted(inside))


def _breadth_first(nodes: Sequence[str], links: Sequence[Link]) -> Iterable[str]:
    """All nodes, those without incoming edges first, then by distance from them."""
    successors: dict[str, list[str]] = {node: [] for node in nodes}
    for link in links:
        successors[link.source].append(link.target)
    targets = {link.target for link in links}
    seen: dict[str, None] = dict.fromkeys(node for node in nodes if node not in targets)
    queue = list(seen)
    for node in queue:
        for target in successors[node]:
            if target not in seen:
                seen[target] = None
                queue.append(target)
    return [*seen, *(node for node in nodes if node not in seen)]


def _shortest_cycle(start: str, successors: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest cycle through `start`, which lies on one."""
    came_from: dict[str, str] = {}
    queue: deque[str] = deque()
    node = start
    while start not in successors[node]:
        for target in successors[node]:
            if target not in came_from:
                came_from[target] = node
                queue.append(target)
        node = queue.popleft()
    path = [node]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def components(nodes: Iterable[str], arcs: Iterable[tuple[str, str]]) -> list[frozenset[str]]:
    """Strongly connected components (Tarjan 1972, without recursion), sinks first.

    >>> [sorted(c) for c in components("abc", [("a", "b"), ("b", "a"), ("b", "c")])]
    [['c'], ['a', 'b']]
    """
    successors: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in arcs:
        successors[source].append(target)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[frozenset[str]] = []
    for root in successors:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        path = [(root, iter(successors[root]))]
        while path:
            node, rest = path[-1]
            for target in rest:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    path.append((target, iter(successors[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    body: list[str] = []
                    while not body or body[-1] != node:
                        body.append(stack.pop())
                    on_stack.difference_update(body)
                    found.append(frozenset(body))
    return found
