"""Records as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from backedge.engine.records import (
    ActivationCancelled,
    ActivationId,
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

from .console import cut, span
from .progress import targets

_VALUE = 60  # characters of one value in a table


@dataclass(frozen=True, slots=True)
class Row:
    """A record as a line of a table. Every cell is text.

    Attributes:
        seq: Its number.
        when: Seconds since the run began.
        what: The activation and its attempt, or what happened to the run.
        took: How long it took.
        led_to: Where the edges taken lead.
        outcome: What was written, or the error.
    """

    seq: str
    when: str
    what: str
    took: str
    led_to: str
    outcome: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in order."""
        return (self.seq, self.when, self.what, self.took, self.led_to, self.outcome)


COLUMNS = ("seq", "at", "activation", "took", "led to", "outcome")
"""Titles of a row's cells."""


def row_of(record: Record, began: float) -> Row:
    """A record as a line of a table; `began` is when its run did."""
    match record:
        case RunStarted():
            told = "; ".join(filter(None, (written(record.inputs), _limits(record))))
            return _row(record, record.at - began, "(run started)", record.taken, told)
        case NodeFinished():
            told = f"handled {_error(record.error)}" if record.error else written(record.writes)
            what = _attempt(record.activation, record.attempt)
            took = span(record.ended - record.started)
            return _row(record, record.ended - began, what, record.taken, told, took)
        case AttemptFailed():
            after = "" if record.final else "; tried again"
            what = _attempt(record.activation, record.attempt)
            took = span(record.ended - record.started)
            return _row(record, record.ended - began, what, (), f"{_error(record.error)}{after}", took)
        case RoutingFailed():
            return _row(record, record.at - began, str(record.activation), (), _error(record.error))
        case Routed() | ActivationCancelled():
            taken = record.taken if isinstance(record, Routed) else ()
            told = "(routed)" if isinstance(record, Routed) else "(cancelled)"
            return _row(record, record.at - began, str(record.activation), taken, told)
        case EffectRecorded():
            told = _error(record.error) if record.error else _shown(record.result)
            what = _attempt(record.activation, record.attempt)
            return _row(record, record.at - began, what, (), f"{record.name} = {told}")
        case EffectOpened():
            what = _attempt(record.activation, record.attempt)
            told = f"{record.kind.value} {record.name}: waits"
            return _row(record, record.at - began, what, (), told)
        case InputEdited():
            return _row(
                record, record.at - began, str(record.activation), (), f"edited: {written(record.edits)}"
            )
        case RunForked():
            where = "" if record.before is None else f" before {record.before}"
            return _row(record, record.at - began, "(run forked)", (), f"{written(record.edits)}{where}")
        case RunResumed():
            return _row(record, record.at - began, "(run resumed)", (), _limits(record))
        case RunEnded():
            return _row(record, record.at - began, "(run ended)", (), record.status.value)
        case _:
            assert_never(record)


def as_json(record: Record) -> dict[str, Any]:
    """A record as JSON values, whole: names are those of the class, its kind is the class's name."""
    names = [name for name in record._fields if name != "seq"]
    values = {name: _json(getattr(record, name)) for name in names}
    return {"seq": record.seq, "kind": type(record).__name__, **values}


def written(values: Mapping[str, bytes]) -> str:
    """What was written, on one line: ``code="...", notes=["a"]``."""
    return ", ".join(f"{name}={_shown(raw)}" for name, raw in values.items())


def _row(
    record: Record, when: float, what: str, taken: tuple[str, ...] | None, outcome: str, took: str = ""
) -> Row:
    led_to = "(owed)" if taken is None else targets(taken)
    return Row(str(record.seq), f"+{when:.3f}", what, took, led_to, outcome)


def _attempt(activation: object, attempt: int) -> str:
    return f"{activation} #{attempt}" if attempt > 1 else str(activation)


def _error(error: ErrorInfo) -> str:
    return cut(f"{error.type_name}: {error.message}" if error.message else error.type_name, 200)


def _shown(raw: bytes | None) -> str:
    return cut("null" if raw is None else raw.decode(errors="backslashreplace"), _VALUE)


def _json(value: Any) -> Any:
    match value:
        case ActivationId():
            return str(value)
        case bytes():
            return _decoded(value)
        case ErrorInfo():
            parts = {"type": value.type_name, "message": value.message, "traceback": value.traceback}
            return {**parts, "args": None if value.args is None else _decoded(value.args)}
        case Mapping():
            return {key: _json(item) for key, item in value.items()}
        case tuple():
            return [_json(item) for item in value]
        case _:
            return value


def _decoded(raw: bytes) -> Any:
    """The value that a record holds. Damage is found by the record's checksum, so this is JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode(errors="backslashreplace")


def _limits(record: RunStarted | RunResumed) -> str:
    limits = ", ".join(f"{edge}={limit}" for edge, limit in record.limits.items())
    return f"limits: {limits}" if limits else ""
