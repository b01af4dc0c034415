"""A run's past, as a list of checkpoints: what happened at each record, ready to be read by people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .compiler.compile import CompiledGraph
from .execution import outcome
from .records import (
    AttemptFailed,
    EffectOpened,
    EffectRecorded,
    ErrorInfo,
    InputEdited,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunForked,
    RunResumed,
    RunStarted,
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One record of a run. `Flow.state_at(run_id, seq)` gives the state there.

    Attributes:
        seq: The record's number.
        what: In a word or two: ``started``, ``finished``, ``attempt failed``, ``failed``, ``not routed``, ``routed``,
            ``effect``, ``waits``, ``edited``, ``forked``, ``resumed``, or the status the run ended with.
        activation: Which activation, as text (``checker@2``); empty for records about the run itself.
        attempt: Which attempt; 0 for records about the run itself.
        at: When, in seconds since the epoch.
        seconds: How long the activation took; 0 where nothing ran.
        updates: What was written, by field, decoded.
        taken: Ids of the edges taken; None where routing is still owed.
        error: What went wrong, if something did.
    """

    seq: int
    what: str
    activation: str
    attempt: int
    at: float
    seconds: float
    updates: Mapping[str, object]
    taken: tuple[str, ...] | None = ()
    error: ErrorInfo | None = None


def history_of(graph: CompiledGraph, records: Iterable[Record]) -> list[Checkpoint]:
    """The records as checkpoints, oldest first."""
    return [_checkpoint(graph, record) for record in records]


def _checkpoint(graph: CompiledGraph, record: Record) -> Checkpoint:
    match record:
        case RunStarted(seq, at, inputs, taken, _):
            return Checkpoint(seq, "started", "START", 1, at, 0.0, outcome.decode(graph, inputs), taken)
        case NodeFinished(seq, activation, attempt, started, ended, writes, taken, error):
            what = "finished" if error is None else "failed, handled"
            updates = outcome.decode(graph, writes)
            return Checkpoint(
                seq, what, str(activation), attempt, ended, ended - started, updates, taken, error
            )
        case AttemptFailed(seq, activation, attempt, started, ended, error, final):
            what = "failed" if final else "attempt failed"
            return Checkpoint(seq, what, str(activation), attempt, ended, ended - started, {}, (), error)
        case RoutingFailed(seq, activation, at, error):
            return Checkpoint(seq, "not routed", str(activation), 0, at, 0.0, {}, None, error)
        case Routed(seq, activation, at, taken):
            return Checkpoint(seq, "routed", str(activation), 0, at, 0.0, {}, taken)
        case EffectRecorded():
            name = f"{record.activation} {record.name}"
            return Checkpoint(
                record.seq, "effect", name, record.attempt, record.at, 0.0, {}, (), record.error
            )
        case EffectOpened():
            name = f"{record.activation} {record.name}"
            return Checkpoint(record.seq, "waits", name, record.attempt, record.at, 0.0, {})
        case InputEdited():
            edits = outcome.decode(graph, record.edits)
            return Checkpoint(record.seq, "edited", str(record.activation), 0, record.at, 0.0, edits)
        case RunForked():
            edits = outcome.decode(graph, record.edits)
            return Checkpoint(record.seq, "forked", "", 0, record.at, 0.0, edits)
        case RunResumed(seq, at):
            return Checkpoint(seq, "resumed", "", 0, at, 0.0, {})
        case RunEnded(seq, at, status):
            return Checkpoint(seq, status.value, "", 0, at, 0.0, {})
