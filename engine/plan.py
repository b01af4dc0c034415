"""What the schedule needs to know about a graph, computed once: order, rounds, and what can reach what.

**Rounds.** An activation of a node has one number for each loop around it, its *rounds*. An edge maps the rounds of
its source to those of its target: it keeps a leading part, a feedback edge adds one behind it, and what is left is 0.
Where a node is in a region, the number for that is a *coordinate* instead: a tuple, of an item's index or of the activation
that a token came from. Coordinates have an order for positions, but none in time: nobody waits for another's.

**What blocks what.** A waiting activation ``n`` must not run while a live one ``m`` can still bring it a token. A path
from ``m`` to ``n`` maps rounds as an edge does, and of all paths the one that gives the lexicographically least rounds
counts: along it ``m`` reaches ``n`` soonest. This is the could-result-in relation of timely dataflow (Murray et al.,
"Naiad: A Timely Dataflow System", SOSP 2013) with rounds instead of timestamps and paths summarised the same way. Of
two paths one is always sooner, whatever the rounds of ``m``: leaving the loops that both nodes have in common and
coming back takes a feedback edge of a loop further out, which outweighs everything inside. So one *summary* for each
pair is enough, and Dijkstra's algorithm, run backwards from ``n``, finds them all. For targets outside all loops reachability decides, a bit mask.

**Position.** Every activation has a place in a total order that extends causality and is the same however a run went:
the place of the outermost loop in its scope, the round, the place of the next loop inside, …, the place of the node.
Each loop's body is contiguous, headers come first; ties are decided by name.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias

from .loops import Link, Loop, LoopForest, Region, natural
from .records import ActivationId, parts_of_id

Coordinate: TypeAlias = tuple[Any, ...]
Rounds: TypeAlias = tuple[Any, ...]
"""A number for each loop around a node and a coordinate for each region, outermost first."""
Position: TypeAlias = tuple[Any, ...]
Key: TypeAlias = tuple[int, Rounds]
"""An activation by numbers: its node's, and its rounds."""

ANY: Final[Coordinate] = ()
"""Stands for a coordinate that is not known yet."""


class PlannedEdge(NamedTuple):
    """An edge by numbers: what it does to rounds.

    The target's rounds are ``source[:keep]``, then ``source[keep] + 1`` if `adds`, then `zeros`.

    Attributes:
        id: Stable id of the edge.
        source: Number of the node it leaves.
        target: Number of the node it leads to.
        level: Level of the loop whose next round it starts, or None for a forward edge.
        keep: How many leading rounds are kept.
        zeros: The rounds of the loops it enters.
        merges: Whether it leaves a loop or region, so that several activations of its source lead to the same one.
        slot: Where in the target's rounds the coordinate is of the region that it enters, or None.
        cancels: Whether it carries no token, but cancels what is alive of its target.
    """

    id: str
    source: int
    target: int
    level: int | None
    keep: int
    zeros: Rounds
    merges: bool
    slot: int | None = None
    cancels: bool = False

    def rounds(self, source: Rounds, coordinate: Coordinate = ANY) -> Rounds:
        """Rounds of the target's activation that the edge leads to from `source`'s."""
        if self.slot is not None:
            bare = self._replace(slot=None).rounds(source)
            return (*bare[: self.slot], coordinate, *bare[self.slot + 1 :])
        if self.level is not None:
            return (*source[: self.keep], source[self.keep] + 1, *self.zeros)
        if self.zeros or self.merges:
            return (*source[: self.keep], *self.zeros)
        return source

    def brings(self, target: Rounds) -> bool:
        """Whether some activation of the source leads to the activation of the target at these rounds."""
        fixed = self.keep
        if self.level is not None:
            if target[fixed] == 0:
                return False
            fixed += 1
        return not any(target[fixed:])


class Summary(NamedTuple):
    """The soonest path between two nodes: what it makes of rounds.

    Entry ``i`` of the result is ``rounds[i] + offsets[i]`` below `kept`, and ``offsets[i]`` from there on.
    """

    offsets: Rounds
    kept: int

    def apply(self, rounds: Rounds) -> Rounds:
        """The earliest rounds at which the path's end can be reached from its start at `rounds`."""
        offsets, kept = self
        return tuple([rounds[i] + offsets[i] for i in range(kept)]) + offsets[kept:]

    def after(self, edge: PlannedEdge) -> Summary:
        """The summary of the path that begins with `edge` and goes on as this one."""
        offsets, kept = self
        if edge.keep >= kept:
            return self
        if edge.level is None:
            return Summary(offsets, edge.keep)
        raised = (*offsets[: edge.keep], offsets[edge.keep] + 1, *offsets[edge.keep + 1 :])
        return Summary(raised, edge.keep + 1)


class Plan:
    """The order of a graph and its progress relation. Nodes and edges are numbered in order of position.

    Attributes:
        nodes: Names of the nodes, in order of position.
        number: Name to number.
        edges: All edges.
        edge_number: Id to number.
        outgoing: For each node the numbers of the edges that leave it.
        incoming: For each node the numbers of the edges that lead to it.
        cancelling: For each node the numbers of the edges by which it cancels others.
        nests: For each node the names of the loops around it, outermost first.
        loops: The loops by name.
        regions: The regions by name.
        apart: For each node where in its nest regions are.
        remaining: For each node the number of nodes on the longest forward path that starts with it.
        simple: For each node how many tokens make it complete whatever its rounds, or None where that depends.
        ancestors: For each node a bit mask of the nodes from which a path leads to it.
    """

    def __init__(self, links: Sequence[Link], forest: LoopForest, cancelling: Iterable[Link] = ()) -> None:
        """Number everything. `forest` must be free of forward cycles and idle feedback edges.

        `cancelling` are the edges that carry no token; they come last, and are neither outgoing nor incoming.
        """
        places = _places(links, forest)
        self.nodes: tuple[str, ...] = tuple(sorted(places, key=places.__getitem__))
        self.number = {name: number for number, name in enumerate(self.nodes)}
        self.loops: Mapping[str, Loop] = forest.loops
        self.regions: Mapping[str, Region] = forest.regions
        self.nests = tuple(forest.nests[name] for name in self.nodes)
        self.apart = tuple(
            tuple(level for level, name in enumerate(nest) if name in forest.regions) for nest in self.nests
        )
        self._places = tuple(places[name] for name in self.nodes)
        # The ids of nodes that nothing is around: they have one activation, or one at a time.
        self._bare_ids = tuple(map(ActivationId, self.nodes))
        # Feedback edge to the loop that it closes.
        self._closed = {edge: loop.name for loop in self.loops.values() for edge in loop.feedback}
        ordered = sorted(
            links, key=lambda link: (self.number[link.source], self.number[link.target], link.id)
        )
        self.edges = (
            *(self._planned(link) for link in ordered),
            *(self._cancelling(link) for link in sorted(cancelling)),
        )
        self.edge_number = {edge.id: number for number, edge in enumerate(self.edges)}
        self.outgoing = self._by_node("source")
        self.incoming = self._by_node("target")
        self.cancelling = self._by_node("source", cancels=True)
        self.remaining = self._longest_paths()
        self._crossed = frozenset(
            number
            for number, nest in enumerate(self.nests)
            if any(len(self.loops[name].headers) > 1 for name in nest if name in self.loops)
        )
        self.simple = tuple(self._simple_count(node) for node in range(len(self.nodes)))
        # Where that depends on the rounds: how many tokens, by how many rounds are left of the zeros at their end.
        self._counts = tuple(self._counts_of(node) for node in range(len(self.nodes)))
        self.ancestors = self._reachability()
        self._summaries: dict[int, Mapping[int, Summary]] = {}

    def position(self, node: int, rounds: Rounds) -> Position:
        """Place of an activation in the total order."""
        places = self._places[node]
        if not rounds:
            return places
        if len(rounds) == 1:
            return (places[0], rounds[0], places[1])
        interleaved: list[int] = []
        for place, number in zip(places, rounds, strict=False):
            interleaved += (place, number)
        return (*interleaved, places[-1])

    def earlier(self, node: int, rounds: Rounds, than: Rounds) -> bool:
        """Whether these are earlier rounds of the node than those, with the same coordinates."""
        if self.apart[node]:
            return rounds != than and self._by(rounds, than, len(than), node)
        return rounds < than

    def activation_id(self, node: int, rounds: Rounds) -> ActivationId:
        """The activation's id as records hold it."""
        nest, apart = self.nests[node], self.apart[node]
        if not nest:
            return self._bare_ids[node]
        if not apart:
            return ActivationId(self.nodes[node], tuple(zip(nest, rounds, strict=True)))
        laps = tuple((nest[level], rounds[level]) for level in range(len(nest)) if level not in apart)
        return ActivationId(
            self.nodes[node], laps, tuple(self._told(nest[level], rounds[level]) for level in apart)
        )

    def key(self, activation: ActivationId) -> tuple[int, Rounds]:
        """The activation by the plan's numbers. A loop that was put around the node since counts as round 0.

        Raises:
            KeyError: There is no such node, or its coordinates are not of this graph.
        """
        node = self.number[activation.node]
        known = dict(activation.rounds)
        coordinates = iter(activation.instance)
        rounds: list[Any] = []
        for name in self.nests[node]:
            if name in self.regions:
                rounds.append(self._coordinate(name, next(coordinates, "")))
            else:
                rounds.append(known.get(name, 0))
        return node, tuple(rounds)

    def _told(self, region: str, coordinate: Coordinate) -> str:
        """A coordinate as a text: the item's place, or the id of the activation that a token came from."""
        if self.regions[region].fans:
            return ".".join(map(str, coordinate))
        return str(self.activation_id(coordinate[0], coordinate[1:]))

    def _coordinate(self, region: str, text: str) -> Coordinate:
        try:
            if self.regions[region].fans:
                return tuple(map(int, text.split(".")))
            name, rounds, instance = parts_of_id(text)
            node = self.number[name]
            loops = [level for level in self.nests[node] if level in self.loops]
            source = self.key(ActivationId(name, tuple(zip(loops, rounds, strict=True)), instance))
        except (ValueError, KeyError):
            raise KeyError(f"{region} {text}") from None
        return (source[0], *source[1])

    def complete(self, node: int, rounds: Rounds, arrived: int) -> bool:
        """Whether the activation can start since `arrived` tokens have come, by counting edges alone.

        False where counting does not tell. An incoming edge that leaves a loop brings any number of tokens. And where
        several headers send each other back, a round may have all its tokens before an earlier one has any; where
        each loop has one header, that one's rounds begin one after another, and so do those of the whole body.
        """
        simple = self.simple[node]
        if simple is not None:
            return arrived == simple
        counts = self._counts[node]
        if counts is None:
            return False
        begun = len(rounds)
        while begun and not rounds[begun - 1]:
            begun -= 1
        return arrived == counts[begun]

    def blocks(self, other: int, other_rounds: Rounds, node: int, rounds: Rounds) -> bool:
        """Whether the live activation of `other` can still bring a token to `node` at `rounds` or before.

        An earlier round of the node itself blocks too: a node's rounds run one after another.
        """
        if not self.ancestors[node] >> other & 1:
            return False
        if self.apart[node]:
            return self._blocks_apart(other, other_rounds, node, rounds)
        if not rounds or (other == node and other_rounds < rounds):
            return True
        return self.summaries(node)[other].apply(other_rounds) <= rounds

    def _blocks_apart(self, other: int, other_rounds: Rounds, node: int, rounds: Rounds) -> bool:
        """`blocks` for a node in a region: what has another coordinate, or none yet, never brings it a token."""
        if other == node and self._by(other_rounds, rounds, len(rounds), node):
            return True
        offsets, kept = self.summaries(node)[other]
        own = range(min(kept, len(other_rounds)))
        reached = [other_rounds[i] + offsets[i] if offsets[i] else other_rounds[i] for i in own]
        return self._by((*reached, *offsets[len(reached) :]), rounds, kept, node)

    def _by(self, reached: Rounds, rounds: Rounds, known: int, node: int) -> bool:
        """Whether `reached` is not after `rounds` of the node; coordinates count below the level `known`."""
        for level, (one, other) in enumerate(zip(reached, rounds, strict=True)):
            if level in self.apart[node]:
                if level >= known or one != other:
                    return False
            elif one != other:
                return bool(one < other)
        return True

    def summaries(self, target: int) -> Mapping[int, Summary]:
        """For each node with a path of at least one edge to `target`, the summary of the soonest one."""
        known = self._summaries.get(target)
        if known is None:
            known = self._summaries[target] = self._soonest(target)
        return known

    def _soonest(self, target: int) -> dict[int, Summary]:
        depth = len(self.nests[target])
        here = Summary((0,) * depth, depth)
        found: dict[int, Summary] = {}
        heap = [
            (here.after(self.edges[number]), self.edges[number].source) for number in self.incoming[target]
        ]
        heapq.heapify(heap)
        while heap:
            summary, node = heapq.heappop(heap)
            if node in found:
                continue
            found[node] = summary
            for number in self.incoming[node]:
                edge = self.edges[number]
                if edge.source not in found:
                    heapq.heappush(heap, (summary.after(edge), edge.source))
        return found

    def _planned(self, link: Link) -> PlannedEdge:
        source, target = self.number[link.source], self.number[link.target]
        from_nest, to_nest = self.nests[source], self.nests[target]
        if not from_nest and not to_nest:
            return PlannedEdge(link.id, source, target, None, 0, (), merges=False)
        common = 0
        while common < min(len(from_nest), len(to_nest)) and from_nest[common] == to_nest[common]:
            common += 1
        if not link.feedback:
            zeros = (0,) * (len(to_nest) - common)
            slot = self._slot(target, common)
            return PlannedEdge(link.id, source, target, None, common, zeros, len(from_nest) > common, slot)
        level = to_nest.index(self._closed[link.id])
        zeros = (0,) * (len(to_nest) - level - 1)
        slot = self._slot(target, level + 1)
        return PlannedEdge(link.id, source, target, level, level, zeros, len(from_nest) > level + 1, slot)

    def _slot(self, target: int, entered: int) -> int | None:
        """Where the coordinate of a region goes that is entered, if one is among the levels from `entered` on."""
        apart = self.apart[target]
        return next((level for level in apart if level >= entered), None) if apart else None

    def _by_node(self, end: str, *, cancels: bool = False) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, edge in enumerate(self.edges):
            if edge.cancels is cancels:
                found[edge.source if end == "source" else edge.target].append(number)
        return tuple(map(tuple, found))

    def _cancelling(self, link: Link) -> PlannedEdge:
        source, target = self.number[link.source], self.number[link.target]
        return PlannedEdge(link.id, source, target, None, 0, (), merges=False, cancels=True)

    def _longest_paths(self) -> tuple[int, ...]:
        longest = [1] * len(self.nodes)
        for node in reversed(range(len(self.nodes))):  # numbers are a topological order of forward edges
            for number in self.outgoing[node]:
                edge = self.edges[number]
                if edge.level is None:
                    longest[node] = max(longest[node], 1 + longest[edge.target])
        return tuple(longest)

    def _simple_count(self, node: int) -> int | None:
        edges = [self.edges[number] for number in self.incoming[node]]
        if any(edge.slot is not None for edge in edges):
            return 1  # each token makes an activation of its own
        if node in self._crossed or any(
            edge.merges or edge.zeros or edge.level is not None for edge in edges
        ):
            return None
        return len(edges)

    def _counts_of(self, node: int) -> tuple[int, ...] | None:
        """For rounds that end in zeros, by what is left of them, how many edges bring a token; None where that does not tell.

        Which edges lead to some rounds depends on nothing else: see `PlannedEdge.brings`.
        """
        if self.simple[node] is not None or node in self._crossed:
            return None
        edges = [self.edges[number] for number in self.incoming[node]]
        if any(edge.merges for edge in edges):
            return None
        depth = len(self.nests[node])
        shapes = [(1,) * begun + (0,) * (depth - begun) for begun in range(depth + 1)]
        return tuple(sum(edge.brings(rounds) for edge in edges) for rounds in shapes)

    def _reachability(self) -> tuple[int, ...]:
        """Bit masks of ancestors. The nodes of a loop that is in no other are numbered in a row and all reach each other."""
        masks = [0] * len(self.nodes)
        for _, row in groupby(range(len(self.nodes)), key=self._outermost):
            members = list(row)
            mask = sum(1 << node for node in members) if self._loops_around(members[0]) else 0
            for node in members:
                for number in self.incoming[node]:
                    source = self.edges[number].source
                    mask |= masks[source] | 1 << source
            for node in members:
                masks[node] = mask
        return tuple(masks)

    def _outermost(self, node: int) -> Position:
        """The place of the outermost loop around the node, or that of the node."""
        level = next(iter(self._loops_around(node)), len(self.nests[node]))
        return self._places[node][: level + 1]

    def _loops_around(self, node: int) -> list[int]:
        """Where in the node's nest loops are."""
        return [level for level in range(len(self.nests[node])) if level not in self.apart[node]]


def _places(links: Sequence[Link], forest: LoopForest) -> dict[str, Position]:
    """For each node its place in each scope around it, outermost first: of the loops, then of the node."""
    places: dict[str, Position] = {}
    scopes: list[tuple[str | None, Position]] = [(None, ())]
    while scopes:
        scope, above = scopes.pop()
        depth = len(above)
        items: dict[str, bool] = {}  # node or loop in this scope, and whether it is a loop
        item_of: dict[str, str] = {}
        for node, nest in forest.nests.items():
            if scope is not None and scope not in nest:
                continue
            inner = len(nest) > depth
            item_of[node] = f"loop {nest[depth]}" if inner else node  # or region
            items[item_of[node]] = inner
        arcs = {
            (item_of[link.source], item_of[link.target])
            for link in links
            if not link.feedback and link.source in item_of and link.target in item_of
        }
        headers = frozenset(
            forest.loops[scope].headers if scope is not None and scope in forest.loops else ()
        )
        for place, item in enumerate(_in_order(items, {arc for arc in arcs if arc[0] != arc[1]}, headers)):
            if items[item]:
                scopes.append((item.removeprefix("loop "), (*above, place)))
            else:
                places[item] = (*above, place)
    return places


def _in_order(items: Iterable[str], arcs: Iterable[tuple[str, str]], first: frozenset[str]) -> list[str]:
    """Topological order (Kahn); among what is free those in `first` go first, then by name."""
    waiting = dict.fromkeys(items, 0)
    successors: dict[str, list[str]] = {item: [] for item in waiting}
    for source, target in arcs:
        successors[source].append(target)
        waiting[target] += 1

    def key(item: str) -> tuple[bool, object, str]:
        return (item not in first, natural(item.removeprefix("loop ")), item)

    free = [key(item) for item, count in waiting.items() if count == 0]
    heapq.heapify(free)
    order: list[str] = []
    while free:
        item = heapq.heappop(free)[-1]
        order.append(item)
        for target in successors[item]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(free, key(target))
    return order
