"""Reads of unset fields in a graph that has other problems: which of them will be there when those are mended.

A graph is mended as its problems say, but some leave open how: to a node that cannot be reached an edge may lead from
anywhere, and from one where a run gets stuck an edge may lead to anywhere. A field that such an edge would bring is
not unset because nobody writes it, but because of that problem, which is told already. So a read is told only if it
may find its field unset even though the missing edges lead where they help it most: to each entry from every node, and
from each exit to the reader, all of them sure to be taken, none of them closing a cycle. (That an edge on from an exit
makes a node run that writes the field, and that is reached without it too, is not thought of: nothing hints at it.)

What a node that cannot be reached would read is not told at all: that depends on where the edge to it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..plan import Plan
from .assignment import Outcome, Read, Traffic, Way, inputs_of
from .structure import LooseEnds


@dataclass(frozen=True)
class Mending:
    """Where edges may have to be added to a graph.

    Attributes:
        plan: The order of the graph.
        ends: Where edges are missing.
    """

    plan: Plan
    ends: LooseEnds

    def inputs(
        self, traffic: Traffic, reads: Sequence[Read], without_default: Sequence[str]
    ) -> tuple[str, ...]:
        """The fields a run must be given, and those it may have to be given if nodes that are lost are reached."""
        if not self._lost:
            return inputs_of(traffic, reads, without_default)
        written = enumerate(traffic.may_write)
        reached = replace(
            traffic, may_write=[frozenset() if node in self._lost else fields for node, fields in written]
        )
        given = inputs_of(reached, self.reached(reads), without_default)
        lost = [read for read in reads if read.node in self._lost]
        return (*given, *set(inputs_of(traffic, lost, without_default)).difference(given))

    def reached(self, reads: Sequence[Read]) -> list[Read]:
        """The reads that a way from START leads to."""
        return [read for read in reads if read.node not in self._lost]

    def __call__(self, traffic: Traffic, read: Read) -> Traffic:
        """The graph with the missing edges where they help a read most; itself where they cannot help."""
        nodes = frozenset(range(len(traffic.outcomes)))
        before = nodes - self._behind(read.node)
        writers = frozenset(node for node in nodes if read.field in traffic.may_write[node])
        exits = [
            node
            for group in self._exits
            if group <= before and self._led_to(group, writers)
            for node in group
        ]
        entries = [
            node for group in self._entries if self._led_to([read.node, *exits], group) for node in group
        ]
        sources = before.difference(self._lost, *map(self._behind, entries))
        added = {node: list(entries) for node in sources if entries}
        for node in exits:
            added.setdefault(node, []).append(read.node)
        if not added:
            return traffic
        outcomes = [
            [_with(outcome, added.get(node, ())) for outcome in outcomes]
            for node, outcomes in enumerate(traffic.outcomes)
        ]
        return replace(traffic, outcomes=outcomes)

    def _led_to(self, nodes: Iterable[int], sources: frozenset[int]) -> bool:
        """Whether a way leads from one of `sources` to one of `nodes`, or is none."""
        mask = sum(1 << source for source in sources)
        return any(node in sources or self.plan.ancestors[node] & mask for node in nodes)

    @cached_property
    def _lost(self) -> frozenset[int]:
        return self._numbers(self.ends.lost)

    @cached_property
    def _entries(self) -> list[frozenset[int]]:
        return [self._numbers(group) for group in self.ends.entries]

    @cached_property
    def _exits(self) -> list[frozenset[int]]:
        return [self._numbers(group) for group in self.ends.exits]

    def _numbers(self, names: frozenset[str]) -> frozenset[int]:
        return frozenset(self.plan.number[name] for name in names)

    def _behind(self, node: int) -> frozenset[int]:
        """The node and those that forward edges lead to from it."""
        return frozenset(
            [node, *(other for other in range(len(self._ahead)) if self._ahead[node] >> other & 1)]
        )

    @cached_property
    def _ahead(self) -> list[int]:
        """For each node those that forward edges lead to from it, a bit mask."""
        masks = [0] * len(self.plan.nodes)
        for node in reversed(range(len(masks))):  # numbers are a topological order of forward edges
            for number in self.plan.outgoing[node]:
                edge = self.plan.edges[number]
                if edge.level is None and edge.id not in self.ends.back:
                    masks[node] |= masks[edge.target] | 1 << edge.target
        return masks


def _with(outcome: Outcome, targets: Sequence[int]) -> Outcome:
    """The outcome with further edges that are sure to be taken."""
    first = len(outcome.ways)
    return Outcome(
        (*outcome.ways, *(Way(target, 0) for target in targets)),
        (*outcome.choices, *((first + place,) for place in range(len(targets)))),
        outcome.success,
    )
