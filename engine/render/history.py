"""What a run did to each node, edge and loop, counted from its records.

Records say what happened; what is in flight right now is what `recover` makes of them. Where the graph is not the
one the run was made with, so that its records cannot be applied, the counts stand all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..activation import Phase
from ..compiler.compile import CompiledGraph
from ..definition import END, START
from ..errors import BackedgeError
from ..plan import Rounds
from ..records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    ErrorInfo,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunResumed,
    RunStarted,
    RunStatus,
)
from ..recovery import Recovered, UnknownActivationError, recover
from .picture import Status


@dataclass(slots=True)
class Visit:
    """One activation.

    Attributes:
        id: Its id, such as ``coder@2``.
        rounds: The round of each loop around it, outermost first.
        place: The same with the coordinates of maps and of arrivals among them, as the plan has it.
        instance: Those coordinates as they are told.
        status: Where it stands.
        seconds: Time of all its attempts.
        attempts: How many of them are recorded.
        failures: How many of those failed.
        error: The last error, as one text, or "".
    """

    id: str
    rounds: tuple[int, ...]
    status: Status
    place: Rounds = ()
    instance: tuple[str, ...] = ()
    seconds: float = 0.0
    attempts: int = 0
    failures: int = 0
    error: str = ""


@dataclass(slots=True)
class EdgeHistory:
    """How often a feedback or other edge was taken: in all, and per entry into its loop (by the place of that)."""

    taken: int = 0
    entries: dict[Rounds, int] = field(default_factory=dict)


@dataclass(slots=True)
class RunHistory:
    """A run, counted.

    Attributes:
        run_id: Its id.
        status: How it stands.
        started: When it began, in seconds since the epoch; None without records.
        seconds: How long it was worked on, breaks between its owners left out.
        resumes: How often it was resumed.
        visits: Node to its activations by id, in the order in which they were first heard of.
        usage: Node to what it spent: name to amount.
        edges: Edge id to how often it was taken.
        limits: Limits that the run or its resumes were given: edge id to limit.
        rounds: Loop to the rounds seen of it, each with the place that the loop was entered at.
        notes: What cannot be shown, and why.
    """

    run_id: str
    status: RunStatus = RunStatus.RUNNING
    started: float | None = None
    seconds: float = 0.0
    resumes: int = 0
    visits: dict[str, dict[str, Visit]] = field(default_factory=dict)
    usage: dict[str, dict[str, float]] = field(default_factory=dict)
    edges: dict[str, EdgeHistory] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=dict)
    rounds: dict[str, set[Rounds]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_history(graph: CompiledGraph, run_id: str, records: Sequence[Record]) -> RunHistory:
    """Count a run's records, and find out what is in flight."""
    history = RunHistory(run_id)
    for record in records:
        _count(graph, history, record)
    history.seconds = _worked(records)
    try:
        _look_at_live(graph, history, recover(graph, records))
    except (UnknownActivationError, BackedgeError, ValueError) as error:
        history.notes.append(
            f"the graph changed since the run was made ({error}): what is in flight is not shown"
        )
    if history.status is RunStatus.COMPLETED and any(
        edge.target == END.name and edge.id in history.edges for edge in graph.edges
    ):
        _visit(graph, history, ActivationId(END.name)).status = Status.DONE
    known = graph.definition.nodes.keys() | {START.name, END.name}
    if gone := [node for node in history.visits if node not in known]:
        history.notes.append(f"it ran nodes that the graph no longer has: {', '.join(gone)}")
    return history


def _count(graph: CompiledGraph, history: RunHistory, record: Record) -> None:
    match record:
        case RunStarted():
            history.started = record.at
            history.limits |= record.limits
            start = _visit(graph, history, ActivationId(START.name))
            start.status = Status.DONE
            _take(graph, history, ActivationId(START.name), record.taken)
        case NodeFinished():
            _attempt(graph, history, record.activation, record.started, record.ended, record.error)
            if record.error is None:
                _visit(graph, history, record.activation).status = Status.DONE
            else:
                _visit(graph, history, record.activation).status = Status.HANDLED
            _spend(history, record)
            _take(graph, history, record.activation, record.taken)
        case AttemptFailed():
            _attempt(graph, history, record.activation, record.started, record.ended, record.error)
            _visit(graph, history, record.activation).status = (
                Status.FAILED if record.final else Status.RUNNING
            )
        case ActivationCancelled():
            _visit(graph, history, record.activation).status = Status.CANCELLED
        case RoutingFailed():
            visit = _visit(graph, history, record.activation)
            visit.status, visit.error = Status.FAILED, told(record.error)
        case Routed():
            visit = _visit(graph, history, record.activation)
            visit.status, visit.error = Status.DONE, ""
            _take(graph, history, record.activation, record.taken)
        case RunResumed():
            history.status = RunStatus.RUNNING
            history.resumes += 1
            history.limits |= record.limits
        case RunEnded():
            history.status = record.status


def _visit(graph: CompiledGraph, history: RunHistory, activation: ActivationId) -> Visit:
    visits = history.visits.setdefault(activation.node, {})
    name = str(activation)
    if name not in visits:
        rounds = tuple(number for _, number in activation.rounds)
        nest, place = _place(graph, activation)
        visits[name] = Visit(name, rounds, Status.RUNNING, place, activation.instance)
        for level, loop in enumerate(nest):
            if loop not in graph.plan.regions:
                history.rounds.setdefault(loop, set()).add(place[: level + 1])
    return visits[name]


def _place(graph: CompiledGraph, activation: ActivationId) -> tuple[tuple[str, ...], Rounds]:
    """The loops and regions around an activation, and where in them it is."""
    try:
        node, place = graph.plan.key(activation)
    except KeyError:  # the graph has changed since
        return tuple(loop for loop, _ in activation.rounds), tuple(number for _, number in activation.rounds)
    return graph.plan.nests[node], place


def _attempt(
    graph: CompiledGraph,
    history: RunHistory,
    activation: ActivationId,
    started: float,
    ended: float,
    error: ErrorInfo | None,
) -> None:
    visit = _visit(graph, history, activation)
    visit.attempts += 1
    visit.seconds += max(ended - started, 0.0)
    if error is not None:
        visit.failures += 1
        visit.error = told(error)


def _spend(history: RunHistory, record: NodeFinished) -> None:
    if record.usage is None:
        return
    spent = history.usage.setdefault(record.activation.node, {})
    for name, number in _numbers(json.loads(record.usage)):
        spent[name] = spent.get(name, 0) + number


def _numbers(usage: object, name: str = "") -> list[tuple[str, float]]:
    if isinstance(usage, Mapping):
        return [
            found
            for key, value in usage.items()
            for found in _numbers(value, f"{name}.{key}" if name else key)
        ]
    if isinstance(usage, int | float) and not isinstance(usage, bool):
        return [(name, usage)]
    return []


def _take(
    graph: CompiledGraph, history: RunHistory, activation: ActivationId, taken: tuple[str, ...] | None
) -> None:
    _, place = _place(graph, activation)
    for edge in taken or ():
        counted = history.edges.setdefault(edge, EdgeHistory())
        counted.taken += 1
        number = graph.plan.edge_number.get(edge)
        level = None if number is None else graph.plan.edges[number].level
        if level is not None:
            counted.entries[place[:level]] = counted.entries.get(place[:level], 0) + 1


def _look_at_live(graph: CompiledGraph, history: RunHistory, run: Recovered) -> None:
    """Mark what is alive: it is neither done nor forgotten."""
    in_flight = {
        RunStatus.RUNNING: Status.RUNNING,
        RunStatus.SUSPENDED: Status.WAITING,
    }.get(run.status, Status.STOPPED)
    statuses = {
        Phase.WAITING: Status.WAITING,
        Phase.RUNNING: in_flight,
        Phase.RETURNED: Status.FAILED,
        Phase.FAILED: Status.FAILED,
    }
    for node, rounds, phase in run.schedule.live():
        _visit(graph, history, run.schedule.activation_id(node, rounds)).status = statuses[phase]


def _worked(records: Sequence[Record]) -> float:
    """Seconds between the begin of each stretch of work and its end, or the last that was heard of it."""
    total, begin, last = 0.0, None, 0.0
    for record in records:
        at = record.ended if isinstance(record, NodeFinished | AttemptFailed) else record.at
        if isinstance(record, RunStarted | RunResumed):
            total += max(last - begin, 0.0) if begin is not None else 0.0
            begin = last = at
        last = max(last, at)
        if isinstance(record, RunEnded) and begin is not None:
            total += max(at - begin, 0.0)
            begin = None
    return total + (max(last - begin, 0.0) if begin is not None else 0.0)


def told(error: ErrorInfo) -> str:
    """An error in one line.

    >>> told(ErrorInfo("ValueError", "too big"))
    'ValueError: too big'
    """
    return f"{error.type_name}: {error.message}" if error.message else error.type_name
