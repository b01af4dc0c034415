"""Which stored records a run consists of: its own, and those it shares with what it was forked from.

A fork holds its own records alone, the first of which follows the last one it shares. So a run is a chain of
segments, each under the key of the run that wrote it, and forking copies nothing. A fork of a fork goes on from the key
that *holds* the record, so a chain has no link that contributes nothing.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_SEQ_BITS = 32
LAST = (1 << _SEQ_BITS) - 1  # a `seq` that no record reaches


class Segment(NamedTuple):
    """Records that stand under one key, from `first` to `last`, both included."""

    key: int
    first: int
    last: int


def place(key: int, seq: int) -> int:
    """Where a record stands in the table."""
    return key << _SEQ_BITS | seq


def segments(db: sqlite3.Connection, key: int) -> list[Segment]:
    """The segments that make up a run, in the order of their records."""
    found = []
    last = LAST
    while True:
        parent, shared = _origin(db, key)
        found.append(Segment(key, shared + 1, last))
        if parent is None:
            return found[::-1]
        key, last = parent, shared


def holder(db: sqlite3.Connection, key: int, seq: int) -> int:
    """The key under which record `seq` of run `key` stands."""
    while True:
        parent, shared = _origin(db, key)
        if parent is None or seq > shared:
            return key
        key = parent


def last_seq(db: sqlite3.Connection, key: int) -> int:
    """The `seq` of a run's last record, -1 where there is none."""
    query = "SELECT max(place) FROM records WHERE place BETWEEN ? AND ?"
    (last,) = db.execute(query, (place(key, 0), place(key, LAST))).fetchone()
    return _origin(db, key)[1] if last is None else last - place(key, 0)


def _origin(db: sqlite3.Connection, key: int) -> tuple[int | None, int]:
    """What a run goes on from: the key that holds the last record it shares, and that record's `seq`."""
    row = db.execute("SELECT parent, seq FROM forks WHERE key = ?", (key,)).fetchone()
    # A parent is always older. Where it is not the file is damaged, and following it might never end.
    return (None, -1) if row is None or row[0] >= key else (row[0], row[1])
