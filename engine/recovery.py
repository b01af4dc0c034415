"""From records back to a running machine: what resume, history and `state_at` share.

The schedule is driven from the records exactly as it was when they were committed; no node, no condition runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .activation import Phase
from .compiler.compile import CompiledGraph
from .effects.recall import Known
from .errors import ScheduleError
from .execution import outcome
from .execution.settings import Tries
from .facts import (
    Fact,
    FrontierEdited,
    NodeCancelled,
    NodeEdited,
    NodeErrored,
    NodeFailed,
    NodeRetried,
    NodeReturned,
    NodeRouted,
    NodeSucceeded,
    Order,
)
from .plan import Key
from .records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    EffectOpened,
    EffectRecorded,
    InputEdited,
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
from .schedule import Schedule
from .state.fields import FoldError


class Recovered:
    """A run as its records leave it.

    Attributes:
        schedule: Its state machine.
        orders: What was in flight: to be carried out again.
        tries: What activations in flight have behind them.
        seq: Number of the next record.
        status: How the run ended last, or RUNNING.
        effects: What is recorded of the effects of activations in flight, in order.
    """

    __slots__ = ("effects", "orders", "schedule", "seq", "status", "tries")

    def __init__(self, schedule: Schedule, orders: dict[Key, Order] | None = None) -> None:
        """Begin with what a machine at its beginning says, or with what is in flight."""
        self.schedule = schedule
        self.orders: dict[Key, Order] = {} if orders is None else orders
        self.tries: dict[Key, Tries] = {}
        self.seq = 0
        self.status = RunStatus.RUNNING
        self.effects: dict[Key, list[Known]] = {}

    def in_phase(self, phase: Phase) -> list[Key]:
        """The live activations in this phase, in order of position."""
        return [(node, rounds) for node, rounds, its in self.schedule.live() if its is phase]


class UnknownActivationError(Exception):
    """A record names a node or edge that the graph does not have."""


UNFIT = (UnknownActivationError, ScheduleError, FoldError, ValueError, KeyError)
"""What comes of records that are not those of a run of this graph."""


def new_schedule(graph: CompiledGraph, limits: Mapping[int, int | None] | None = None) -> Schedule:
    """A schedule at its beginning: START running on the state's defaults."""
    return Schedule(
        graph.plan,
        graph.schema.initial(),
        start=graph.start,
        end=graph.end,
        limits={**graph.limits, **(limits or {})} if limits else graph.limits,
        otherwise=graph.otherwise,
        rules=graph.rules,
    )


def recover(graph: CompiledGraph, records: Iterable[Record], run: Recovered | None = None) -> Recovered:
    """Apply records to a fresh schedule, or to one that stands just before them.

    Raises one of `UNFIT` when they are not those of a run of this graph.
    """
    run = run or Recovered(new_schedule(graph))
    held: Record | None = None
    for record in records:
        if held is not None:
            advance(graph, run, held, record)
        held = record
    if held is not None:
        advance(graph, run, held, None)
    return run


def advance(graph: CompiledGraph, run: Recovered, record: Record, following: Record | None) -> None:
    """Apply one more record. `following` is the one after it, if there is one.

    Where a fork begins, the edges of the record before are not yet taken: they are looked at again, on what was
    edited, and a `Routed` of the fork's own says what came of that. Unless one activation's input alone was edited.
    """
    run.seq = record.seq + 1
    open_again = isinstance(following, RunForked) and following.before is None
    match record:
        case RunStarted():
            _started(graph, run, record, owes=open_again)
        case NodeFinished():
            _finished(graph, run, record, owes=open_again)
        case AttemptFailed():
            _failed(graph, run, record)
        case ActivationCancelled():
            _apply(run, NodeCancelled(*key_of(graph, record.activation)))
        case Routed():
            if not open_again:
                _apply(
                    run,
                    NodeRouted(*key_of(graph, record.activation), numbers_of(graph, record.taken)),
                )
        case RunForked() | RunResumed() | RunEnded():
            _of_the_run(graph, run, record)
        case InputEdited():
            node, rounds = key_of(graph, record.activation)
            _edit(run, NodeEdited(node, rounds, graph.schema.decode_values(record.edits)))
            _forget(graph, run, record.edits, (node, rounds))
        case EffectOpened() | EffectRecorded():
            run.effects.setdefault(key_of(graph, record.activation), []).append(record)
        case RoutingFailed():
            pass  # the activation owes its routing still
        case _:
            raise UnknownActivationError(f"a record of kind {type(record).__name__}")


def _of_the_run(graph: CompiledGraph, run: Recovered, record: RunForked | RunResumed | RunEnded) -> None:
    if isinstance(record, RunForked):
        _forked(graph, run, record)
    elif isinstance(record, RunResumed):
        _resumed(graph, run, record)
    else:
        run.status = record.status


def key_of(graph: CompiledGraph, activation: ActivationId) -> Key:
    """The activation by the plan's numbers. A loop that was put around the node since counts as round 0."""
    if activation.node not in graph.plan.number:
        raise UnknownActivationError(f"node {activation.node!r}, which ran as {activation}, is gone")
    try:
        return graph.plan.key(activation)
    except KeyError:
        raise UnknownActivationError(
            f"{activation}, which ran, is no activation of node {activation.node!r} any more"
        ) from None


def _started(graph: CompiledGraph, run: Recovered, record: RunStarted, *, owes: bool) -> None:
    _limit(graph, run, record.limits)
    values = outcome.decode(graph, record.inputs)
    if record.taken is None or owes:
        _apply(run, NodeReturned(graph.start, (), values))
    else:
        _apply(run, NodeSucceeded(graph.start, (), values, numbers_of(graph, record.taken)))


def _finished(graph: CompiledGraph, run: Recovered, record: NodeFinished, *, owes: bool) -> None:
    node, rounds = key_of(graph, record.activation)
    if record.error is not None:
        _apply(run, NodeErrored(node, rounds, record.error, numbers_of(graph, record.taken or ())))
        return
    values = outcome.decode(graph, record.writes)
    if record.taken is None or owes:
        _apply(run, NodeReturned(node, rounds, values))
    else:
        _apply(run, NodeSucceeded(node, rounds, values, numbers_of(graph, record.taken)))


def _failed(graph: CompiledGraph, run: Recovered, record: AttemptFailed) -> None:
    key = key_of(graph, record.activation)
    if not record.final:
        seen = run.tries[key].seen if key in run.tries else 0
        run.tries[key] = Tries(record.attempt + 1, seen + 1)
        return
    run.tries[key] = Tries(record.attempt + 1, 0)
    run.orders.pop(key, None)
    if run.schedule.phase(*key) is Phase.RUNNING:  # one whose tokens did not merge counts as failed already
        _apply(run, NodeFailed(*key))


def _resumed(graph: CompiledGraph, run: Recovered, record: RunResumed) -> None:
    run.status = RunStatus.RUNNING
    _limit(graph, run, record.limits)
    for key in run.in_phase(Phase.FAILED):
        _apply(run, NodeRetried(*key))


def _forked(graph: CompiledGraph, run: Recovered, record: RunForked) -> None:
    """A fork begins: its edits are made, and what had failed is in flight again."""
    run.status = RunStatus.RUNNING
    edits = graph.schema.decode_values(record.edits)
    if record.before is not None:
        node, rounds = key_of(graph, record.before)
        _edit(run, NodeEdited(node, rounds, edits))
        _forget(graph, run, edits, (node, rounds))
    elif edits:
        _edit(run, FrontierEdited(graph.schema.edit(edits)))
        _forget(graph, run, edits, *run.effects)
    for key in run.in_phase(Phase.FAILED):
        _apply(run, NodeRetried(*key))


def _edit(run: Recovered, fact: FrontierEdited | NodeEdited) -> None:
    for order in run.schedule.edit(fact):
        run.orders[order.node, order.rounds] = order


def _forget(graph: CompiledGraph, run: Recovered, edits: Iterable[str], *keys: Key) -> None:
    """The effects of activations that read an edited field no longer count: they were made on other values."""
    for key in keys:
        binding = graph.nodes[key[0]].binding
        if binding is not None and (binding.reads_all or not binding.reads.isdisjoint(edits)):
            run.effects.pop(key, None)


def _limit(graph: CompiledGraph, run: Recovered, limits: Mapping[str, int | None]) -> None:
    for edge, limit in limits.items():
        if edge in graph.plan.edge_number:
            run.schedule.limits[graph.plan.edge_number[edge]] = limit


def _apply(run: Recovered, fact: Fact) -> None:
    key = (fact.node, fact.rounds)
    if run.schedule.is_cancelled(*key) and not isinstance(fact, NodeCancelled):
        return  # it was recorded before it had stopped
    if not isinstance(fact, NodeRetried):
        run.orders.pop(key, None)
        if not isinstance(fact, NodeFailed):
            run.tries.pop(key, None)
            run.effects.pop(key, None)
    for order in run.schedule.apply(fact):
        run.orders[order.node, order.rounds] = order


def numbers_of(graph: CompiledGraph, taken: Iterable[str]) -> tuple[int, ...]:
    """Edges by the plan's numbers."""
    try:
        return tuple(graph.plan.edge_number[edge] for edge in taken)
    except KeyError as missing:
        raise UnknownActivationError(f"edge {missing.args[0]}, which the run took, is gone") from None
