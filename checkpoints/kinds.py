"""What the header of each kind of record holds, in order: the vocabulary of `backedge.checkpoints.codec`.

Each kind has a function that turns a record into its name and members, handing its values over in order, and one that
turns them back. Members are positional, so a released kind is never edited: a change is a new version of the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backedge.engine.records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    EffectKind,
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
    RunStatus,
)

_Values = list[bytes]

# --------------------------------------------------------------------------- parts of headers
# An activation is [node, [[loop, round], …], [coordinate, …]]; an error [type, message, traceback, has args];
# a value that may be missing is 1 or 0, and where it is 1 the value is the next line.


def _put(value: bytes | None, values: _Values) -> int:
    if value is None:
        return 0
    values.append(value)
    return 1


def _put_fields(fields: Mapping[str, bytes], values: _Values) -> list[str]:
    values.extend(fields.values())
    return list(fields)


def _put_error(error: ErrorInfo | None, values: _Values) -> tuple[Any, ...] | None:
    if error is None:
        return None
    return (error.type_name, error.message, error.traceback, _put(error.args, values))


def _put_activation(activation: ActivationId) -> tuple[Any, ...]:
    return (activation.node, activation.rounds, activation.instance)


def _get(flag: int, values: Iterator[bytes]) -> bytes | None:
    return next(values) if flag else None


def _get_fields(names: list[str], values: Iterator[bytes]) -> dict[str, bytes]:
    return {name: next(values) for name in names}


def _get_error(error: list[Any] | None, values: Iterator[bytes]) -> ErrorInfo | None:
    return None if error is None else _get_raised(error, values)


def _get_raised(error: list[Any], values: Iterator[bytes]) -> ErrorInfo:
    type_name, message, traceback, flag = error
    return ErrorInfo(type_name, message, traceback, _get(flag, values))


def _get_activation(activation: list[Any]) -> ActivationId:
    node, rounds, instance = activation
    return ActivationId(node, tuple([(loop, number) for loop, number in rounds]), tuple(instance))


def _get_taken(taken: list[str] | None) -> tuple[str, ...] | None:
    return None if taken is None else tuple(taken)


# --------------------------------------------------------------------------- one pair per kind of record


def _write_started(r: RunStarted, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "started", (r.at, _put_fields(r.inputs, values), r.taken, dict(r.limits))


def _read_started(seq: int, members: list[Any], values: Iterator[bytes]) -> RunStarted:
    at, names, taken, limits = members
    return RunStarted(seq, at, _get_fields(names, values), _get_taken(taken), dict(limits))


def _write_finished(r: NodeFinished, values: _Values) -> tuple[str, tuple[Any, ...]]:
    names = _put_fields(r.writes, values)
    error = _put_error(r.error, values)
    usage = _put(r.usage, values)
    return "finished", (
        _put_activation(r.activation),
        *(r.attempt, r.started, r.ended, names, r.taken, error, usage),
    )


def _read_finished(seq: int, members: list[Any], values: Iterator[bytes]) -> NodeFinished:
    activation, attempt, started, ended, names, taken, error, usage = members
    return NodeFinished(
        *(seq, _get_activation(activation), attempt, started, ended),
        *(_get_fields(names, values), _get_taken(taken), _get_error(error, values), _get(usage, values)),
    )


def _write_attempt_failed(r: AttemptFailed, values: _Values) -> tuple[str, tuple[Any, ...]]:
    error = _put_error(r.error, values)
    return "attempt_failed", (_put_activation(r.activation), r.attempt, r.started, r.ended, error, r.final)


def _read_attempt_failed(seq: int, members: list[Any], values: Iterator[bytes]) -> AttemptFailed:
    activation, attempt, started, ended, error, final = members
    return AttemptFailed(
        seq, _get_activation(activation), attempt, started, ended, _get_raised(error, values), final
    )


def _write_cancelled(r: ActivationCancelled, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "cancelled", (_put_activation(r.activation), r.at)


def _read_cancelled(seq: int, members: list[Any], values: Iterator[bytes]) -> ActivationCancelled:
    activation, at = members
    return ActivationCancelled(seq, _get_activation(activation), at)


def _write_routing_failed(r: RoutingFailed, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "routing_failed", (_put_activation(r.activation), r.at, _put_error(r.error, values))


def _read_routing_failed(seq: int, members: list[Any], values: Iterator[bytes]) -> RoutingFailed:
    activation, at, error = members
    return RoutingFailed(seq, _get_activation(activation), at, _get_raised(error, values))


def _write_routed(r: Routed, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "routed", (_put_activation(r.activation), r.at, r.taken)


def _read_routed(seq: int, members: list[Any], values: Iterator[bytes]) -> Routed:
    activation, at, taken = members
    return Routed(seq, _get_activation(activation), at, tuple(taken))


def _write_effect(r: EffectRecorded, values: _Values) -> tuple[str, tuple[Any, ...]]:
    result = _put(r.result, values)
    error = _put_error(r.error, values)
    usage = _put(r.usage, values)
    return "effect", (
        _put_activation(r.activation),
        *(r.attempt, r.path, r.name, r.digest, r.at, result, error, r.kind, r.seconds, usage, r.occurrence),
    )


def _read_effect(seq: int, members: list[Any], values: Iterator[bytes]) -> EffectRecorded:
    activation, attempt, path, name, digest, at, result, error, kind, seconds, usage, occurrence = members
    return EffectRecorded(
        *(seq, _get_activation(activation), attempt, path, name, digest, at),
        *(
            _get(result, values),
            _get_error(error, values),
            EffectKind(kind),
            seconds,
            _get(usage, values),
            occurrence,
        ),
    )


def _write_opened(r: EffectOpened, values: _Values) -> tuple[str, tuple[Any, ...]]:
    detail = _put(r.detail, values)
    return "opened", (
        _put_activation(r.activation),
        *(r.attempt, r.path, r.name, r.digest, r.at, r.kind, detail),
    )


def _read_opened(seq: int, members: list[Any], values: Iterator[bytes]) -> EffectOpened:
    activation, attempt, path, name, digest, at, kind, _ = members
    return EffectOpened(
        seq, _get_activation(activation), attempt, path, name, digest, at, EffectKind(kind), next(values)
    )


def _write_edited(r: InputEdited, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "edited", (_put_activation(r.activation), r.at, _put_fields(r.edits, values))


def _read_edited(seq: int, members: list[Any], values: Iterator[bytes]) -> InputEdited:
    activation, at, names = members
    return InputEdited(seq, _get_activation(activation), at, _get_fields(names, values))


def _write_forked(r: RunForked, values: _Values) -> tuple[str, tuple[Any, ...]]:
    before = None if r.before is None else _put_activation(r.before)
    return "forked", (r.at, _put_fields(r.edits, values), before, r.digest)


def _read_forked(seq: int, members: list[Any], values: Iterator[bytes]) -> RunForked:
    at, names, before, digest = members
    activation = None if before is None else _get_activation(before)
    return RunForked(seq, at, _get_fields(names, values), activation, digest)


def _write_resumed(r: RunResumed, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "resumed", (r.at, r.epoch, dict(r.limits), r.digest)


def _read_resumed(seq: int, members: list[Any], values: Iterator[bytes]) -> RunResumed:
    at, epoch, limits, digest = members
    return RunResumed(seq, at, epoch, dict(limits), digest)


def _write_ended(r: RunEnded, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "ended", (r.at, r.status)


def _read_ended(seq: int, members: list[Any], values: Iterator[bytes]) -> RunEnded:
    at, status = members
    return RunEnded(seq, at, RunStatus(status))


WRITERS: dict[type, Callable[[Any, _Values], tuple[str, tuple[Any, ...]]]] = {
    RunStarted: _write_started,
    NodeFinished: _write_finished,
    AttemptFailed: _write_attempt_failed,
    ActivationCancelled: _write_cancelled,
    RoutingFailed: _write_routing_failed,
    Routed: _write_routed,
    EffectRecorded: _write_effect,
    EffectOpened: _write_opened,
    InputEdited: _write_edited,
    RunForked: _write_forked,
    RunResumed: _write_resumed,
    RunEnded: _write_ended,
}
READERS: dict[str, Callable[[int, list[Any], Iterator[bytes]], Record]] = {
    "started": _read_started,
    "finished": _read_finished,
    "attempt_failed": _read_attempt_failed,
    "cancelled": _read_cancelled,
    "routing_failed": _read_routing_failed,
    "routed": _read_routed,
    "effect": _read_effect,
    "opened": _read_opened,
    "edited": _read_edited,
    "forked": _read_forked,
    "resumed": _read_resumed,
    "ended": _read_ended,
}
