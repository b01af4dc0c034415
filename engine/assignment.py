"""Definite assignment: which fields a flow must be given, and which reads could find a field unset.

A field without default is unset until it is written. A compiler's definite assignment would intersect over a join's
incoming edges; here a join waits for all branches that are alive, so a field that one of them is bound to write is
set. The question asked for each read is therefore: is there a way from START to the reader along which nobody writes
the field, such that nothing that this way starts on the side is *bound* to write it and to reach the reader as well?

Bound to happen is what unconditional edges lead to, and what every edge of a node leads to that must take one of them.
Loops end, so feedback edges do not count there; a node with error edges may fail, so those count among its ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .plan import Plan


class Way(NamedTuple):
    """An edge as this analysis sees it."""

    target: int
    certain: bool  # taken whenever its source succeeds
    feedback: bool
    error: bool


class Read(NamedTuple):
    """Somebody reads a field.

    Attributes:
        node: The node that reads, or whose outgoing edge's condition does.
        after: Whether it is such a condition: then what the node writes is there.
        field: The field.
        what: Who reads, for messages.
    """

    node: int
    after: bool
    field: str
    what: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The graph as this analysis sees it. Node numbers are a topological order of the forward edges."""

    plan: Plan
    start: int
    ways: Sequence[Sequence[Way]]
    writes: Sequence[frozenset[str]]
    may_stop: Sequence[bool]


def inputs_of(flow: Flow, reads: Sequence[Read], without_default: Sequence[str]) -> tuple[str, ...]:
    """The fields a run must be given: those nobody writes, and those read before anybody can have written them."""
    before = _forward_ancestors(flow)
    inputs = []
    for field in without_default:
        writers = sum(1 << node for node, written in enumerate(flow.writes) if field in written)
        early = any(
            not (before[read.node] | (1 << read.node if read.after else 0)) & writers
            for read in reads
            if read.field == field
        )
        if not writers or early:
            inputs.append(field)
    return tuple(inputs)


def unset_reads(
    flow: Flow, reads: Sequence[Read], fields: frozenset[str]
) -> Iterator[tuple[Read, tuple[int, ...]]]:
    """Reads of `fields` that some way reaches unset, each with such a way: the nodes from START to the reader."""
    always = _always_set(flow, fields)
    for read in reads:
        if read.field not in fields or read.field in always[read.node]:
            continue
        if read.after and read.field in flow.writes[read.node]:
            continue
        way = _unset_way(flow, read.node, read.field)
        if way is not None:
            yield read, way


def concurrent_writes(flow: Flow, plain: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Plain fields that two branches are bound to write concurrently before they meet: field and both nodes."""
    before = _forward_ancestors(flow)
    for field in sorted(plain):
        writers = [node for node, written in enumerate(flow.writes) if field in written]
        for place, one in enumerate(writers):
            for other in writers[place + 1 :]:
                if (
                    not before[other] >> one & 1
                    and _both_bound(flow, one, other)
                    and _meet(flow, before, one, other)
                ):
                    yield field, one, other


def _forward_ancestors(flow: Flow) -> list[int]:
    masks = [0] * len(flow.ways)
    for node, ways in enumerate(flow.ways):
        for way in ways:
            if not way.feedback:
                masks[way.target] |= masks[node] | 1 << node
    return masks


def _always_set(flow: Flow, fields: frozenset[str]) -> list[frozenset[str]]:
    """For each node the fields that every way to it sets: quick, and enough for most reads."""
    known: list[frozenset[str] | None] = [None] * len(flow.ways)
    known[flow.start] = frozenset()
    changed = True
    while changed:
        changed = False
        for node, ways in enumerate(flow.ways):
            here = known[node]
            if here is None:
                continue
            for way in ways:
                carried = here if way.error else here | (flow.writes[node] & fields)
                old = known[way.target]
                new = carried if old is None else old & carried
                if new != old:
                    known[way.target] = new
                    changed = True
    return [here or frozenset() for here in known]


def _bound(flow: Flow, goal: int, field: str | None) -> list[bool]:
    """For each node whether, once it runs, the goal is bound to be reached, along a writer of `field` unless None."""
    reach = [False] * len(flow.ways)
    write = [False] * len(flow.ways)
    reach[goal] = True
    for node in reversed(range(len(flow.ways))):
        if node == goal:
            continue
        reach[node] = _inevitable(flow, node, reach, reach)
        if field is not None:
            on_success = reach if field in flow.writes[node] else write
            write[node] = _inevitable(flow, node, on_success, write)
    return reach if field is None else write


def _inevitable(flow: Flow, node: int, on_success: Sequence[bool], on_error: Sequence[bool]) -> bool:
    ahead = [way for way in flow.ways[node] if not way.feedback]
    if not all(on_error[way.target] for way in ahead if way.error):
        return False
    regular = [way for way in ahead if not way.error]
    if any(way.certain and on_success[way.target] for way in regular):
        return True
    return bool(regular) and not flow.may_stop[node] and all(on_success[way.target] for way in regular)


def _unset_way(flow: Flow, reader: int, field: str) -> tuple[int, ...] | None:
    bound = _bound(flow, reader, field)
    came_from: dict[int, int | None] = {flow.start: None}
    queue = [flow.start]
    for node in queue:
        if node == reader:
            return tuple(reversed(list(_back(came_from, node))))
        for way in flow.ways[node]:
            if way.target in came_from:
                continue
            if not way.error:
                sides = (
                    other
                    for other in flow.ways[node]
                    if other is not way and other.certain and not other.feedback
                )
                if field in flow.writes[node] or any(bound[side.target] for side in sides):
                    continue
            came_from[way.target] = node
            queue.append(way.target)
    return None


def _back(came_from: Mapping[int, int | None], node: int | None) -> Iterator[int]:
    while node is not None:
        yield node
        node = came_from[node]


def _both_bound(flow: Flow, one: int, other: int) -> bool:
    """Whether some node leads to both along two different edges that are both certain to be taken."""
    to_one, to_other = _bound(flow, one, None), _bound(flow, other, None)
    for ways in flow.ways:
        certain = [way for way in ways if way.certain and not way.feedback]
        first = {way.target for way in certain if to_one[way.target]}
        second = {way.target for way in certain if to_other[way.target]}
        if any(a != b for a in first for b in second):
            return True
    return False


def _meet(flow: Flow, before: Sequence[int], one: int, other: int) -> bool:
    both = 1 << one | 1 << other
    return any(mask & both == both for mask in before)
