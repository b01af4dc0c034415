"""When a run will be over: from how long its nodes took before, and from what is left of it.

Along the longest way from what is alive each node counts with the median of its finished activations; what is ready and waits
for slots also has to go through as many places as are busy (the two lower bounds of list scheduling: Graham, "Bounds on
multiprocessing timing anomalies", 1969). Further rounds of loops are not foreseen: they are in `Eta.latest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from .horizon import Horizon, Remaining
from .progress import DeadlineStatus, Eta, Sure
from .story import NodeTale, State, Tale


@dataclass(frozen=True, slots=True)
class Timing:
    """How long nodes take.

    Attributes:
        measured: Seconds, by node: medians of what finished, and what was known before.
        fallback: For a node that was never timed: the middle of the others; None without any.
        instant: Nodes that take no time worth speaking of.
    """

    measured: Mapping[str, float]
    fallback: float | None
    instant: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        nodes: Mapping[str, NodeTale],
        typical: Mapping[str, float],
        instant: frozenset[str] = frozenset(),
    ) -> Timing:
        """From what was measured; `typical` counts for nodes of which nothing has finished."""
        found = {**typical}
        for name, node in nodes.items():
            middle = node.median
            if middle is not None and name not in instant:
                found[name] = middle
        return cls(found, median(found.values()) if found else None, instant)

    def __call__(self, node: str) -> float:
        """Seconds that the node takes, as far as one can tell."""
        return 0.0 if node in self.instant else self.measured.get(node, self.fallback or 0.0)


def hindrance(alive: Iterable[Tale], timing: Timing, horizon: Horizon | None) -> str:
    """Why nobody can know when the run will be over; empty where one can."""
    if horizon is None:
        return "without the graph nobody knows what is left: Tracker(flow)"
    for tale in alive:
        if tale.state is State.FAILED:
            return f"{tale.id} failed"
        endless = [question for question in tale.waits if question.due is None]
        if tale.state is State.WAITING and endless:
            return f"{tale.id} waits for {endless[0].text!r}"
    if timing.fallback is None:
        return "nothing has finished yet, so that nobody knows how long anything takes"
    return ""


def estimate(
    alive: Iterable[Tale],
    remaining: Remaining,
    timing: Timing,
    horizon: Horizon,
    *,
    ending: str | None,
    now: float,
) -> Eta:
    """When the run will be over. Asked only where there is no `hindrance`.

    `ending` is the node that ended last, as long as nobody knows what that made ready.
    """
    slowest: dict[str, float] = {}
    work, queue, waiting, places = 0.0, 0.0, False, 0
    for tale in alive:
        seconds, name = _left(tale, timing, now), tale.id.node
        slowest[name] = max(slowest.get(name, 0.0), seconds)
        work += seconds
        if tale.state is not State.WAITING:  # who waits holds no place
            queue += seconds
            waiting = waiting or tale.state is State.READY
            places += tale.state in (State.RUNNING, State.RETRYING)
    ways = slowest if ending is None else {ending: 0.0, **slowest}
    likely = horizon.path(ways, remaining.nodes, timing)
    if waiting:
        likely = max(likely, queue / max(places, 1))
    latest = None
    if remaining.most is not None:
        more = sum((count or 0) * timing(name) for name, count in remaining.nodes.items())
        latest = now + work + more
    return Eta(now + likely, latest, _sure(slowest.keys() | remaining.nodes.keys(), remaining, timing))


def _left(tale: Tale, timing: Timing, now: float) -> float:
    """Seconds that an activation still needs."""
    if tale.state is State.WAITING:
        return max([0.0, *((question.due or now) - now for question in tale.waits)])
    span = tale.running
    elapsed = 0.0 if span is None else now - span.began
    return max(timing(tale.id.node) - elapsed, 0.0)


def _sure(nodes: Iterable[str], remaining: Remaining, timing: Timing) -> Sure:
    if any(name not in timing.measured and name not in timing.instant for name in nodes):
        return "guess"
    return "rough" if remaining.again or remaining.most is None else "measured"


def stands(deadline: float, *, now: float, ended: float | None, eta: Eta | None) -> DeadlineStatus:
    """How a run stands to its deadline; `ended` is when it completed, None before."""
    if ended is not None:
        return DeadlineStatus.MET if ended <= deadline else DeadlineStatus.MISSED
    if now > deadline:
        return DeadlineStatus.MISSED
    if eta is None:
        return DeadlineStatus.UNKNOWN
    return DeadlineStatus.ON_TIME if eta.at <= deadline else DeadlineStatus.AT_RISK
