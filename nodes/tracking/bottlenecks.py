"""What decides how long a run takes: the critical path so far, the longest waits for slots, the slowest nodes.

The critical path goes back from the activation that ended last, or runs longest, to the one whose end made it ready, and so
on: to be sooner, one on that path has to be (the last-arrival path of Yang and Miller, "Critical path analysis for the
execution of parallel and distributed programs", 1988).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from backedge.engine.records import ActivationId

from .story import NodeTale, Tale


@dataclass(frozen=True, slots=True)
class Leg:
    """One activation on the critical path, or one that waited long.

    Attributes:
        activation: Which.
        waited: Seconds between being ready and beginning.
        took: Seconds that it ran, all attempts together.
    """

    activation: str
    waited: float
    took: float


@dataclass(frozen=True, slots=True)
class SlowNode:
    """A node that took long.

    Attributes:
        node: Its name.
        seconds: What its activations took, together.
        median: What one takes, in the middle; None if none has finished.
        count: How many there were.
    """

    node: str
    seconds: float
    median: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Bottlenecks:
    """What decides how long a run takes.

    Attributes:
        path: The critical path so far, first one first.
        waits: The activations that waited longest for slots, longest first.
        by_total: The nodes that took longest in all.
        by_median: The nodes of which one activation takes longest.
    """

    path: tuple[Leg, ...]
    waits: tuple[Leg, ...]
    by_total: tuple[SlowNode, ...]
    by_median: tuple[SlowNode, ...]

    def __str__(self) -> str:
        path = " -> ".join(f"{leg.activation} {leg.took:.2f} s" for leg in self.path)
        slow = ", ".join(f"{one.node} {one.seconds:.2f} s" for one in self.by_total)
        waits = ", ".join(f"{leg.activation} {leg.waited:.2f} s" for leg in self.waits)
        told = [f"critical path: {path or 'nothing ran'}", f"slowest nodes: {slow or 'none'}"]
        return "\n".join([*told, f"longest waits for slots: {waits}"] if waits else told)


def bottlenecks_of(
    tales: Mapping[ActivationId, Tale], nodes: Mapping[str, NodeTale], now: float, top: int
) -> Bottlenecks:
    """What decides how long it takes, up to `now`; `top` of each kind."""
    waited = [tale for tale in tales.values() if (_waited(tale, now)) > 0]
    longest = heapq.nlargest(top, waited, key=lambda tale: _waited(tale, now))
    running: dict[str, float] = {}
    for tale in tales.values():
        if not tale.state.over:
            running[tale.id.node] = running.get(tale.id.node, 0.0) + _took(tale, now)
    slow = [
        SlowNode(name, node.seconds + running.get(name, 0.0), node.median, node.known)
        for name, node in nodes.items()
    ]
    timed = [one for one in slow if one.median is not None]
    return Bottlenecks(
        _path(tales, now),
        tuple(_leg(tale, now) for tale in longest),
        tuple(heapq.nlargest(top, (one for one in slow if one.seconds > 0), key=lambda one: one.seconds)),
        tuple(heapq.nlargest(top, timed, key=lambda one: one.median or 0.0)),
    )


def _path(tales: Mapping[ActivationId, Tale], now: float) -> tuple[Leg, ...]:
    ran = [tale for tale in tales.values() if tale.spans]
    if not ran:
        return ()
    tale: Tale | None = max(ran, key=lambda each: (_until(each, now), -each.spans[0].began))
    legs: list[Leg] = []
    seen: set[ActivationId] = set()
    while tale is not None and tale.id not in seen:
        seen.add(tale.id)
        legs.append(_leg(tale, now))
        tale = None if tale.after is None else tales.get(tale.after)
    return tuple(reversed(legs))


def _leg(tale: Tale, now: float) -> Leg:
    return Leg(str(tale.id), _waited(tale, now), _took(tale, now))


def _until(tale: Tale, now: float) -> float:
    return now if tale.ended is None else tale.ended


def _took(tale: Tale, now: float) -> float:
    span = tale.running
    return tale.took + (0.0 if span is None else max(now - span.began, 0.0))


def _waited(tale: Tale, now: float) -> float:
    if tale.waited is not None:
        return tale.waited
    return max(now - tale.ready, 0.0) if not tale.spans and tale.ready is not None else 0.0
