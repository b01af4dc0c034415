"""Random worlds for hypothesis: a random graph, some nodes of which join early or each, are maps, or cancel others."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from .graphs import graphs
from .many import Early, Places, Stop, World
from .oracle import END, START, Edge, Graph

RESTS = ("drop", "cancel", "wait")


class Draft:
    """A world under construction."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.edges: list[Edge] = []
        self.each: set[str] = set()
        self.closed: set[str] = set()
        self.early: dict[str, Early] = {}
        self.maps: dict[str, tuple[str, frozenset[str], str]] = {}
        self.groups: dict[str, tuple[str, frozenset[str]]] = {}  # what can be cancelled: its anchor and nodes


@st.composite
def worlds(draw, *, most=5, early=True, stops=True, each=True, maps=True, depth=2):
    """Draw a world."""
    draft = Draft()
    weights = (
        ["plain"] * 3 + ["each"] * 2 * each + ["early"] * 2 * early + ["map"] * 2 * maps + ["closed"] * each
    )
    _put(draw, draft, draw(graphs(most=most)), "", START, END, weights, depth)
    stopping = {}
    if stops:
        sources = [n for n in draft.nodes if n not in (START, END)]
        for number in range(draw(st.integers(0, 2))):
            source = draw(st.sampled_from(sources))
            anchor, targets = draft.groups[draw(st.sampled_from(sorted(draft.groups)))]
            stopping[f"c{number}"] = Stop(source, targets, anchor)
    graph = Graph(tuple(draft.nodes), tuple(draft.edges))
    return World(
        graph,
        frozenset(draft.each),
        frozenset(draft.closed),
        draft.early,
        draft.maps,
        stopping,
        end_first=stops and draw(st.integers(0, 7)) == 7,
    )


def _put(draw, draft, graph, prefix, start, end, weights, depth):
    """Put a graph in its place, between `start` and `end`; the nodes that came of it."""
    named = {START: start, END: end}
    entry, exit_ = dict(named), dict(named)
    before = len(draft.nodes)
    if not prefix:
        draft.nodes += [START, END]
    for node in graph.nodes:
        if node in named:
            continue
        full = prefix + node
        kind = draw(st.sampled_from(weights if depth else [w for w in weights if w != "map"]))
        entry[node] = exit_[node] = full
        if kind == "map":
            entry[node], exit_[node] = f"{full}/MAP", f"{full}/JOIN"
            _map(draw, draft, full, weights, depth)
            continue
        draft.nodes.append(full)
        draft.groups[full] = (full, frozenset([full]))
        if kind == "each":
            draft.each.add(full)
        elif kind == "closed":
            draft.closed.add(full)
        elif kind == "early":
            draft.early[full] = Early(draw(st.integers(1, 3)), draw(st.sampled_from(RESTS)))
    for edge in graph.edges:
        draft.edges.append(Edge(prefix + edge.id, exit_[edge.source], entry[edge.target], edge.feedback))
    return draft.nodes[before:]


def _map(draw, draft, full, weights, depth):
    begin, join = f"{full}/MAP", f"{full}/JOIN"
    draft.nodes += [begin, join, full]
    members = [full]
    out = full
    if draw(st.booleans()):
        out = f"{full}/END"
        draft.nodes.append(out)
        inner = draw(graphs(most=2))
        members += [out, *_put(draw, draft, inner, f"{full}/", full, out, weights, depth - 1)]
    fan, aside = f"{full}:fan", f"{full}:aside"
    draft.edges += [Edge(fan, begin, full), Edge(aside, begin, join), Edge(f"{full}:out", out, join)]
    draft.maps[fan] = (full, frozenset(members), join)
    draft.groups[f"{full}*"] = (begin, frozenset([begin, join, *members]))
    draft.groups[f"{full}**"] = (full, frozenset(members))
    if "early" in weights and draw(st.booleans()):
        draft.early[join] = Early(draw(st.integers(0, 3)), draw(st.sampled_from(RESTS)), aside)


def sensible(world):
    """Refuse a world in which what runs for each arrival leads back to its entry: coordinates would hold each other."""
    places = Places(world)
    for level, entry in places.entry.items():
        assume(not any(e.source in places.bodies[level] for e in places.entering[entry]))
    return world
