r"""A run as one file that another machine can read: JSON lines, self-contained.

The first line says what this is and holds the run's header, the last one how many records there are and the SHA-256 of
all lines before it. Between them stands one line for each record, in order, with its checksum and its body as
`backedge.checkpoints.codec` writes it, line by line; large values stand where they belong::

    {"format":"backedge run","version":1,"run_id":"demo","graph":"loop","digest":"…","shape":"…","created":1.5,"parent":null}
    {"seq":0,"crc":1234,"body":["[1,\"started\",0,…]","\"do it\""]}
    {"records":1,"sha256":"…"}

A fork is written with all its records, so it needs its parent no more; `parent` only tells where it came from. Letters
that wait are not part of it. Bytes that are no UTF-8 are escaped as Python does (``surrogateescape``).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from backedge.engine.definition import is_text
from backedge.engine.errors import JournalCorruptError, JournalFormatError
from backedge.engine.ports import Journal
from backedge.engine.records import Record, RunHeader, RunStarted

from .codec import DamagedError, UnknownFormatError, decode, encode
from .refusals import must_be_id

FORMAT: Final = "backedge run"
VERSION: Final = 1


async def export_run(journal: Journal, run_id: str, file: str | os.PathLike[str]) -> int:
    """Write a run into a file, whole, and return how many records it has.

    It is written beside its place and then renamed: there is never half of it. A run under way is written as far as
    it got.

    Args:
        journal: Where the run is.
        run_id: Which run.
        file: Where to; what is there is replaced.

    Raises:
        RunNotFoundError: There is no such run.
        JournalCorruptError: One of its records is damaged.
        OSError: The file cannot be written.

    Example:
        ::

            await export_run(journal, "demo", "demo.jsonl")
    """
    header = await journal.header(run_id)
    records = await journal.read(run_id)
    await asyncio.to_thread(_write, Path(file), list(_lines(header, records)))
    return len(records)


async def import_run(journal: Journal, file: str | os.PathLike[str], run_id: str | None = None) -> RunHeader:
    """Store a run that `export_run` wrote, and return its header.

    Everything is checked first, and it is stored in one transaction: after an error nothing has changed. It can be
    resumed, replayed and forked like any other run. It has no parent here.

    Args:
        journal: Where to store it.
        file: What `export_run` wrote.
        run_id: What to call it; None: as it was called.

    Raises:
        InputError: `run_id` is no text that can be stored.
        JournalFormatError: The file is something else, or of a newer version.
        JournalCorruptError: It is damaged or not whole.
        RunExistsError: The journal has a run of that name.
        OSError: The file cannot be read.

    Example:
        ::

            header = await import_run(journal, "demo.jsonl", run_id="demo-from-ci")
    """
    name = os.fspath(file)
    if run_id is not None:
        must_be_id(run_id)
    lines = (await asyncio.to_thread(Path(file).read_bytes)).split(b"\n")
    header, first, rest = _parsed(name, lines, run_id)
    log = await journal.create(header, first, *rest)
    await log.release()
    return header


def _lines(header: RunHeader, records: Sequence[Record]) -> Iterator[bytes]:
    summary = hashlib.sha256()
    described = {
        "format": FORMAT,
        "version": VERSION,
        "run_id": header.run_id,
        "graph": header.graph,
        "digest": header.digest,
        "shape": _text(header.shape),
        "created": header.created,
        "parent": header.parent,
    }
    for line in (_dumped(described), *map(_record_line, records)):
        summary.update(line)
        yield line
    yield _dumped({"records": len(records), "sha256": summary.hexdigest()})


def _record_line(record: Record) -> bytes:
    encoded = encode(record, blobs=False)
    body = [_text(line) for line in encoded.body.split(b"\n")]
    return _dumped({"seq": encoded.seq, "crc": encoded.crc, "body": body})


def _write(file: Path, lines: Iterable[bytes]) -> None:
    draft = file.with_name(f"{file.name}.part")
    try:
        with draft.open("wb") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _parsed(
    name: str, lines: Sequence[bytes], run_id: str | None
) -> tuple[RunHeader, RunStarted, list[Record]]:
    described = _described(name, lines[0])
    if len(lines) < 3 or lines[-1] != b"":
        raise JournalCorruptError(name, "the file is not whole: its end is missing; copy it again")
    _check_end(name, lines)
    records = [_record(name, number, line) for number, line in enumerate(lines[1:-2])]
    first, *rest = records
    if not isinstance(first, RunStarted):
        raise JournalCorruptError(name, "the file is damaged: its first record does not start a run")
    try:
        if not is_text(described["run_id"]):
            raise ValueError("the run's id")
        header = RunHeader(
            run_id if run_id is not None else described["run_id"],
            described["graph"],
            described["digest"],
            _bytes(described["shape"]),
            float(described["created"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalCorruptError(name, f"the file is damaged: its first line lacks {error}") from error
    return header, first, rest


def _described(name: str, line: bytes) -> dict[str, Any]:
    described = _loaded(line)
    if described is None or described.get("format") != FORMAT:
        raise JournalFormatError(name, "this is no run that backedge exported; name another file")
    if described.get("version") != VERSION:
        raise JournalFormatError(
            name,
            f"it is of version {described.get('version')!r}, this backedge knows {VERSION}; upgrade backedge",
        )
    return described


def _check_end(name: str, lines: Sequence[bytes]) -> None:
    end = _loaded(lines[-2]) or {}
    if "sha256" not in end or end.get("records") != len(lines) - 3 or len(lines) < 4:
        raise JournalCorruptError(name, "the file is not whole: lines are missing; copy it again")
    summary = hashlib.sha256()
    for line in lines[:-2]:
        summary.update(line + b"\n")
    if summary.hexdigest() != end["sha256"]:
        where = next((at for at, line in enumerate(lines[1:-2]) if not _intact(at, line)), None)
        told = "its first line is" if where is None else f"record {where}, on line {where + 2}, is"
        raise JournalCorruptError(name, f"the file is damaged: {told} not what was written", seq=where)


def _intact(seq: int, line: bytes) -> bool:
    try:
        _record("", seq, line)
    except (JournalCorruptError, JournalFormatError):
        return False
    return True


def _record(name: str, seq: int, line: bytes) -> Record:
    try:
        stored = json.loads(line)
        if stored["seq"] != seq:
            raise DamagedError(f"record {stored['seq']!r} stands in its place")
        body = b"\n".join(_bytes(part) for part in stored["body"])
        return decode(seq, stored["crc"], body, lambda _: None)
    except UnknownFormatError as error:
        raise JournalFormatError(
            name, f"cannot read record {seq}: {error}; use the newer backedge it is from"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalCorruptError(
            name, f"record {seq}, on line {seq + 2}, is damaged: {error}", seq=seq
        ) from error


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _dumped(value: object) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _loaded(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
