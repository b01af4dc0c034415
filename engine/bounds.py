"""How many activations a run can have at most.

A node runs at most once in each combination of the rounds and coordinates around it, so they are counted level by
level. A loop goes round once more than its feedback edges may be taken, for each entry. A map has as many instances as
there are items, which no graph tells: those are left as unknowns. A node that joins each runs once for each arrival:
as often as the edges that lead there may be taken in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from .compiler.compile import CompiledGraph
from .definition import END, START
from .parts import Part, parts_of

Unknowns = tuple[str, ...]
"""Maps whose numbers of items are multiplied, in order; one that is there twice is squared."""


@dataclass(frozen=True, slots=True)
class Term:
    """So many activations for each item, or combination of items, of some maps.

    Attributes:
        activations: How many.
        maps: The maps; without any it is a plain number.
    """

    activations: int
    maps: Unknowns = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so many activations, retries not counted.

    Attributes:
        terms: What is to be added up, the plain number first. Without meaning where a loop has no limit.
        endless: Loops that have no limit: with any of them there is no bound.
        items: For each map that occurs what its items are items of.
    """

    terms: tuple[Term, ...]
    endless: tuple[str, ...]
    items: Mapping[str, str]

    @property
    def number(self) -> int | None:
        """The bound where it is a plain number; None where it depends on items, or there is none."""
        if self.endless or any(term.maps for term in self.terms):
            return None
        return sum(term.activations for term in self.terms)

    def given(self, items: Mapping[str, int]) -> int | None:
        """The bound where each map has at most so many items each time; None where there is none."""
        if self.endless:
            return None
        return sum(term.activations * prod(items[name] for name in term.maps) for term in self.terms)

    def __str__(self) -> str:
        if self.endless:
            why = [f"loop {name} has no limit" for name in self.endless]
            why += [f"map {name} depends on its items" for name in self.items]
            return f"unbounded: {', '.join(why)}"
        return f"at most {' + '.join(map(self._told, self.terms)) or 0}"

    def _told(self, term: Term) -> str:
        if not term.maps:
            return str(term.activations)
        return (
            f"{term.activations} per item of {' times item of '.join(self.items[name] for name in term.maps)}"
        )


def most_activations(graph: CompiledGraph) -> Bound:
    """How many activations a run of the graph can have at most, retries not counted."""
    return _bound(graph, parts_of(graph), _nests(graph))


def most_by_node(graph: CompiledGraph) -> Mapping[str, Bound]:
    """For each node how many activations it can have at most in a run, retries not counted."""
    parts = parts_of(graph)
    same = {nest: _bound(graph, parts, [nest]) for nest in set(_nests(graph))}
    pairs = zip(graph.plan.nodes, graph.plan.nests, strict=True)
    return {node: same[nest] for node, nest in pairs if node not in (START.name, END.name)}


def _nests(graph: CompiledGraph) -> list[tuple[str, ...]]:
    """What is around each node."""
    pairs = zip(graph.plan.nodes, graph.plan.nests, strict=True)
    return [nest for node, nest in pairs if node not in (START.name, END.name)]


def _bound(graph: CompiledGraph, parts: Mapping[str, Part], nests: Iterable[tuple[str, ...]]) -> Bound:
    """How many activations nodes can have that have this around them."""
    counting = _Counting(graph, {part.region: part.name for part in parts.values() if part.region})
    total = _Sum()
    for nest in nests:
        total.add(counting.of(nest))
    terms = [
        Term(number, maps) for maps, number in sorted(total.terms.items(), key=lambda t: (len(t[0]), t[0]))
    ]
    used = [name for name in parts if any(name in term.maps for term in terms)]
    entries = {part.entry: part.name for part in parts.values()}
    endless = tuple(entries.get(name, name) for name in graph.plan.loops if name in counting.endless)
    return Bound(tuple(terms), endless, {name: _items(parts[name], parts) for name in used})


def _items(part: Part, parts: Mapping[str, Part]) -> str:
    """What the items of a map are items of; where two maps go over the same the map is named."""
    alone = sum(1 for other in parts.values() if other.over == part.over) == 1
    return part.over if alone and part.over != "a function" else part.name


@dataclass
class _Sum:
    """A polynomial whose unknowns are the numbers of items."""

    terms: dict[Unknowns, int] = field(default_factory=dict)

    def add(self, other: _Sum, times: int = 1) -> None:
        for maps, number in other.terms.items():
            if number * times:
                self.terms[maps] = self.terms.get(maps, 0) + number * times

    def times(self, number: int, unknown: Unknowns = ()) -> _Sum:
        return _Sum({tuple(sorted((*maps, *unknown))): count * number for maps, count in self.terms.items()})


@dataclass
class _Counting:
    """Counts the combinations of rounds and coordinates of nests.

    Attributes:
        maps: Region to the map it belongs to.
        endless: The loops without limit that were met, and what joins each of its own arrivals.
    """

    graph: CompiledGraph
    maps: Mapping[str, str]
    endless: set[str] = field(default_factory=set)
    _known: dict[tuple[str, ...], _Sum] = field(default_factory=dict)

    def of(self, nest: tuple[str, ...]) -> _Sum:
        """How many combinations there are at most in a whole run."""
        known = self._known.get(nest)
        if known is None:
            known = self._known[nest] = self._counted(nest)
        return known

    def _counted(self, nest: tuple[str, ...]) -> _Sum:
        if not nest:
            return _Sum({(): 1})
        *outer, last = nest
        if last in self.maps:
            return self.of(tuple(outer)).times(1, (self.maps[last],))
        if last in self.graph.plan.regions:
            return self._arrivals(last)
        return self.of(tuple(outer)).times(self._rounds(last))

    def _rounds(self, loop: str) -> int:
        """How many rounds a loop has for each entry: each further one is started by one of its feedback edges."""
        limits = [
            self.graph.limits[self.graph.plan.edge_number[edge]]
            for edge in self.graph.plan.loops[loop].feedback
        ]
        if None in limits:
            self.endless.add(loop)
        return 1 + sum(limit for limit in limits if limit is not None)

    def _arrivals(self, region: str) -> _Sum:
        """How often a node that joins each runs: once whenever an edge that leads there is taken."""
        plan, total = self.graph.plan, _Sum()
        for number in plan.incoming[plan.number[plan.regions[region].entry]]:
            edge = plan.edges[number]
            nest = plan.nests[edge.source]
            if edge.level is None:
                total.add(self.of(nest))
                continue
            limit = self.graph.limits[number]
            if limit is None:
                self.endless.add(nest[edge.level])
            total.add(self.of(nest[: edge.level]), limit or 0)
        return total
