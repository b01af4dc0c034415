"""A record as bytes, and back.

A record's body is JSON lines: one header line, then one line per encoded value, in the order in which the header
names them. The values (inputs, writes, results) are JSON already and are copied as they are, never parsed::

    [1,"finished",0,["coder",[["coder",3]],[]],1,1700000000.25,1700000001.5,["code"],["coder->checker"],null,0]
    "def f(): ..."

The header is an array, because names for its members would cost more bytes than a small step's values do. It starts
with the version of the body's format, the kind of the record and its blobs; what follows is listed in
`backedge.checkpoints.kinds`. A value above `BLOB_SIZE` bytes is no line of the body: it is stored once by its content's SHA-256,
and the header's blob list, ``[[index, hash], …]``, says which of the values it is. Of a value that holds strings above
that size only these are stored so, as ``[index, offset, hash]``: a picture in a conversation is the same string however
often the conversation is written. References stand in the header alone, so no value of a user can be mistaken for one.

Version 2 is version 1 with strings cut out of values; bodies without such are written as version 1 still. A version or
kind that is not known is an error, never a guess.

The checksum is CRC-32, begun with the record's `seq`: it is there to find damage, not forgers, and finds every burst
up to 32 bits, a body in another record's place, and all else but for one in 2**32, at about a tenth of what a
cryptographic hash costs. Blobs are checked by the hash that names them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import PydanticSerializationError, from_json, to_json

from backedge.engine.errors import JournalCorruptError, JournalFormatError, JournalWriteError
from backedge.engine.records import (
    AttemptFailed,
    NodeFinished,
    Record,
    RunEnded,
    RunForked,
    RunHeader,
    RunResumed,
    RunStarted,
    RunStatus,
)

from .cutting import Cut, cut, put_back
from .kinds import READERS, WRITERS

VERSION = 1
CUT_VERSION = 2
BLOB_SIZE = 16 * 1024
_RESUMPTION = b'[%d,"resumed",' % VERSION
_Places: TypeAlias = list[tuple[int, str] | tuple[int, int, str]]
_TELL_STATUS = (RunEnded, RunStarted, RunForked, RunResumed)


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


def encode(record: Record, *, blobs: bool = True) -> Encoded:
    """Encode one record; without `blobs` large values stay in the body.

    Raises:
        ValueError: A value holds a raw newline, and so is not compact JSON.
        TypeError: It is no record.
    """
    writer = WRITERS.get(type(record))
    if writer is None:
        raise TypeError(f"expected a record, found {type(record).__name__}")
    values: list[bytes] = []
    kind, members = writer(record, values)
    contents: tuple[tuple[bytes, bytes], ...] = ()
    body = b"\n".join((_dumps((VERSION, kind, 0, *members)), *values))
    if body.count(b"\n") != len(values):
        raise ValueError(f"a value of record {record.seq} holds a raw newline; values must be compact JSON")
    if blobs and len(body) > BLOB_SIZE and any(len(value) > BLOB_SIZE for value in values):
        values, places, contents = _set_apart(values)
        version = VERSION if all(len(place) == 2 for place in places) else CUT_VERSION
        body = b"\n".join((_dumps((version, kind, places, *members)), *values))
    return Encoded(record.seq, checksum(record.seq, body), body, contents)


def decode(seq: int, crc: int, body: bytes, blob: Callable[[bytes], bytes | None]) -> Record:
    """Decode one record; `blob` finds the content that belongs to a hash.

    Raises:
        DamagedError: The body or a blob is not what was written.
        UnknownFormatError: It was written by a version of this code that knows more.
    """
    # A damaged row may hold anything in place of a body.
    if not isinstance(body, bytes) or zlib.crc32(body, seq & 0xFFFFFFFF) != crc:
        raise DamagedError("its checksum does not match")
    try:
        values = body.split(b"\n")
        version, kind, blobs, *members = _loads(values.pop(0))
        if version not in (VERSION, CUT_VERSION):
            raise UnknownFormatError(f"its format is version {version!r}, known is up to {CUT_VERSION}")
        reader = READERS.get(kind)
        if reader is None:
            raise UnknownFormatError(f"its kind is {kind!r}, known are {', '.join(READERS)}")
        if blobs:
            _put_in(values, blobs, blob)
        rest = iter(values)
        record = reader(seq, members, rest)
    except (DamagedError, UnknownFormatError):
        raise
    except (ValueError, TypeError, LookupError, StopIteration) as error:
        raise DamagedError(f"its header cannot be read ({error!r})") from error
    if next(rest, None) is not None:
        raise DamagedError("it holds more values than its header names")
    return record


def blob_names(head: bytes) -> list[bytes]:
    """The hashes of the blobs that a body's first line names; none where it cannot be read."""
    try:
        return [bytes.fromhex(place[-1]) for place in _loads(head)[2] or ()]
    except (ValueError, TypeError, IndexError):
        return []


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


def is_resumption(body: object) -> bool:
    """Whether a body, of which the beginning is enough, is that of a `RunResumed`."""
    return isinstance(body, bytes) and body.startswith(_RESUMPTION)


def first_seq(header: RunHeader) -> int:
    """The `seq` that a run's first own record must have."""
    return 0 if header.parent is None else header.parent[1] + 1


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
        if isinstance(record, _TELL_STATUS):
            status = record.status if isinstance(record, RunEnded) else RunStatus.RUNNING
    return encoded, status


def written_at(record: Record) -> float:
    """When a record was made, in seconds since the epoch."""
    return record.ended if isinstance(record, NodeFinished | AttemptFailed) else record.at


def _dumps(header: tuple[object, ...]) -> bytes:
    # pydantic's encoder takes a fifth of the time of json's, but refuses lone surrogates, as names of files may hold.
    try:
        return to_json(header)
    except PydanticSerializationError:
        return json.dumps(header, separators=(",", ":")).encode("ascii")


def _loads(header: bytes) -> Any:
    try:
        return from_json(header)
    except ValueError:
        return json.loads(header)


def _set_apart(values: list[bytes]) -> tuple[list[bytes], _Places, tuple[tuple[bytes, bytes], ...]]:
    """The values that stay in the body, and what is stored by its hash: large strings, and what is large without."""
    kept: list[bytes] = []
    places: _Places = []
    contents: dict[bytes, bytes] = {}
    for index, whole in enumerate(values):
        value, cuts = cut(whole, BLOB_SIZE) if len(whole) > BLOB_SIZE else (whole, [])
        if len(value) > BLOB_SIZE:
            name = content_hash(value)
            places.append((index, name.hex()))
            contents[name] = value
        else:
            kept.append(value)
        for offset, content in cuts:
            name = content_hash(content)
            places.append((index, offset, name.hex()))
            contents[name] = content
    return kept, places, tuple(contents.items())


def _put_in(values: list[bytes], places: list[list[Any]], blob: Callable[[bytes], bytes | None]) -> None:
    """Put back into the values what `_set_apart` took away."""
    for index, of_one in groupby(places, key=itemgetter(0)):
        cuts = []
        for _, *offset, name in of_one:
            content = _content(bytes.fromhex(name), blob)
            if offset:
                cuts.append(Cut(offset[0], content))
            else:
                values.insert(index, content)
        if cuts:
            values[index] = put_back(values[index], cuts)


def _content(name: bytes, blob: Callable[[bytes], bytes | None]) -> bytes:
    content = blob(name)
    if content is None:
        raise DamagedError(f"its blob {name.hex()[:12]} is missing")
    if content_hash(content) != name:
        raise DamagedError(f"its blob {name.hex()[:12]} is not what its name says")
    return content
