"""Reading the tables, and the little that several writers share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from backedge.engine.definition import is_text
from backedge.engine.errors import JournalCorruptError, RunNotFoundError
from backedge.engine.records import Record, RunHeader, RunStatus, RunSummary

from .codec import Encoded, decode, decode_stored, written_at
from .lineage import place, segments
from .ownership import Owners
from .pending import awaited_of_run, deaths_of

_KNOWN = 5  # how many runs a RunNotFoundError names
_HEADER = "run_id, graph, digest, (SELECT content FROM blobs WHERE hash = shape), created, parent, parent_seq"
_SUMMARIES = f"""
    SELECT key, status, epoch, owner, place, crc, body, {_HEADER}
    FROM runs LEFT JOIN records ON place = (
        SELECT max(place) FROM records
        WHERE place BETWEEN key << 32 AND ((key + 1) << 32) - 1
    )
    ORDER BY created DESC, key DESC"""  # noqa: S608  # put together from constants alone


def find_run(db: sqlite3.Connection, name: str, run_id: str) -> tuple[int, RunHeader]:
    """A run's key and header. Raises RunNotFoundError."""
    row = None
    if is_text(run_id):  # a number would find a run whose id looks like it
        row = db.execute(f"SELECT key, {_HEADER} FROM runs WHERE run_id = ?", (run_id,)).fetchone()  # noqa: S608
    if row is None:
        newest = db.execute("SELECT run_id FROM runs ORDER BY created DESC, key DESC LIMIT ?", (_KNOWN,))
        raise RunNotFoundError(name, run_id, [known for (known,) in newest])
    return row[0], _header(name, row[1:])


def insert_blobs(db: sqlite3.Connection, blobs: Iterable[tuple[bytes, bytes]]) -> None:
    """Store contents by their hashes, those that are not there yet."""
    for row in blobs:
        db.execute("INSERT OR IGNORE INTO blobs (hash, content) VALUES (?, ?)", row)


def insert_content(db: sqlite3.Connection, key: int, record: Encoded) -> None:
    """Store the blobs of a record of run `key`, and that it uses them."""
    insert_blobs(db, record.blobs)
    for name, _ in record.blobs:
        row = (place(key, record.seq), name)
        db.execute("INSERT OR IGNORE INTO uses SELECT ?, key FROM blobs WHERE hash = ?", row)


def read_records(
    db: sqlite3.Connection, name: str, run_id: str, after: int, before: int | None, limit: int
) -> tuple[int, list[Record]]:
    """A run's key, and up to `limit` of its records, those it shares with what it was forked from included.

    Raises:
        RunNotFoundError: There is no such run.
        JournalCorruptError: A record is damaged or missing; it is named.
    """
    first = max(after, -1) + 1
    with _snapshot(db):
        key, _ = find_run(db, name, run_id)
        rows = _stored(db, key, first, before, limit)
        return key, list(_decoded(db, name, run_id, first, rows))


@contextmanager
def _snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """All queries inside see one state of the database: a run that is deleted meanwhile is not half there."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def _stored(
    db: sqlite3.Connection, key: int, first: int, before: int | None, limit: int
) -> list[tuple[int, int, bytes]]:
    query = (
        "SELECT place & 4294967295, crc, body FROM records WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?"
    )
    rows: list[tuple[int, int, bytes]] = []
    for segment in segments(db, key):
        low = max(first, segment.first)
        high = segment.last if before is None else min(segment.last, before - 1)
        if low <= high and len(rows) < limit:
            rows += db.execute(query, (place(segment.key, low), place(segment.key, high), limit - len(rows)))
    return rows


def _decoded(
    db: sqlite3.Connection, name: str, run_id: str, first: int, rows: Iterable[tuple[int, int, bytes]]
) -> Iterator[Record]:
    blob = partial(_blob, db)
    for expected, row in enumerate(rows, first):
        if row[0] != expected:
            raise JournalCorruptError.of_record(name, run_id, expected, "it is missing")
        yield decode_stored(name, run_id, row, blob)


def read_summaries(db: sqlite3.Connection, name: str, owners: Owners) -> list[RunSummary]:
    """All runs, newest first: one seek for each run's last record, no scan of the records."""
    blob = partial(_blob, db)
    summaries = []
    for key, status, epoch, owner, at, crc, body, *header in db.execute(
        _SUMMARIES
    ).fetchall():  # an error ends the query, too
        told = _header(name, header)
        seq = -1 if at is None else at - place(key, 0)
        owned = owners.owned(key, epoch)
        summaries.append(
            RunSummary(
                header=told,
                status=RunStatus(status),
                records=seq + 1,
                updated=told.created if at is None else _when(seq, crc, body, blob, told.created),
                owner=owner if owned else None,
                awaited=awaited_of_run(db, key, RunStatus(status)),
                deaths=deaths_of(db, key) if status == RunStatus.RUNNING.value and not owned else 0,
            )
        )
    return summaries


def _when(seq: int, crc: int, body: bytes, blob: partial[bytes | None], otherwise: float) -> float:
    try:
        return written_at(decode(seq, crc, body, blob))
    except ValueError:
        return otherwise  # a damaged record must not hide the other runs; reading its run will tell


def _header(name: str, row: Sequence[Any]) -> RunHeader:
    run_id, graph, digest, shape, created, parent, parent_seq = row
    if shape is None:
        raise JournalCorruptError(name, f"the graph's shape of run {run_id!r} is missing", run_id=run_id)
    return RunHeader(run_id, graph, digest, shape, created, None if parent is None else (parent, parent_seq))


def _blob(db: sqlite3.Connection, name: bytes) -> bytes | None:
    row = db.execute("SELECT content FROM blobs WHERE hash = ?", (name,)).fetchone()
    return None if row is None else row[0]
