"""A run's events, made again from its records: for a run that is over, that crashed, or that another process works on.

A journal tells when what ended had begun, and nothing of what is under way; so what is in flight counts as ready, and as
running only from its first recorded effect on. Everything else is as it was told live, but for `CustomEvent`, which has no
record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from backedge.engine.compiler.compile import CompiledGraph
from backedge.engine.definition import START
from backedge.engine.execution import outcome
from backedge.engine.execution.desk import question_of, still_open
from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationsReady,
    ActivationStarted,
    ActivationSuspended,
    Event,
    RunFinished,
)
from backedge.engine.execution.preparing import unfit
from backedge.engine.facts import Order, StartNode
from backedge.engine.plan import Key
from backedge.engine.ports import opened
from backedge.engine.records import ActivationCancelled as CancelledRecord
from backedge.engine.records import (
    ActivationId,
    AttemptFailed,
    EffectOpened,
    EffectRecorded,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunForked,
    RunResumed,
    RunStarted,
    RunStatus,
)
from backedge.engine.recovery import UNFIT, Recovered, advance, key_of, new_schedule

from .tracker import Tracker

if TYPE_CHECKING:
    from backedge.engine.flow import Flow, Where


async def tracked(flow: Flow[Any], run_id: str, *, journal: Where, **options: Any) -> Tracker:
    """A tracker that was told all that a journal knows of a run; it may be fed on with the events of its resumption.

    Args:
        flow: The run's flow.
        run_id: The run. It may be under way, in any process.
        journal: Where it is kept.
        **options: As for `Tracker`.

    Raises:
        RunNotFoundError: There is no such run.
        GraphChangedError: Its records are not those of a run of this flow.

    Example: ``print((await tracked(flow, "demo", journal="runs.db")).progress())``
    """
    tracker = Tracker(flow, **options)
    async with opened(journal, create=False) as given:
        store = flow.seen(given)
        records = await store.read(run_id)
        try:
            return tracker.feed_all(events_of(flow.graph, run_id, records))
        except UNFIT as error:
            raise unfit(flow.graph, store, await store.header(run_id), error) from error


def events_of(graph: CompiledGraph, run_id: str, records: Sequence[Record]) -> Iterator[Event]:
    """The events of a run, in the order of its records.

    Raises one of `engine.recovery.UNFIT` when they are not those of a run of this graph.

    Example: ``list(events_of(flow.graph, "demo", await journal.read("demo")))``
    """
    orders = _Orders()
    past = _Past(graph, run_id, Recovered(new_schedule(graph), orders=orders), orders)
    for place, record in enumerate(records):
        following = records[place + 1] if place + 1 < len(records) else None
        yield from past.step(record, following)


class _Orders(dict[Key, Order]):
    """Orders to be carried out, and those among them that were given last."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: dict[Key, Order] = {}

    def __setitem__(self, key: Key, order: Order) -> None:
        super().__setitem__(key, order)
        self.fresh[key] = order


class _Past:
    """Goes along records, and tells."""

    def __init__(self, graph: CompiledGraph, run_id: str, run: Recovered, orders: _Orders) -> None:
        self._graph = graph
        self._run_id = run_id
        self._run = run
        self._orders = orders
        # The activations in flight whose attempt was told to have begun.
        self._begun: set[ActivationId] = set()
        # What waits for something since the run came to rest.
        self._waiting: set[Key] = set()
        # A result whose routing failed: told with that failure.
        self._unrouted: NodeFinished | None = None

    def step(self, record: Record, following: Record | None) -> Iterator[Event]:
        """The events of one record."""
        yield from self._own(record)
        self._orders.fresh.clear()
        if isinstance(record, RunResumed | RunForked):
            self._begun.clear()
        advance(self._graph, self._run, record, following)
        at, after = _moment(record), _cause(record)
        fresh = self._orders.fresh
        if isinstance(record, RunResumed | RunForked):
            waiting, self._waiting = self._waiting, set()
            if isinstance(record, RunForked):
                waiting = set()  # what was in flight begins anew
            yield from self._suspended(waiting, at)
            fresh = {key: order for key, order in self._orders.items() if key not in waiting}
        named = [self._id(*key) for key, order in fresh.items() if isinstance(order, StartNode)]
        if named:
            yield ActivationsReady(tuple(named), at, after)

    def _own(self, record: Record) -> Iterator[Event]:
        """What the record itself tells."""
        match record:
            case NodeFinished():
                yield from self._finished(record)
            case AttemptFailed(_, activation, attempt, started, ended, error, final):
                if (
                    key_of(self._graph, activation) in self._orders
                ):  # else it never ran: its tokens did not merge
                    yield from self._begin(activation, attempt, started)
                self._begun.discard(activation)
                yield ActivationFailed(activation, attempt, ended, ended - started, error, final)
            case RoutingFailed(_, activation, at, error):
                result, self._unrouted = self._unrouted, None
                if result is None:
                    yield ActivationFailed(activation, 1, at, 0.0, error, True)
                else:
                    seconds = result.ended - result.started
                    yield ActivationFailed(activation, result.attempt, result.ended, seconds, error, True)
            case Routed(_, activation, at, taken) if activation.node != START.name:
                yield ActivationFinished(activation, 0, at, 0.0, {}, taken)
            case CancelledRecord(_, activation, at):
                self._begun.discard(activation)
                yield ActivationCancelled(activation, at)
            case EffectOpened(_, activation, attempt, at=at):
                yield from self._begin(activation, attempt, at)
            case EffectRecorded(_, activation, attempt, at=at, seconds=seconds):
                yield from self._begin(activation, attempt, at - seconds)
            case RunEnded(_, at, status):
                yield from self._ended(at, status)
            case _:
                pass

    def _finished(self, record: NodeFinished) -> Iterator[Event]:
        yield from self._begin(record.activation, record.attempt, record.started)
        self._begun.discard(record.activation)
        who, attempt, at = record.activation, record.attempt, record.ended
        seconds = at - record.started
        if record.error is not None:
            yield ActivationFailed(who, attempt, at, seconds, record.error, False, record.taken or ())
        elif record.taken is None:
            self._unrouted = record
        else:
            updates = outcome.decode(self._graph, record.writes)
            yield ActivationFinished(who, attempt, at, seconds, updates, record.taken)

    def _begin(self, activation: ActivationId, attempt: int, at: float) -> Iterator[Event]:
        """The attempt began at `at`, unless its beginning was told."""
        if activation not in self._begun:
            self._begun.add(activation)
            yield ActivationStarted(activation, attempt, at)

    def _ended(self, at: float, status: RunStatus) -> Iterator[Event]:
        """The run came to rest."""
        if status in (RunStatus.SUSPENDED, RunStatus.IN_DOUBT):
            self._waiting = {key for key in self._orders if still_open(self._run.effects.get(key, ()))}
            yield from self._suspended(self._waiting, at)
        yield RunFinished(self._run_id, status, at)

    def _suspended(self, keys: Collection[Key], at: float) -> Iterator[Event]:
        """These wait for something."""
        for key in [key for key in self._orders if key in keys]:
            waits = still_open(self._run.effects.get(key, ()))
            questions = tuple(map(question_of, waits))
            yield ActivationSuspended(self._id(*key), waits[0].attempt, at, questions)

    def _id(self, node: int, rounds: Any) -> ActivationId:
        return self._run.schedule.activation_id(node, rounds)


def _cause(record: Record) -> ActivationId | None:
    """The activation by whose end others became ready."""
    match record:
        case RunStarted():
            return ActivationId(START.name)
        case NodeFinished() | CancelledRecord() | Routed():
            return record.activation
        case _:
            return None


def _moment(record: Record) -> float:
    """When it was written."""
    if isinstance(record, NodeFinished | AttemptFailed):
        return record.ended
    return record.at
