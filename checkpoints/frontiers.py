"""Frontiers in the database: what a run's records led to, kept now and then for whoever opens the run.

A cache: losing one, or not believing a damaged one, costs reading more records and nothing else.
"""

from __future__ import annotations

import sqlite3
import zlib

from .group import Seat
from .lineage import LAST, place, segments
from .parts import QUICK
from .rows import find_run


class Keep:
    """A frontier to be kept, if the run is still ours."""

    several = False

    def __init__(self, seat: Seat, seq: int, frontier: bytes) -> None:
        self.seat = seat
        self.quick = len(frontier) <= QUICK
        self._seq = seq
        self._frontier = frontier

    def apply(self, db: sqlite3.Connection) -> None:
        """Store it, unless records before it could not be."""
        seat = self.seat
        if seat.error is not None:
            raise seat.error
        db.execute(
            "INSERT OR REPLACE INTO frontiers SELECT ?, ?, ? WHERE (SELECT epoch FROM runs WHERE key = ?) = ?",
            (place(seat.key, self._seq), zlib.crc32(self._frontier), self._frontier, seat.key, seat.epoch),
        )

    def landed(self, db: sqlite3.Connection) -> bool:
        """It is taken for that: where it is not, nothing is lost."""
        return True


def read_frontier(
    db: sqlite3.Connection, name: str, run_id: str, before: int | None
) -> tuple[int, bytes] | None:
    """The last frontier of a run of a record below `before`. Raises RunNotFoundError.

    Of what a run shares with the one it was forked from, the last record's edges were looked at again: a frontier of
    that record is not the fork's.
    """
    key, _ = find_run(db, name, run_id)
    chain = segments(db, key)
    for segment in reversed(chain):
        last = segment.last if segment is chain[-1] else segment.last - 1
        if before is not None:
            last = min(last, before - 1)
        if last < segment.first:
            continue
        query = (
            "SELECT place, crc, body FROM frontiers WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1"
        )
        span = (place(segment.key, segment.first), place(segment.key, min(last, LAST)))
        row = db.execute(query, span).fetchone()
        if row is not None and zlib.crc32(row[2]) == row[1]:
            return row[0] - place(segment.key, 0), row[2]
    return None
