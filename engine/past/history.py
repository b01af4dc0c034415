"""A run's past, as a list of checkpoints: what happened at each record, ready to be read by people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from ..compiler.compile import CompiledGraph
from ..execution import outcome
from ..records import (
    ActivationCancelled,
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
from ..state.snapshots import Snapshot
from .walk import Walk

S = TypeVar("S", bound=BaseModel)


class _States(NamedTuple):
    """Where the states of a run's checkpoints come from, when somebody asks for one."""

    walk: Walk
    build: Callable[[Snapshot], Any]


@dataclass(frozen=True, slots=True)
class Checkpoint(Generic[S]):
    """One record of a run, with the state before and after it.

    Attributes:
        seq: The record's number.
        what: In a word or two: ``started``, ``finished``, ``attempt failed``, ``failed``, ``cancelled``, ``not routed``, ``routed``,
            ``effect``, ``waits``, ``edited``, ``forked``, ``resumed``, or the status the run ended with.
        activation: Which activation, as text (``checker@2``); empty for records about the run itself.
        attempt: Which attempt; 0 for records about the run itself.
        at: When, in seconds since the epoch.
        seconds: How long the activation took; 0 where nothing ran.
        updates: What was written, by field, decoded.
        taken: Ids of the edges taken; None where routing is still owed.
        error: What went wrong, if something did.
        usage: What it spent (tokens, money), by name, or None.

    Example::

        for checkpoint in await flow.history("demo", journal="runs.db"):
            print(checkpoint.activation, checkpoint.before, checkpoint.after)
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
    usage: Mapping[str, object] | None = None
    _states: _States | None = field(default=None, repr=False, compare=False)

    @property
    def before(self) -> S:
        """The state that the activation ran on; worked out when asked for, cheaply when in order of the records."""
        states = self._needed()
        built: S = states.build(states.walk.before(self.seq))
        return built

    @property
    def after(self) -> S:
        """The state that the activation left, or, where it did not finish, what it ran on."""
        states = self._needed()
        built: S = states.build(states.walk.after(self.seq))
        return built

    def _needed(self) -> _States:
        if self._states is None:
            raise AttributeError("this checkpoint was made without its run, so it has no states")
        return self._states


def history_of(
    graph: CompiledGraph, records: Sequence[Record], build: Callable[[Snapshot], Any]
) -> list[Checkpoint[Any]]:
    """The records as checkpoints, oldest first; `build` makes a state of a snapshot."""
    states = _States(Walk(graph, records), build)
    return [_checkpoint(graph, record, states) for record in records]


def _checkpoint(graph: CompiledGraph, record: Record, states: _States) -> Checkpoint[Any]:
    seq = record.seq
    match record:
        case RunStarted(_, at, inputs, taken, _):
            updates = outcome.decode(graph, inputs)
            return Checkpoint(seq, "started", "START", 1, at, 0.0, updates, taken, _states=states)
        case NodeFinished(_, activation, attempt, started, ended, writes, taken, error):
            what = "finished" if error is None else "failed, handled"
            return Checkpoint(
                *(seq, what, str(activation), attempt, ended, ended - started),
                *(outcome.decode(graph, writes), taken, error, _usage(record.usage), states),
            )
        case AttemptFailed(_, activation, attempt, started, ended, error, final):
            what = "failed" if final else "attempt failed"
            took = ended - started
            return Checkpoint(seq, what, str(activation), attempt, ended, took, {}, (), error, _states=states)
        case ActivationCancelled(_, activation, at):
            return Checkpoint(seq, "cancelled", str(activation), 0, at, 0.0, {}, _states=states)
        case RoutingFailed(_, activation, at, error):
            return Checkpoint(seq, "not routed", str(activation), 0, at, 0.0, {}, None, error, _states=states)
        case Routed(_, activation, at, taken):
            return Checkpoint(seq, "routed", str(activation), 0, at, 0.0, {}, taken, _states=states)
        case EffectRecorded():
            name, usage = f"{record.activation} {record.name}", _usage(record.usage)
            return Checkpoint(
                *(seq, "effect", name, record.attempt, record.at, record.seconds),
                *({}, (), record.error, usage, states),
            )
        case EffectOpened():
            name = f"{record.activation} {record.name}"
            return Checkpoint(seq, "waits", name, record.attempt, record.at, 0.0, {}, _states=states)
        case InputEdited():
            edits = graph.schema.decode_values(record.edits)
            return Checkpoint(seq, "edited", str(record.activation), 0, record.at, 0.0, edits, _states=states)
        case RunForked():
            edits = graph.schema.decode_values(record.edits)
            before = "" if record.before is None else str(record.before)
            return Checkpoint(seq, "forked", before, 0, record.at, 0.0, edits, _states=states)
        case RunResumed() | RunEnded():
            what = record.status.value if isinstance(record, RunEnded) else "resumed"
            return Checkpoint(seq, what, "", 0, record.at, 0.0, {}, _states=states)


def _usage(raw: bytes | None) -> Mapping[str, object] | None:
    if raw is None:
        return None
    usage: Mapping[str, object] = json.loads(raw)
    return usage
