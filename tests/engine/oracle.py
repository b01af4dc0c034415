"""A second, naive implementation of the one rule that says when a node runs; written only for the tests.

It is derived from the wording of the rule and shares no code and no idea with the engine: the engine computes
summaries of paths at compile time, this module unrolls the graph and searches it, activation by activation, each
time it is asked. It is slow and meant to be obviously right. What it says:

`find_loops` tells the loops of a graph, their headers, and the chain of loops around each node; `Rule` tells where
an edge leads from given rounds, and whether one activation blocks another. `simulation.py` runs graphs by it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import networkx as nx

START, END = "START", "END"

Rounds = tuple[int, ...]


class Activation(NamedTuple):
    """One execution of a node: the node and one round number per loop of its nest, outermost first."""

    node: str
    rounds: Rounds


class Token(NamedTuple):
    """What one finished activation sends along one taken edge. There is at most one for each such pair."""

    edge: str
    source: Activation


@dataclass(frozen=True)
class Edge:
    id: str
    source: str
    target: str
    feedback: bool = False


@dataclass(frozen=True)
class Graph:
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]

    def shuffled(self, order: random.Random) -> Graph:
        """Return the same graph with nodes and edges declared in another order."""
        return Graph(
            tuple(order.sample(self.nodes, len(self.nodes))), tuple(order.sample(self.edges, len(self.edges)))
        )


# --------------------------------------------------------------------------- loops


@dataclass(frozen=True)
class Problem:
    """`kind` is "forward cycle", "closes no loop" or "not to a header"; `edges` are the ids at fault."""

    kind: str
    edges: frozenset[str]


class IllegalGraph(Exception):
    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)


@dataclass(frozen=True)
class Loops:
    """`nest[node]` are the names of the loops around a node, outermost first; the rest goes by loop name."""

    nest: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, frozenset[str]]
    bodies: Mapping[str, frozenset[str]]


def find_loops(graph: Graph, name: Callable[[Iterable[str]], str] = min) -> Loops:
    """Nest the loops of `graph`; `name` picks the header that gives a loop its name.

    Raises:
        IllegalGraph: for a cycle of forward edges (then nothing else is looked at), and for feedback edges
            that do not lead from inside a loop to a header of that loop.
    """
    cycles = _forward_cycles(graph)
    if cycles:
        raise IllegalGraph(cycles)
    nest: dict[str, tuple[str, ...]] = dict.fromkeys(graph.nodes, ())
    headers: dict[str, frozenset[str]] = {}
    bodies: dict[str, frozenset[str]] = {}

    def descend(edges: list[Edge]) -> None:
        for body in _cyclic_parts(edges):
            inside = [edge for edge in edges if edge.source in body and edge.target in body]
            entered = {edge.target for edge in inside if not edge.feedback}
            heads = body - entered
            loop = name(sorted(heads))
            headers[loop], bodies[loop] = heads, body
            for node in body:
                nest[node] += (loop,)
            descend([edge for edge in inside if not (edge.feedback and edge.target in heads)])

    descend(list(graph.edges))
    loops = Loops(nest, headers, bodies)
    problems = [_misplaced(edge, loops) for edge in graph.edges if edge.feedback]
    if any(problems):
        raise IllegalGraph(problem for problem in problems if problem)
    return loops


def _forward_cycles(graph: Graph) -> list[Problem]:
    forward = [edge for edge in graph.edges if not edge.feedback]
    return [
        Problem("forward cycle", frozenset(e.id for e in forward if e.source in part and e.target in part))
        for part in _cyclic_parts(forward)
    ]


def _cyclic_parts(edges: Iterable[Edge]) -> list[frozenset[str]]:
    """Return the strongly connected components that hold at least one edge."""
    pairs = {(edge.source, edge.target) for edge in edges}
    graph = nx.DiGraph()
    graph.add_edges_from(pairs)  # DiGraph(pairs) looks first for all the other things that they might be
    parts = nx.strongly_connected_components(graph)
    return [frozenset(part) for part in parts if any(s in part and t in part for s, t in pairs)]


def _misplaced(edge: Edge, loops: Loops) -> Problem | None:
    around = [loop for loop in loops.bodies if {edge.source, edge.target} <= loops.bodies[loop]]
    if not around:
        return Problem("closes no loop", frozenset({edge.id}))
    if not any(edge.target in loops.headers[loop] for loop in around):
        return Problem("not to a header", frozenset({edge.id}))
    return None


# --------------------------------------------------------------------------- the rule


class Rule:
    """Who blocks whom, decided by walking the unrolled graph.

    `further` walks that many rounds further than should matter, to test that they do not.
    """

    def __init__(self, graph: Graph, *, further: int = 0) -> None:
        self.graph = graph
        self.loops = find_loops(graph)
        self.further = further
        self.edges = {edge.id: edge for edge in graph.edges}
        self.leaving: dict[str, list[Edge]] = {node: [] for node in graph.nodes}
        for edge in graph.edges:
            self.leaving[edge.source].append(edge)
        self._known: dict[tuple[Activation, tuple[int, ...]], frozenset[Activation]] = {}

    def target(self, edge: Edge, rounds: Rounds) -> Activation:
        """Return the activation that `edge`, taken by its source in `rounds`, leads to."""
        nest = self.loops.nest[edge.target]
        shared = self._shared(edge)
        kept = list(rounds[:shared])
        if edge.feedback:
            # A header lies in no loop inside the one it heads, so that loop is the last of its nest.
            kept[-1] += 1
        return Activation(edge.target, (*kept, *[0] * (len(nest) - shared)))

    def _shared(self, edge: Edge) -> int:
        pairs = zip(self.loops.nest[edge.source], self.loops.nest[edge.target], strict=False)
        return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))

    def blocks(self, live: Activation, waiting: Activation) -> bool:
        """Say whether `live` may still deliver a token to the node of `waiting` in its rounds or earlier ones.

        "In the same rounds" asks for equal rounds alone (`blocks_exactly`); earlier ones are asked for too. That changes
        no run, it only makes some starts later. *No run*: whoever can still reach the very same rounds blocks under
        both readings, so under both every token of an activation has come when it starts. *Later*: where two headers
        send each other back, a path may reach only every second round of a node (see
        `test_earlier_rounds_of_a_node_go_first_even_where_a_path_skips_the_same_round`). With earlier rounds blocking
        as well, a node begins no round while tokens of an earlier one may still come.

        A path has at least one edge: an activation delivers nothing to its own node by merely being there.
        """
        reached = self._reachable(live, waiting)
        return any(it.node == waiting.node and it.rounds <= waiting.rounds for it in reached)

    def blocks_exactly(self, live: Activation, waiting: Activation) -> bool:
        """Like `blocks`, with "the same rounds" read to the letter."""
        return waiting in self._reachable(live, waiting)

    def blocks_in_turn(self, live: Activation, waiting: Activation) -> bool:
        """Like `blocks`, and a node begins no round while an earlier one of its own is alive."""
        earlier = live.node == waiting.node and live.rounds < waiting.rounds
        return earlier or self.blocks(live, waiting)

    def _reachable(self, live: Activation, waiting: Activation) -> frozenset[Activation]:
        """Every activation that `live` may still lead to, counting rounds no further than matters for `waiting`.

        How far matters: a path that passes through a loop, or leaves the one it begins in, need not visit a
        node of it twice in there, and only arriving at a header adds a round; so it counts at most as many rounds as
        there are headers. A path that ends in a loop need not count beyond the rounds it is to arrive in.
        """
        begun = dict(zip(self.loops.nest[live.node], live.rounds, strict=True))
        wanted = dict(zip(self.loops.nest[waiting.node], waiting.rounds, strict=True))
        cap = {
            loop: max(begun.get(loop, 0) + len(heads), wanted.get(loop, 0)) + self.further
            for loop, heads in self.loops.headers.items()
        }
        key = (live, tuple(cap.values()))
        if key not in self._known:
            self._known[key] = self._walk(live, cap)
        return self._known[key]

    def _walk(self, live: Activation, cap: Mapping[str, int]) -> frozenset[Activation]:
        found: set[Activation] = set()
        fringe = [live]
        while fringe:
            here = fringe.pop()
            for edge in self.leaving[here.node]:
                there = self.target(edge, here.rounds)
                nest = self.loops.nest[there.node]
                within = all(n <= cap[loop] for loop, n in zip(nest, there.rounds, strict=True))
                if within and there not in found:
                    found.add(there)
                    fringe.append(there)
        return frozenset(found)
