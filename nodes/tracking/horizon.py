"""What a graph says of a run's future: which nodes can still run, how often at most, and how long that may take.

A node can still run if a way leads to it from something that is alive; it then runs at most as often as the graph bounds it
(`engine.bounds`), less what is known of it already. Both can only shrink while a run goes on, so progress never falls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from backedge.engine.bounds import most_by_node
from backedge.engine.compiler.compile import CompiledGraph
from backedge.engine.parts import parts_of, ports_of

_ITEMS: Final = "/MAP"  # the node that finds a map's items: `worker/MAP` for a map `worker`


class Remaining(NamedTuple):
    """What may still come.

    Attributes:
        nodes: Each node that can still run, and how many more times at most; None where nobody knows.
        again: Whether a loop may go round again.
    """

    nodes: Mapping[str, int | None]
    again: bool

    @property
    def most(self) -> int | None:
        """How many more activations there can be at most; None where nobody knows."""
        total = 0
        for count in self.nodes.values():
            if count is None:
                return None
            total += count
        return total


class Horizon:
    """A graph, as far as a run's future goes.

    Attributes:
        entries: The nodes that run once for each item of a map.
        instant: Nodes that take no time worth speaking of.

    Example::

        horizon = Horizon(flow.graph)
        horizon.remaining({"coder"}, {"coder": 2}, {}).most
    """

    def __init__(self, graph: CompiledGraph) -> None:
        plan = graph.plan
        self._plan = plan
        self._bounds = most_by_node(graph)
        maps = {key.removesuffix("[]"): each.body for key, each in plan.regions.items() if each.fans}
        # For each map the place of the node that finds its items, and those of nodes that may add others while they run.
        self._sources = {name: plan.number[f"{name}{_ITEMS}"] for name in maps}
        adders = [
            number
            for number in graph.rules.adders
            if (binding := graph.nodes[number].binding) is not None and binding.wants_context
        ]
        self._adders = {
            name: tuple(number for number in adders if plan.nodes[number] in body)
            for name, body in maps.items()
        }
        self.entries = frozenset(self._sources)
        # Nodes that nobody declared: they hand fields in and out, and take no time worth speaking of.
        self.instant = frozenset(ports_of(graph, parts_of(graph)))

    def remaining(
        self, alive: Iterable[str], known: Mapping[str, int], items: Mapping[str, int]
    ) -> Remaining:
        """What may still come.

        Args:
            alive: The nodes that have activations which are not over.
            known: How many activations are known of each node.
            items: For each map that was met how many items it had, at most.
        """
        live = self._finding(self._mask(alive))
        settled = self._settled(live, items)
        left: dict[str, int | None] = {}
        again = False
        for number, name in enumerate(self._plan.nodes):
            bound = self._bounds.get(name)
            if bound is None or not self._plan.ancestors[number] & live:
                continue
            most = None
            if not bound.endless and settled.keys() >= bound.items.keys():
                most = bound.given(settled)
            more = None if most is None else max(most - known.get(name, 0), 0)
            if more != 0:
                left[name] = more
                again = again or self._in_loop(number)
        return Remaining(left, again)

    def path(self, left: Mapping[str, float], nodes: Iterable[str], typical: Callable[[str], float]) -> float:
        """Seconds along the longest way to the end, if no loop goes round again.

        Args:
            left: For each node that is alive what its slowest activation still needs.
            nodes: The nodes that can still run.
            typical: How long a node takes.
        """
        plan, possible = self._plan, set(nodes)
        after = [0.0] * len(plan.nodes)  # from the end of each node on
        for number in range(len(plan.nodes) - 1, -1, -1):
            for edge in plan.outgoing[number]:
                planned = plan.edges[edge]
                target = plan.nodes[planned.target]
                if planned.level is None and target in possible:
                    after[number] = max(after[number], typical(target) + after[planned.target])
        numbers = plan.number  # a graph that has changed since may lack a node
        return max(
            (seconds + (after[numbers[name]] if name in numbers else 0.0) for name, seconds in left.items()),
            default=0.0,
        )

    def _finding(self, live: int) -> int:
        """With the nodes that find the items of maps, where something may still add items: as if they ran."""
        for name, adders in self._adders.items():
            if any(live & (1 << number | self._plan.ancestors[number]) for number in adders):
                live |= 1 << self._sources[name]
        return live

    def _settled(self, live: int, items: Mapping[str, int]) -> Mapping[str, int]:
        """The maps of which it is known how many items they have at most: nothing can find or add any more."""
        return {
            name: items.get(name, 0)
            for name, number in self._sources.items()
            if not live & (1 << number | self._plan.ancestors[number])
        }

    def _in_loop(self, number: int) -> bool:
        return any(name in self._plan.loops for name in self._plan.nests[number])

    def _mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            number = self._plan.number.get(name)  # as in `path`
            if number is not None:
                mask |= 1 << number
        return mask
