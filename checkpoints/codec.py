"""A record as bytes, and back.

A record's body is JSON lines: one header line, then one line per encoded value, in the order in which the header
names them. The values (inputs, writes, results) are JSON already and are copied as they are, never parsed::

    [1,"finished",0,["coder",[["coder",3]],[]],1,1700000000.25,1700000001.5,["code"],["coder->checker"],null,0]
    "def f(): ..."

The header is an array, because names for its members would cost more bytes than a small step's values do. It starts
with the version of the body's format, the kind of the record and its blobs; what follows is listed by kind in the
functions below. A value above `BLOB_SIZE` bytes is no line of the body: it is stored once by its content's SHA-256,
and the header's blob list, ``[[index, hash], …]``, says which of the values it is. References stand in the header
alone, so no value of a user can be mistaken for one.

Version 1 is the only one so far. A version or kind that is not known is an error, never a guess.

The checksum is CRC-32, begun with the record's `seq`: it is there to find damage, not forgers, and finds every burst
up to 32 bits, a body in another record's place, and all else but for one in 2**32, at about a tenth of what a
cryptographic hash costs. Blobs are checked by the hash that names them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from backedge.engine.errors import JournalCorruptError, JournalFormatError, JournalWriteError
from backedge.engine.records import (
    ActivationId,
    AttemptFailed,
    EffectRecorded,
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

VERSION = 1
BLOB_SIZE = 16 * 1024

_dumps = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_Values = list[bytes]


class Encoded(NamedTuple):
    """A record ready to be stored: its place, its checksum, its body, and blobs as ``(hash, content)``."""

    seq: int
    crc: int
    body: bytes
    blobs: tuple[tuple[bytes, bytes], ...] = ()


class UnknownFormatError(ValueError):
    """A body of a version or kind that this code does not know."""


class DamagedError(ValueError):
    """A body that is not what was written."""


def content_hash(content: bytes) -> bytes:
    """The name of a blob: SHA-256 of its content."""
    return hashlib.sha256(content).digest()


def checksum(seq: int, body: bytes) -> int:
    """CRC-32 of a body in its place."""
    return zlib.crc32(body, seq & 0xFFFFFFFF)


def encode(record: Record) -> Encoded:
    """Encode one record.

    Raises:
        ValueError: A value holds a raw newline, and so is not compact JSON.
        TypeError: It is no record.
    """
    writer = _WRITERS.get(type(record))
    if writer is None:
        raise TypeError(f"expected a record, found {type(record).__name__}")
    values: _Values = []
    kind, members = writer(record, values)
    blobs: list[tuple[int, str]] | int = 0
    contents: tuple[tuple[bytes, bytes], ...] = ()
    for value in values:
        if len(value) > BLOB_SIZE:
            values, blobs, contents = _set_apart(values)
            break
    lines = [_dumps((VERSION, kind, blobs, *members)).encode("ascii"), *values]
    body = b"\n".join(lines)
    if body.count(b"\n") != len(values):
        raise ValueError(f"a value of record {record.seq} holds a raw newline; values must be compact JSON")
    return Encoded(record.seq, checksum(record.seq, body), body, contents)


def decode(seq: int, crc: int, body: bytes, blob: Callable[[bytes], bytes | None]) -> Record:
    """Decode one record; `blob` finds the content that belongs to a hash.

    Raises:
        DamagedError: The body or a blob is not what was written.
        UnknownFormatError: It was written by a version of this code that knows more.
    """
    if zlib.crc32(body, seq & 0xFFFFFFFF) != crc:
        raise DamagedError("its checksum does not match")
    try:
        values = body.split(b"\n")
        version, kind, blobs, *members = json.loads(values.pop(0))
        if version != VERSION:
            raise UnknownFormatError(f"its format is version {version!r}, known is {VERSION}")
        reader = _READERS.get(kind)
        if reader is None:
            raise UnknownFormatError(f"its kind is {kind!r}, known are {', '.join(_READERS)}")
        for index, name in blobs or ():
            values.insert(index, _content(bytes.fromhex(name), blob))
        rest = iter(values)
        record = reader(seq, members, rest)
    except (DamagedError, UnknownFormatError):
        raise
    except (ValueError, TypeError, IndexError, StopIteration) as error:
        raise DamagedError(f"its header cannot be read ({error!r})") from error
    if next(rest, None) is not None:
        raise DamagedError("it holds more values than its header names")
    return record


def decode_stored(
    journal: str, run_id: str, row: tuple[int, int, bytes], blob: Callable[[bytes], bytes | None]
) -> Record:
    """Decode ``(seq, crc, body)`` as a journal reads it back, with errors that name the record.

    Raises:
        JournalCorruptError: The record is damaged.
        JournalFormatError: It was written by a newer version.
    """
    try:
        return decode(*row, blob)
    except DamagedError as error:
        raise JournalCorruptError.of_record(journal, run_id, row[0], str(error)) from error
    except UnknownFormatError as error:
        raise JournalFormatError(
            journal,
            f"cannot read record {row[0]} of run {run_id!r}: {error}; use the newer backedge it is from",
        ) from error


def encode_next(
    journal: str, run_id: str, next_seq: int, records: Sequence[Record]
) -> tuple[list[Encoded], RunStatus | None]:
    """Encode records that a run goes on with, and the status they give it, if they do.

    Raises:
        JournalWriteError: A `seq` is not the next one.
        ValueError: A value is not compact JSON.
    """
    status = None
    encoded = []
    for expected, record in enumerate(records, next_seq):
        if record.seq != expected:
            raise JournalWriteError(
                journal, f"run {run_id!r} goes on with record {expected}, not with record {record.seq}"
            )
        encoded.append(encode(record))
        if isinstance(record, RunEnded):
            status = record.status
        elif isinstance(record, RunStarted | RunResumed):
            status = RunStatus.RUNNING
    return encoded, status


def written_at(record: Record) -> float:
    """When a record was made, in seconds since the epoch."""
    return record.ended if isinstance(record, NodeFinished | AttemptFailed) else record.at


def _set_apart(values: _Values) -> tuple[_Values, list[tuple[int, str]], tuple[tuple[bytes, bytes], ...]]:
    kept: _Values = []
    places: list[tuple[int, str]] = []
    contents: list[tuple[bytes, bytes]] = []
    for index, value in enumerate(values):
        if len(value) > BLOB_SIZE:
            name = content_hash(value)
            places.append((index, name.hex()))
            contents.append((name, value))
        else:
            kept.append(value)
    return kept, places, tuple(contents)


def _content(name: bytes, blob: Callable[[bytes], bytes | None]) -> bytes:
    content = blob(name)
    if content is None:
        raise DamagedError(f"its blob {name.hex()[:12]} is missing")
    if content_hash(content) != name:
        raise DamagedError(f"its blob {name.hex()[:12]} is not what its name says")
    return content


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
    return "started", (r.at, _put_fields(r.inputs, values), r.taken)


def _read_started(seq: int, members: list[Any], values: Iterator[bytes]) -> RunStarted:
    at, names, taken = members
    return RunStarted(seq, at, _get_fields(names, values), _get_taken(taken))


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
    return "effect", (
        _put_activation(r.activation),
        *(r.attempt, r.path, r.name, r.digest, r.at, result, error),
    )


def _read_effect(seq: int, members: list[Any], values: Iterator[bytes]) -> EffectRecorded:
    activation, attempt, path, name, digest, at, result, error = members
    return EffectRecorded(
        *(seq, _get_activation(activation), attempt, path, name, digest, at),
        *(_get(result, values), _get_error(error, values)),
    )


def _write_resumed(r: RunResumed, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "resumed", (r.at, r.epoch, dict(r.limits))


def _read_resumed(seq: int, members: list[Any], values: Iterator[bytes]) -> RunResumed:
    at, epoch, limits = members
    return RunResumed(seq, at, epoch, dict(limits))


def _write_ended(r: RunEnded, values: _Values) -> tuple[str, tuple[Any, ...]]:
    return "ended", (r.at, r.status)


def _read_ended(seq: int, members: list[Any], values: Iterator[bytes]) -> RunEnded:
    at, status = members
    return RunEnded(seq, at, RunStatus(status))


_WRITERS: dict[type, Callable[[Any, _Values], tuple[str, tuple[Any, ...]]]] = {
    RunStarted: _write_started,
    NodeFinished: _write_finished,
    AttemptFailed: _write_attempt_failed,
    RoutingFailed: _write_routing_failed,
    Routed: _write_routed,
    EffectRecorded: _write_effect,
    RunResumed: _write_resumed,
    RunEnded: _write_ended,
}
_READERS: dict[str, Callable[[int, list[Any], Iterator[bytes]], Record]] = {
    "started": _read_started,
    "finished": _read_finished,
    "attempt_failed": _read_attempt_failed,
    "routing_failed": _read_routing_failed,
    "routed": _read_routed,
    "effect": _read_effect,
    "resumed": _read_resumed,
    "ended": _read_ended,
}
