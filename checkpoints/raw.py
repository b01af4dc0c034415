"""Reading a database that may be damaged: whatever can be had, and why the rest cannot.

Nothing here raises for damage, and nothing writes. A query that meets a damaged page gives the rows before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from backedge.engine.records import Record, RunEnded, RunForked, RunResumed, RunStarted, RunStatus

from .codec import DamagedError, UnknownFormatError, content_hash, decode
from .lineage import LAST, Segment, place, segments

_ROW = "SELECT run_id, graph, digest, shape, created, parent, parent_seq, status FROM runs WHERE key = ?"


DAMAGE = (sqlite3.Error, UnicodeDecodeError, OverflowError, TypeError)
"""What reading a damaged file raises.

SQLite's own messages may quote bytes of it that are no text, and a damaged row may hold values of any type.
"""
_TYPES: tuple[tuple[type, ...], ...] = (
    *((str,), (str,), (str,), (bytes,), (float,)),
    *((str, type(None)), (int, type(None)), (str,)),
)


class Row(NamedTuple):
    """What a run's row says; `shape` is its hash."""

    key: int
    run_id: str
    graph: str
    digest: str
    shape: bytes
    created: float
    parent: str | None
    parent_seq: int | None
    status: str


@dataclass(slots=True)
class Held:
    """The records that stand under one key.

    Attributes:
        end: One more than the last `seq` that was met.
        damaged: ``(seq, why)`` of those that cannot be read, in order.
        status: The status that the records give, as far as they can be read.
    """

    first: int
    end: int
    damaged: list[tuple[int, str]] = field(default_factory=list)
    status: RunStatus | None = None


def open_to_look(path: Path) -> sqlite3.Connection:
    """Open a database without writing to it or making files beside it. Raises sqlite3.Error."""
    db = sqlite3.connect(reading_uri(path), uri=True, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException as error:
        db.close()
        if isinstance(error, UnicodeDecodeError):
            raise sqlite3.DatabaseError(f"its schema is damaged: {error}") from error
        raise
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    return db


def reading_uri(path: Path) -> str:
    """How to open a database that must not be written.

    Without a log nobody has it open, and the file is all there is: SQLite is told so, else it would make files beside
    it that its owner may not be allowed to write. `has_log` tells afterwards whether somebody came.
    """
    return f"{path.as_uri()}?mode=ro{'' if has_log(path) else '&immutable=1'}"


def has_log(path: Path) -> bool:
    """Whether there is a write-ahead log beside a database."""
    return path.with_name(f"{path.name}-wal").exists()


def rows(db: sqlite3.Connection, sql: str, *parameters: Any) -> tuple[list[Any], str | None]:
    """The rows of a query up to the first that cannot be read, and why that is."""
    found: list[Any] = []
    try:
        found.extend(db.execute(sql, parameters))
    except DAMAGE as error:
        return found, str(error)
    return found, None


def run_rows(db: sqlite3.Connection) -> tuple[list[Row], list[str]]:
    """The rows of all runs that can be read, oldest first, and what is wrong with the others."""
    keys, problem = rows(db, "SELECT key FROM runs NOT INDEXED ORDER BY key")
    keys = [(key,) for (key,) in keys if isinstance(key, int)]
    wrong = [] if problem is None else [f"the list of runs is damaged: {problem}"]
    if problem is not None:
        last, _ = rows(db, "SELECT max(seq) FROM sqlite_sequence WHERE name = 'runs'")
        met = keys[-1][0] if keys else 0
        keys += [(key,) for key in range(met + 1, ((last and last[0][0]) or met + 1000) + 1)]
    found = []
    for (key,) in keys:
        row, why = rows(db, _ROW, key)
        if row and all(map(isinstance, row[0], _TYPES)):
            found.append(Row(key, *row[0]))
        elif row or why is not None:
            wrong.append(f"the row of run number {key} is damaged; its records cannot be told to be of a run")
    return found, wrong


def stored(
    db: sqlite3.Connection, key: int, first: int, last: int = LAST
) -> Iterator[tuple[int, Record | str]]:
    """The records under a key, in order: ``(seq, record)``, or ``(seq, why)`` where one cannot be read."""
    query = "SELECT place & 4294967295, crc, body FROM records WHERE place BETWEEN ? AND ? ORDER BY place"
    expected = first
    cursor = db.cursor()
    try:
        for seq, crc, body in cursor.execute(query, (place(key, first), place(key, last))):
            if seq != expected:
                yield expected, "it is missing"
            expected = seq + 1
            yield seq, _decoded(db, seq, crc, body)
    except DAMAGE as error:
        yield expected, f"it lies on a damaged page ({error})"
    finally:
        cursor.close()


def look_through(db: sqlite3.Connection, key: int, first: int) -> Held:
    """Read all records under a key, and keep what is wrong with them."""
    held = Held(first, first)
    for seq, found in stored(db, key, first):
        held.end = max(held.end, seq + 1)
        if isinstance(found, str):
            held.damaged.append((seq, found))
        elif isinstance(found, RunEnded):
            held.status = found.status
        elif isinstance(found, RunStarted | RunForked | RunResumed):
            held.status = RunStatus.RUNNING
    return held


def chain(db: sqlite3.Connection, key: int) -> Sequence[Segment]:
    """The segments of a run; its own alone where the rest cannot be found."""
    try:
        return segments(db, key)
    except DAMAGE:
        return [Segment(key, 0, LAST)]


def blob(db: sqlite3.Connection, name: bytes) -> bytes | None:
    """A blob's content, or None where it cannot be read."""
    found, _ = rows(db, "SELECT content FROM blobs WHERE hash = ?", name)
    return found[0][0] if found else None


def shape_of(db: sqlite3.Connection, row: Row) -> bytes | None:
    """The shape of a run's graph, or None where it is damaged."""
    content = blob(db, row.shape)
    return content if is_content(content, row.shape) else None


def is_content(content: object, name: bytes) -> TypeGuard[bytes]:
    """Whether this is the content that a blob's name promises."""
    return isinstance(content, bytes) and content_hash(content) == name


def _decoded(db: sqlite3.Connection, seq: int, crc: int, body: bytes) -> Record | str:
    try:
        return decode(seq, crc, body, partial(blob, db))
    except (DamagedError, UnknownFormatError) as error:
        return str(error)
