"""A second, naive reading of the rules for joins that do not wait, regions, items and cancelling; for tests only.

It goes by the wording of the design and shares no code with the engine. Nothing is forgotten: every activation that ever
was, every token and everything that is over is kept in full, and "can still bring a token" is decided by walking, each
time anew, through all that can come of each live activation. Slow, and meant to be obviously right.

A `World` is a graph; a `Machine` runs it. An activation is a node and its `where`: for each loop around it a round, for
each region around it a coordinate, by the names of those. An item's coordinate is a tuple of numbers, that of an arrival
is the activation that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import networkx as nx

from .oracle import END, START, Edge, Graph, find_loops

NEW = "new"
"""A coordinate that nobody has yet."""


class One(NamedTuple):
    """An activation: `where` has a pair of level and number or coordinate for each level, outermost first."""

    node: str
    where: tuple[tuple[str, Any], ...] = ()

    def __str__(self):
        """The id that the design gives it."""
        rounds = [str(value) for level, value in self.where if not level.endswith("[]")]
        told = f"{self.node}{'@' if rounds else ''}{'.'.join(rounds)}"
        for level, value in self.where:
            if level.endswith("[]"):
                told += f"[{value if isinstance(value, One) else '.'.join(map(str, value))}]"
        return told


class Came(NamedTuple):
    """What a taken edge brought."""

    edge: str
    source: One


@dataclass(frozen=True)
class Early:
    """A join that does not wait."""

    need: int
    rest: str = "drop"
    aside: str | None = None


@dataclass(frozen=True)
class Stop:
    """A cancelling edge: its source, what it cancels, and a node by which the rounds in common are told."""

    source: str
    targets: frozenset[str]
    anchor: str


@dataclass(frozen=True)
class World:
    """A graph with everything there is to it.

    Attributes:
        graph: Nodes and edges.
        each: Nodes that join each.
        closed: Nodes that join all, written out.
        early: By node.
        maps: Edge that fans out to (entry, instances' nodes, the node where they meet).
        stops: By id.
        end_first: Whether the first to reach END ends the run.
        adders: Whether instances may add items.
    """

    graph: Graph
    each: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    early: Mapping[str, Early] = field(default_factory=dict)
    maps: Mapping[str, tuple[str, frozenset[str], str]] = field(default_factory=dict)
    stops: Mapping[str, Stop] = field(default_factory=dict)
    end_first: bool = False
    adders: bool = True

    @property
    def timeless(self) -> bool:
        """Whether nothing in it depends on timing."""
        return not self.early and not self.stops and not self.end_first


class Places:
    """Where edges lead: levels and what edges make of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.edges = {edge.id: edge for edge in world.graph.edges}
        self.leaving: dict[str, list[Edge]] = {node: [] for node in world.graph.nodes}
        self.entering: dict[str, list[Edge]] = {node: [] for node in world.graph.nodes}
        for edge in world.graph.edges:
            self.leaving[edge.source].append(edge)
            self.entering[edge.target].append(edge)
        loops = find_loops(world.graph)
        self.nest, self.headers = loops.nest, loops.headers
        self.bodies = dict(loops.bodies)
        self.entry: dict[str, str] = {}
        for entry, body, _ in world.maps.values():
            self.bodies[f"{entry}[]"], self.entry[f"{entry}[]"] = body, entry
        for entry in world.each:
            self.bodies[f"{entry}[]"], self.entry[f"{entry}[]"] = self._of_each(entry), entry
        self.levels = {node: self._levels(node) for node in world.graph.nodes}
        net = nx.DiGraph()
        net.add_edges_from((edge.source, edge.target) for edge in world.graph.edges)
        self.below = {node: {t for _, t in nx.edge_bfs(net, node)} for node in net}

    def _of_each(self, entry: str) -> frozenset[str]:
        """All that an arrival alone leads to, within the loops around the entry."""
        around = set(self.nest[entry])
        graph = entry.rpartition("/")[0]  # what is in a subgraph or map of that closes nothing out here
        closed = {n for n in (*self.world.closed, *self.world.early) if n.rpartition("/")[0] == graph}
        closed |= {f"{graph}/END" if graph else END}
        body = {n for n in self.nest if around <= set(self.nest[n]) and n not in closed} | {entry}
        while True:
            reached, fringe = {entry}, [entry]
            while fringe:
                for edge in self.leaving[fringe.pop()]:
                    if edge.target in body and edge.target not in reached:
                        reached.add(edge.target)
                        fringe.append(edge.target)
            kept = {n for n in reached if n == entry or all(e.source in reached for e in self.entering[n])}
            if kept == body:
                return frozenset(body)
            body = kept

    def _levels(self, node: str) -> tuple[str, ...]:
        """The levels around a node, outermost first: how many others are around a level decides."""
        around = [level for level, body in self.bodies.items() if node in body]
        return tuple(sorted(around, key=lambda level: sum(self.holds(other, level) for other in around)))

    def holds(self, outer: str, inner: str) -> bool:
        """Whether one level is around another: a region is in all loops of its entry, and around all others."""
        if outer == inner:
            return False
        if outer in self.entry and inner in self.entry:
            return self.bodies[inner] < self.bodies[outer]
        if inner in self.entry:
            return self.entry[inner] in self.bodies[outer]
        if outer in self.entry:
            return self.entry[outer] not in self.bodies[inner]
        return self.bodies[inner] < self.bodies[outer]

    def target(self, edge: Edge, source: One, item: Any = None) -> One:
        """Where the edge leads to; `item` is the coordinate that it gives, if it fans out."""
        known = dict(source.where)
        around = self.levels[edge.target]
        raised = None
        if edge.feedback:
            (raised,) = [
                level for level in around if level in self.headers and edge.target in self.headers[level]
            ]
        where: list[tuple[str, Any]] = []
        for level in around:
            entered = self.entry.get(level) == edge.target
            if level == raised:
                value: Any = known[level] + 1
            elif entered:
                value = source if item is None else item
            elif level in known and (raised is None or self.holds(level, raised)):
                value = known[level]
            else:
                value = 0
            where.append((level, value))
        return One(edge.target, tuple(where))

    def earlier(self, one: One, other: One) -> bool:
        """Whether one activation of a node is of an earlier round than another: coordinates know no before."""
        for (level, mine), (_, its) in zip(one.where, other.where, strict=True):
            if mine != its:
                return level not in self.entry and mine < its
        return False


class Machine:
    """A run: all activations, all tokens, nothing forgotten."""

    def __init__(self, world: World) -> None:
        self.world, self.places = world, Places(world)
        self.tokens: dict[One, set[Came]] = {One(START): set()}
        self.waiting: set[One] = set()
        self.running: dict[One, frozenset[Came]] = {One(START): frozenset()}
        self.done: dict[One, frozenset[Came]] = {}
        # fired early, or cancelled: nothing comes of a token to these
        self.spent: set[One] = set()
        # cancelled while they ran, and have not stopped
        self.ghosts: set[One] = set()
        self.added: dict[One, int] = {}
        # for an added item the activation that added it
        self.adder: dict[One, One] = {}
        self._known: dict[tuple[One, One, frozenset[One]], set[One]] = {}

    @property
    def alive(self) -> list[One]:
        return [*self.waiting, *self.running]

    # ------------------------------------------------------------------ what can come

    def ahead(self, start: One, goal: One, closed: Iterable[One] = ()) -> set[One]:
        """All that can come of `start`, as far as it matters for `goal`, and past nothing that is spent or closed."""
        past = self.spent | set(closed)
        key = (start, goal, frozenset(past))
        if key not in self._known:
            self._known[key] = self._walk(start, goal, past)
        return self._known[key]

    def _walk(self, start: One, goal: One, past: set[One]) -> set[One]:
        limit = {level: len(heads) for level, heads in self.places.headers.items()}
        for level in limit:
            limit[level] += dict(start.where).get(level, 0)
            limit[level] = max(limit[level], dict(goal.where).get(level, 0))
        found: set[One] = set()
        fringe = [start]
        while fringe:
            here = fringe.pop()
            for edge in self.places.leaving[here.node]:
                there = self._next(edge, here)
                within = all(v <= limit[k] for k, v in there.where if k in limit)
                if within and there not in found and there not in past:
                    found.add(there)
                    fringe.append(there)
        return found

    def _next(self, edge: Edge, here: One) -> One:
        there = self.places.target(edge, here, NEW)
        return (
            One(there.node, tuple((k, NEW if isinstance(v, One) else v) for k, v in there.where))
            if any(isinstance(v, One) and (k, v) not in here.where for k, v in there.where)
            else there
        )

    def reaches(self, live: One, goal: One) -> bool:
        """Whether a live activation can still bring a token to the very same rounds."""
        return goal.node in self.places.below[live.node] and goal in self.ahead(live, goal)

    def reaches_earlier(self, live: One, goal: One) -> bool:
        """Whether it can to the same rounds or earlier ones of that node, or is one of those."""
        if live.node == goal.node and self.places.earlier(live, goal):
            return True
        if goal.node not in self.places.below[live.node]:
            return False
        return any(
            it == goal or (it.node == goal.node and self.places.earlier(it, goal))
            for it in self.ahead(live, goal)
        )

    def joining(self, node: str) -> Early | None:
        if node == END and self.world.end_first:
            return Early(1, "cancel")
        return self.world.early.get(node)

    def enough(self, one: One) -> bool:
        early = self.joining(one.node)
        return early is not None and sum(t.edge != early.aside for t in self.tokens[one]) >= early.need

    def may_start(self, one: One) -> bool:
        """Whether the rules allow it now."""
        others = [live for live in self.alive if live != one]
        early = self.joining(one.node)
        if early is not None and early.rest == "wait":
            before = [s for s in self.tokens if s.node == one.node and self.places.earlier(s, one)]
            if any(self._open(s) for s in before):
                return False
        return self.enough(one) or not any(self.reaches(live, one) for live in others)

    def must_start(self, one: One) -> bool:
        """Whether nothing may hold it back any more, not even that earlier rounds of it go first."""
        held = any(self.reaches_earlier(live, one) for live in self.alive if live != one)
        early = self.joining(one.node)
        if early is not None and early.rest == "wait":
            before = [s for s in self.tokens if s.node == one.node and self.places.earlier(s, one)]
            held = held or any(self._open(s) for s in before)
            return not held
        return self.enough(one) or not held

    def _open(self, one: One) -> bool:
        """Whether a token can come to it still, spent as it may be."""
        if one in self.waiting or one in self.running:
            return True
        return any(
            any(
                self._next(edge, it) == one
                for it in [live, *self.ahead(live, one)]
                for edge in self.places.leaving[it.node]
            )
            for live in self.alive
        )

    # ------------------------------------------------------------------ what happens

    def start(self, one: One) -> list[One]:
        """It runs; what is cancelled with that comes back, that is, what of it was running."""
        assert one in self.waiting, f"{one} starts without being asked, or twice"
        assert self.may_start(one), f"{one} starts too early"
        self.waiting.discard(one)
        self.running[one] = frozenset(self.tokens[one])
        early = self.joining(one.node)
        if early is None:
            return []
        self.spent.add(one)
        if one.node == END:
            return self._cancel([live for live in self.alive if live != one])
        if early.rest == "cancel":
            return self._cancel(self._only_to(one))
        return []

    def _only_to(self, join: One) -> list[One]:
        """What is alive and could lead to nothing but this join."""
        self.spent.discard(join)
        meant = []
        for live in self.alive:
            if live != join and self.reaches(live, join):
                ahead = self.ahead(live, join, [join])
                if all(self.reaches(it, join) for it in ahead):
                    meant.append(live)
        self.spent.add(join)
        return meant

    def _cancel(self, ones: Iterable[One]) -> list[One]:
        ran = []
        for one in ones:
            self.spent.add(one)
            if one in self.running:
                del self.running[one]
                self.ghosts.add(one)
                ran.append(one)
            self.waiting.discard(one)
        return ran

    def stopped(self, one: One) -> None:
        self.ghosts.discard(one)

    def finish(self, one: One, taken: Iterable[str], items: int = 0, added: int = 0) -> list[One]:
        """It is done and took these edges; what was cancelled while it ran comes back."""
        self.done[one] = self.running.pop(one)
        stops = [edge for edge in taken if edge in self.world.stops]
        ran = [gone for edge in stops for gone in self._cancel(self._meant(self.world.stops[edge], one))]
        for name in taken:
            if name in stops:
                continue
            edge = self.places.edges[name]
            if name in self.world.maps:
                for index in range(items):
                    self._bring(self.places.target(edge, one, (index,)), Came(name, one))
            else:
                self._bring(self.places.target(edge, one), Came(name, one))
        if added:
            self._add(one, added)
        return ran

    def _add(self, one: One, count: int) -> None:
        fan, level = next(
            (e, f"{entry}[]") for e, (entry, _, _) in self.world.maps.items() if entry == one.node
        )
        index = dict(one.where)[level]
        for _ in range(count):
            number = self.added[one] = self.added.get(one, -1) + 1
            where = tuple((k, (*index, number) if k == level else v) for k, v in one.where)
            (came,) = [t.source for t in self.tokens[one]]
            self.adder[One(one.node, where)] = one
            self._bring(One(one.node, where), Came(fan, came))

    def _meant(self, stop: Stop, source: One) -> list[One]:
        shared = []
        for mine, its in zip(self.places.levels[source.node], self.places.levels[stop.anchor], strict=False):
            if mine != its:
                break
            shared.append(mine)
        return [
            live
            for live in self.alive
            if live.node in stop.targets
            and all(dict(live.where)[level] == dict(source.where)[level] for level in shared)
        ]

    def _bring(self, there: One, token: Came) -> None:
        if there in self.spent:
            return
        if there in self.running or there in self.done:
            raise AssertionError(f"{there} had begun when {token} came: the rules contradict themselves")
        self.tokens.setdefault(there, set()).add(token)
        self.waiting.add(there)
