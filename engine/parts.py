"""Which nodes of a compiled graph make up which subgraph or map, for those who show graphs to people.

The compiler puts subgraphs and maps in their places, so that a graph has nothing but plain nodes; their names tell what
they came from. Here the parts are found again, each with what was declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .compiler.compile import CompiledGraph
from .compiler.synthetic import carry, item_error, too_deep
from .definition import Definition, MapOver, NodeSpec, Subgraph


class Port(StrEnum):
    """What a node that nobody declared stands for."""

    ENTRY = "START"  # hands fields into a subgraph
    EXIT = "END"  # hands fields out of it
    NEED = "how many"  # asks how many results are enough
    ITEMS = "items"  # finds the items of a map
    RESULTS = "results"  # where the instances of a map meet
    ERROR = "error"  # makes a result of an item's error
    DEEP = "no deeper"  # a graph within itself that may not go deeper


_OF_MAPS = {"NEED": Port.NEED, "MAP": Port.ITEMS, "JOIN": Port.RESULTS}


@dataclass(frozen=True, slots=True)
class Part:
    """A subgraph or a map.

    Attributes:
        name: Its name in the whole graph, such as ``build/lint``.
        outer: Name of the part right around it, or None.
        spec: The node that was declared.
        members: All nodes that it became, those of parts inside it included, in the order of the plan.
        region: Of a map the plan's name for what runs once for each item; "" of a subgraph.
    """

    name: str
    outer: str | None
    spec: NodeSpec
    members: tuple[str, ...]
    region: str = ""

    @property
    def mapped(self) -> MapOver | None:
        """What was declared of a map; None for a subgraph."""
        return self.spec.composite if isinstance(self.spec.composite, MapOver) else None

    @property
    def graph(self) -> str:
        """Name of the graph inside; "" for a map of a function."""
        inside = self.mapped.body if self.mapped else self.spec.composite
        return inside.graph.definition.name if isinstance(inside, Subgraph) else ""

    @property
    def entry(self) -> str:
        """The node that edges to the part lead to."""
        if self.mapped is None:
            return self.name
        asks = f"{self.name}/NEED"
        return asks if callable(self.mapped.join) and asks in self.members else f"{self.name}/MAP"

    @property
    def exit(self) -> str:
        """The node that edges from the part leave."""
        return f"{self.name}/JOIN" if self.mapped else f"{self.name}/END"

    @property
    def over(self) -> str:
        """What a map goes over: a field, or what the function is called that gives the items."""
        over = "" if self.mapped is None else self.mapped.over
        return over if isinstance(over, str) else called(over)


def called(function: object) -> str:
    """What to call a function: its name, or "a function" for one without.

    >>> called(len), called(lambda: [])
    ('len()', 'a function')
    """
    name = getattr(function, "__name__", "")
    return "a function" if name in ("", "<lambda>") else f"{name}()"


def parts_of(graph: CompiledGraph) -> Mapping[str, Part]:
    """The subgraphs and maps of a graph by name, outer ones before inner ones."""
    maps = {region.entry: name for name, region in graph.plan.regions.items() if region.fans}
    names = {name for name in maps if f"{name}/JOIN" in graph.plan.number}
    for node in graph.nodes:
        if node.spec is not None and node.spec.function is carry and node.name.endswith("/END"):
            names.add(node.name.removesuffix("/END"))
    members: dict[str, list[str]] = {name: [] for name in sorted(names, key=_depth)}
    for node_name in graph.plan.nodes:
        for name in _around(node_name, names):
            members[name].append(node_name)
    found: dict[str, Part] = {}
    for name, nodes in sorted(
        members.items(), key=lambda pair: (_depth(pair[0]), graph.plan.number[pair[0]])
    ):
        spec = _declared(graph.declared, name)
        if spec is not None:
            outer = next(_around(name.rpartition("/")[0], names), None) if "/" in name else None
            found[name] = Part(name, outer, spec, tuple(nodes), maps.get(name, ""))
    return found


def home_of(node: str, parts: Mapping[str, Part]) -> str | None:
    """The innermost part that a node belongs to."""
    return next(_around(node, parts), None)


def ports_of(graph: CompiledGraph, parts: Mapping[str, Part]) -> Mapping[str, Port]:
    """The nodes that nobody declared, and what they stand for."""
    found: dict[str, Port] = {}
    for node in graph.nodes:
        if node.spec is None:
            continue
        outer, _, last = node.name.rpartition("/")
        part = parts.get(outer)
        if node.spec.function is carry:
            found[node.name] = Port.ENTRY if node.name in parts else Port.EXIT
        elif node.spec.function is too_deep:
            found[node.name] = Port.DEEP
        elif node.spec.function is item_error:
            found[node.name] = Port.ERROR
        elif part is not None and part.mapped and last in _OF_MAPS and node.name not in parts:
            found[node.name] = _OF_MAPS[last]
    return found


def within(name: str, around: str | None) -> str:
    """What a node or part is called inside another part.

    >>> within("build/lint/fast", "build"), within("check", "build"), within("build/END", "build/lint")
    ('lint/fast', 'check', 'END')
    """
    while around:
        if name.startswith(f"{around}/"):
            return name[len(around) + 1 :]
        around = around.rpartition("/")[0]
    return name


def _depth(name: str) -> int:
    return name.count("/")


def _around(name: str, names: Mapping[str, object] | set[str]) -> Iterator[str]:
    """The parts that a name lies in, innermost first; a part lies in itself."""
    while name:
        if name in names:
            yield name
        name = name.rpartition("/")[0]


def _declared(definition: Definition, name: str) -> NodeSpec | None:
    """The node of this name in the graph within the graph that its path leads to."""
    *path, last = name.split("/")
    for step in path:
        spec = definition.nodes.get(step)
        own = None if spec is None else spec.composite
        inside = own.body if isinstance(own, MapOver) else own
        if not isinstance(inside, Subgraph):
            return None
        definition = inside.graph.definition
    spec = definition.nodes.get(last)
    return spec if spec is not None and spec.composite is not None else None
