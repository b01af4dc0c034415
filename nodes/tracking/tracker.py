"""The tracker: fold a run's events, and see at any moment how far it is, who runs and waits, and when it will be done.

A tracker is told events and asks nobody: not the run, not the journal, not the clock. So it serves a live run, one that is
over, and one of another process alike, and what it says of a moment is the same whenever it is asked.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from backedge.engine.compiler.compile import CompiledGraph
from backedge.engine.definition import END, START
from backedge.engine.errors import InputError
from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationsReady,
    ActivationStarted,
    ActivationSuspended,
    CustomEvent,
    Event,
    EventsDropped,
    RunFinished,
)
from backedge.engine.records import ActivationId, RunStatus

from .bottlenecks import Bottlenecks, bottlenecks_of
from .estimate import Timing, estimate, hindrance, stands
from .horizon import Horizon
from .progress import NodeProgress, Progress, Waiting
from .story import NodeTale, State, Tale
from .timeline import Timeline, timeline_of

if TYPE_CHECKING:
    from backedge.engine.flow import Flow

KEPT: Final = 100_000
"""How many activations that are over are remembered one by one when nobody says otherwise."""

_MARKERS: Final = (START.name, END.name)


class Tracker:
    """Follows one run.

    Example::

        tracker = Tracker(flow)
        async with flow.start(inputs, journal="runs.db") as run:
            async for event in run.events():
                tracker.feed(event)
                print(tracker.progress())
        print(tracker.timeline().bars())
    """

    def __init__(
        self,
        flow: Flow[Any] | None = None,
        *,
        deadline: datetime | float | None = None,
        typical: Mapping[str, float] | None = None,
        keep: int = KEPT,
    ) -> None:
        """Begin to follow a run.

        Args:
            flow: The run's flow. Without it nobody knows what is still to come: `Progress.most` and `Progress.eta` are None.
            deadline: When the run has to be done: a time with its zone, or seconds since the epoch.
            typical: Seconds that nodes take, for those of which nothing has finished yet; `typical` of an earlier tracker.
            keep: How many activations that are over are remembered one by one, for the timeline and the critical path.
                Counts and medians are of all.

        Raises:
            InputError: One of them cannot be.
        """
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise InputError(f"keep= is how many activations to remember, from 1, not {keep!r}")
        for name, seconds in (typical or {}).items():
            if not _is_time(seconds) or seconds < 0:
                raise InputError(f"typical= is seconds from 0 by node, not {seconds!r} for {name!r}")
        graph = getattr(flow, "graph", None)
        if flow is not None and not isinstance(graph, CompiledGraph):
            raise InputError(
                f"a tracker follows runs of a Flow, not of a {type(flow).__name__}: compile() it"
            )
        self._horizon = None if graph is None else Horizon(graph)
        self._deadline = _moment_of(deadline)
        self._typical = dict(typical or {})
        self._keep = keep
        self._tales: dict[ActivationId, Tale] = {}
        # Those that are over, oldest first; not more than `keep`.
        self._over: deque[ActivationId] = deque()
        # How many were forgotten.
        self._older = 0
        self._nodes: dict[str, NodeTale] = {}
        # Those that are not over.
        self._alive: dict[ActivationId, Tale] = {}
        # How many instances a map had each time: map, then where that was.
        self._items: dict[str, Counter[tuple[object, ...]]] = {}
        # The node that ended last: until the next event nobody knows what that made ready.
        self._ending: str | None = START.name
        self._status = RunStatus.RUNNING
        self._began: float | None = None
        self._ended: float | None = None
        self._now = 0.0
        self._missing = 0

    # ------------------------------------------------------------------ in

    def feed(self, event: Event) -> None:
        """Take one event in, in the order in which they were told."""
        if isinstance(event, EventsDropped):
            self._missing += event.count
            return
        if isinstance(event, CustomEvent):
            return
        self._now = max(self._now, event.at)
        self._began = event.at if self._began is None else min(self._began, event.at)
        self._ending = None
        if isinstance(event, RunFinished):
            self._rest(event)
            return
        self._status = RunStatus.RUNNING
        if isinstance(event, ActivationsReady):
            self._ready(event)
        elif event.activation.node not in _MARKERS:
            self._one(event, self._tale(event.activation))

    def feed_all(self, events: Iterable[Event]) -> Tracker:
        """Take many events in; returns the tracker itself."""
        for event in events:
            self.feed(event)
        return self

    def _one(
        self,
        event: ActivationStarted
        | ActivationFinished
        | ActivationFailed
        | ActivationSuspended
        | ActivationCancelled,
        tale: Tale,
    ) -> None:
        """Something happened to one activation."""
        if tale.state.over:
            return  # its end was the last of it
        match event:
            case ActivationStarted(_, attempt, at):
                tale.begin(attempt, at)
                self._move(tale, State.RUNNING)
            case ActivationFinished(_, 0):
                self._close(tale, State.FINISHED)  # its routing was made up for
            case ActivationFinished(_, attempt, at, seconds):
                tale.end(attempt, at, seconds, State.FINISHED)
                self._nodes[tale.id.node].sample(seconds)
                self._close(tale, State.FINISHED)
            case ActivationFailed():
                self._failed(event, tale)
            case ActivationSuspended(_, _, at, waits):
                tale.stop(at, State.WAITING)
                tale.waits = waits
                self._move(tale, State.WAITING)
            case ActivationCancelled(_, at):
                tale.stop(at, State.CANCELLED)
                self._close(tale, State.CANCELLED)

    def _ready(self, event: ActivationsReady) -> None:
        for activation in event.activations:
            if activation.node in _MARKERS:
                continue
            tale = self._tale(activation)
            if tale.state.over:
                continue
            tale.stop(self._now, State.STOPPED)
            tale.ready = event.at
            tale.after = event.after or tale.after
            self._move(tale, State.READY)

    def _failed(self, event: ActivationFailed, tale: Tale) -> None:
        tale.error = f"{event.error.type_name}: {event.error.message}"
        outcome = State.HANDLED if event.taken else State.FAILED if event.final else State.RETRYING
        tale.end(event.attempt, event.at, event.seconds, outcome)
        self._nodes[tale.id.node].failures += 1
        if outcome.over:
            self._close(tale, outcome)
        else:
            self._move(tale, outcome)

    def _rest(self, event: RunFinished) -> None:
        """The run came to rest: what was running does no more."""
        self._status = event.status
        if event.status is RunStatus.COMPLETED:
            self._ended = event.at
        for tale in list(self._alive.values()):
            tale.stop(event.at, State.STOPPED)
            if event.status is RunStatus.COMPLETED:
                self._close(tale, State.FINISHED)  # its end was dropped
            elif tale.state is State.RUNNING:
                self._move(tale, State.STOPPED)

    # ------------------------------------------------------------------ small steps

    def _tale(self, activation: ActivationId) -> Tale:
        """The activation's tale, begun if nothing was heard of it."""
        tale = self._tales.get(activation)
        if tale is None:
            tale = self._tales[activation] = self._alive[activation] = Tale(activation)
            node = self._nodes.get(activation.node)
            if node is None:
                node = self._nodes[activation.node] = NodeTale()
            node.known += 1
            node.states[tale.state] += 1
            if self._horizon is not None and activation.node in self._horizon.entries:
                where = (activation.rounds, activation.instance[:-1])
                self._items.setdefault(activation.node, Counter())[where] += 1
        return tale

    def _move(self, tale: Tale, state: State) -> None:
        states = self._nodes[tale.id.node].states
        states[tale.state] -= 1
        states[state] += 1
        tale.state = state

    def _close(self, tale: Tale, state: State) -> None:
        """It is over."""
        del self._alive[tale.id]
        self._ending = tale.id.node
        self._move(tale, state)
        node = self._nodes[tale.id.node]
        node.seconds += tale.took
        self._over.append(tale.id)
        if len(self._over) > self._keep:
            self._tales.pop(self._over.popleft(), None)
            self._older += 1

    # ------------------------------------------------------------------ out

    @property
    def typical(self) -> Mapping[str, float]:
        """Seconds that each node takes, as far as this is known: to begin another tracker with."""
        return self._timing().measured

    def progress(self, now: float | None = None) -> Progress:
        """The run as it stands.

        Args:
            now: The moment, in seconds since the epoch; by default that of the last event. An earlier one counts as that.
        """
        now = self._moment(now)
        alive, timing = list(self._alive.values()), self._timing()
        known = sum(node.known for node in self._nodes.values())
        most, eta, why = None, None, "the run is not under way"
        if self._horizon is not None:
            remaining = self._horizon.remaining(self._possible(), self._counts(), self._most_items())
            most = None if remaining.most is None else known + remaining.most
        if self._began is None:
            why = "nothing was heard of the run yet"
        elif self._status is RunStatus.RUNNING:
            why = hindrance(alive, timing, self._horizon)
            if not why and self._horizon is not None:
                eta = estimate(alive, remaining, timing, self._horizon, ending=self._ending, now=now)
        deadline = None
        if self._deadline is not None:
            deadline = stands(self._deadline, now=now, ended=self._ended, eta=eta)
        return Progress(
            status=self._status,
            now=now,
            began=self._began,
            done=known - len(alive),
            known=known,
            most=most,
            running=_named(alive, State.RUNNING),
            ready=_named(alive, State.READY),
            retrying=_named(alive, State.RETRYING),
            waiting=tuple(_waiting(tale) for tale in alive if tale.state is State.WAITING),
            failed={str(tale.id): tale.error for tale in alive if tale.state is State.FAILED},
            nodes={name: _told(node) for name, node in self._nodes.items()},
            eta=eta,
            why_no_eta="" if eta is not None else why,
            deadline=deadline,
            missing=self._missing,
        )

    def timeline(self, now: float | None = None) -> Timeline:
        """Who ran when, and on which lane."""
        return timeline_of(self._tales.values(), self._moment(now), older=self._older)

    def bottlenecks(self, top: int = 5, now: float | None = None) -> Bottlenecks:
        """What decides how long the run takes; `top` of each kind."""
        return bottlenecks_of(self._tales, self._nodes, self._moment(now), top)

    def _timing(self) -> Timing:
        instant = frozenset() if self._horizon is None else self._horizon.instant
        return Timing.of(self._nodes, self._typical, instant)

    def _moment(self, now: float | None) -> float:
        return self._now if now is None else max(self._now, now)

    def _possible(self) -> Iterator[str]:
        """The nodes from which something may still come."""
        yield from {activation.node for activation in self._alive}
        if self._ending is not None and self._status is RunStatus.RUNNING:
            yield self._ending

    def _counts(self) -> Mapping[str, int]:
        return {name: node.known for name, node in self._nodes.items()}

    def _most_items(self) -> Mapping[str, int]:
        return {name: max(counts.values()) for name, counts in self._items.items()}


def _is_time(seconds: object) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds)


def _moment_of(deadline: datetime | float | None) -> float | None:
    """A deadline in seconds since the epoch. Raises InputError."""
    if isinstance(deadline, datetime):
        if deadline.tzinfo is None:
            raise InputError(f"deadline= needs a time zone, as in datetime.now(UTC): {deadline}")
        return deadline.timestamp()
    if deadline is not None and not _is_time(deadline):
        raise InputError(f"deadline= is a time with its zone, or seconds since the epoch, not {deadline!r}")
    return deadline


def _named(alive: Iterable[Tale], state: State) -> tuple[str, ...]:
    return tuple(str(tale.id) for tale in alive if tale.state is state)


def _waiting(tale: Tale) -> Waiting:
    since = min((question.since for question in tale.waits), default=tale.ended or 0.0)
    return Waiting(str(tale.id), tale.waits, since)


def _told(node: NodeTale) -> NodeProgress:
    states = {state: count for state, count in node.states.items() if count}
    return NodeProgress(node.known, states, node.median, node.seconds, node.failures)
