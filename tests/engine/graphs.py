"""Random graphs for hypothesis: legal, connected, and as twisted as the rules for loops allow.

Two ways to make one, because each finds what the other rarely does. `tangles` draws edges at random over a fixed
order of nodes. `nested` builds blocks within blocks (chains, diamonds, loops with several headers and exits) and
then adds a few stray edges, which is what makes loops irreducible. Both end in `_mend`: every node is reachable
from START, END from every node, and feedback edges that would be illegal are taken away one by one.

Everything is drawn as small integers that shrink towards fewer nodes, fewer edges and the plainest graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from .oracle import END, START, Edge, Graph, IllegalGraph, find_loops

NAMES = tuple("abcdefghijklmn")


def read_graph(text: str) -> Graph:
    """Read `"a>b b>c c<a"`, where `x>y` is a forward edge and `x<y` a feedback edge *from* x back to y.

    The words are the ids; a second edge between the same nodes has a prime: `"a>b a>b'"`.
    """
    edges = []
    for word in text.split():
        source, target = word.replace("<", ">").split(">")
        edges.append(Edge(word, source, target.rstrip("'"), feedback="<" in word))
    nodes = dict.fromkeys(node for edge in edges for node in (edge.source, edge.target))
    return Graph(tuple(nodes), tuple(edges))


Pair = tuple[int, int]  # an edge between positions; a feedback edge leads back or stays, others lead ahead


@st.composite
def graphs(draw: st.DrawFn, *, most: int = 12) -> Graph:
    """Draw a legal graph of START, END and 1 to `most` nodes; names and declarations come in no useful order."""
    size, ahead, back = draw(st.one_of(tangles(most), nested(most)))
    names = [START, *draw(st.permutations(NAMES[:size])), END]
    pairs = [*_mend(size, ahead), *back]
    edges = [Edge(f"e{i}", names[s], names[t], feedback=t <= s) for i, (s, t) in enumerate(pairs)]
    legal = without_illegal(Graph(tuple(names), tuple(edges)))
    return Graph(
        tuple(draw(st.permutations(legal.nodes))),
        tuple(draw(st.permutations(legal.edges))),
    )


@st.composite
def mazes(draw: st.DrawFn, *, most: int = 7) -> Graph:
    """Draw edges between any nodes, declared as feedback or not as chance has it: mostly illegal, and unconnected."""
    names = (START, *NAMES[: draw(st.integers(1, most))], END)
    edge = st.tuples(st.sampled_from(names), st.sampled_from(names), st.booleans())
    drawn = draw(st.lists(edge, max_size=3 * len(names)))
    return Graph(names, tuple(Edge(f"e{i}", *parts) for i, parts in enumerate(drawn)))


@st.composite
def tangles(draw: st.DrawFn, most: int) -> tuple[int, list[Pair], list[Pair]]:
    """Draw edges at random: positions 1 to `size` are the nodes, 0 is START and `size + 1` END."""
    size = draw(st.integers(1, most))
    pairs = draw(_pairs(size, least=size, most=2 * size + 4))
    return size, [p for p in pairs if p[0] < p[1]], [p for p in pairs if 0 < p[1] <= p[0]]


@st.composite
def nested(draw: st.DrawFn, most: int) -> tuple[int, list[Pair], list[Pair]]:
    """Draw blocks within blocks, then stray edges across them."""
    weave = _Weave(draw, most)
    first, last = weave.block(depth=4)
    weave.ahead += [(0, node) for node in first] + [(node, weave.size + 1) for node in last]
    stray = draw(_pairs(weave.size, least=0, most=8))
    weave.ahead += [p for p in stray if p[0] < p[1]]
    weave.back += [p for p in stray if 0 < p[1] <= p[0]]
    return weave.size, weave.ahead, weave.back


def _pairs(size: int, *, least: int, most: int) -> st.SearchStrategy[list[Pair]]:
    return st.lists(st.tuples(st.integers(0, size), st.integers(1, size + 1)), min_size=least, max_size=most)


class _Weave:
    """Blocks under construction. A block is (its first nodes, its last nodes); nodes are numbered as they come."""

    def __init__(self, draw: st.DrawFn, most: int) -> None:
        self.draw, self.most = draw, most
        self.size = 0
        self.ahead: list[Pair] = []
        self.back: list[Pair] = []

    def block(self, depth: int) -> tuple[list[int], list[int]]:
        if not depth or self.size >= self.most:
            return self.node(depth)
        makers = [self.node, self.chain, self.chain, self.beside, self.loop, self.loop]
        return self.draw(st.sampled_from(makers))(depth)

    def node(self, _depth: int) -> tuple[list[int], list[int]]:
        if self.size < self.most:
            self.size += 1
        return [self.size], [self.size]

    def chain(self, depth: int) -> tuple[list[int], list[int]]:
        first, middle = self.block(depth - 1)
        more, last = self.block(depth - 1)
        self.ahead += [(s, t) for s in middle for t in more if s < t]
        return first, last

    def beside(self, depth: int) -> tuple[list[int], list[int]]:
        one, other = self.block(depth - 1), self.block(depth - 1)
        return one[0] + other[0], one[1] + other[1]

    def loop(self, depth: int) -> tuple[list[int], list[int]]:
        first, last = self.block(depth - 1)
        self.back += [(s, t) for s in last for t in first if t <= s and self.draw(st.booleans())]
        self.back += [(max(last), min(first))]
        return first, last


def _mend(size: int, ahead: Iterable[Pair]) -> list[Pair]:
    """Lead START to nodes that nothing leads to, and nodes that lead nowhere to END."""
    ahead = list(ahead)
    entered, left = {t for _, t in ahead}, {s for s, _ in ahead}
    ahead += [(0, node) for node in range(1, size + 1) if node not in entered]
    ahead += [(node, size + 1) for node in range(1, size + 1) if node not in left]
    return ahead


def without_illegal(graph: Graph) -> Graph:
    """Take away illegal feedback edges, the last one first, as each may be what makes another one illegal."""
    while True:
        try:
            find_loops(graph)
        except IllegalGraph as error:
            wrong = frozenset().union(*(problem.edges for problem in error.problems))
            last = [edge for edge in graph.edges if edge.id in wrong][-1]
            graph = Graph(graph.nodes, tuple(edge for edge in graph.edges if edge is not last))
        else:
            return graph
