"""Removing a run: its records go unless forks need them, and the space goes back to the file system.

A run's records stay up to the last one that a fork goes on from. When the last such fork is gone they go too, and so
on up the chain. A blob goes with the last record or run that uses it.

Freed pages are first reused. `give_back` then moves pages from the file's end into the free ones, some at a time so that
commits need not wait; the file itself becomes shorter at the next checkpoint.
"""

from __future__ import annotations

import sqlite3

from backedge.engine.errors import RunOwnedError

from .group import Seat
from .lineage import LAST, place
from .ownership import Owners
from .pending import forget_run
from .rows import find_run

_PAGES = 500  # given back in one transaction, some milliseconds
_UNUSED = """
    DELETE FROM blobs WHERE {which} = ?
    AND NOT EXISTS (SELECT 1 FROM uses WHERE uses.blob = blobs.key)
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.shape = blobs.hash)"""


class Delete:
    """The removal of a run that nobody owns."""

    several = True
    quick = False

    def __init__(self, name: str, owners: Owners, run_id: str) -> None:
        self.seat = Seat()
        self._name = name
        self._owners = owners
        self._run_id = run_id

    def apply(self, db: sqlite3.Connection) -> None:
        """Remove it. Nobody can acquire it meanwhile, for that takes a transaction too."""
        key, _ = find_run(db, self._name, self._run_id)
        query = "SELECT epoch, owner, shape FROM runs WHERE key = ?"
        epoch, owner, shape = db.execute(query, (key,)).fetchone()
        if self._owners.owned(key, epoch):
            raise RunOwnedError(self._name, self._run_id, owner)
        self.seat.key = key
        db.execute("DELETE FROM letters WHERE run = ?", (key,))
        forget_run(db, key)
        db.execute("DELETE FROM runs WHERE key = ?", (key,))
        _shed(db, key)
        db.execute(_UNUSED.format(which="hash"), (shape,))

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether it is gone."""
        return db.execute("SELECT 1 FROM runs WHERE key = ?", (self.seat.key,)).fetchone() is None


def give_back(db: sqlite3.Connection) -> bool:
    """Give some free pages back; True when there are more."""
    (before,) = db.execute("PRAGMA freelist_count").fetchone()
    if before:
        # It takes a step for each page, and `execute` would stop after the first, for none has columns.
        db.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
    (left,) = db.execute("PRAGMA freelist_count").fetchone()
    return bool(0 < left < before)  # no progress: a file that cannot shrink, whose pages are reused


def _shed(db: sqlite3.Connection, key: int) -> None:
    """Remove what nobody needs any more of a run that is deleted, and of what it was forked from."""
    while db.execute("SELECT 1 FROM runs WHERE key = ?", (key,)).fetchone() is None:
        (needed,) = db.execute("SELECT max(seq) FROM forks WHERE parent = ?", (key,)).fetchone()
        _drop_records(db, key, 0 if needed is None else needed + 1)
        if needed is not None:
            return
        row = db.execute("SELECT parent FROM forks WHERE key = ?", (key,)).fetchone()
        if row is None:
            return
        db.execute("DELETE FROM forks WHERE key = ?", (key,))
        (key,) = row


def _drop_records(db: sqlite3.Connection, key: int, first: int) -> None:
    span = (place(key, first), place(key, LAST))
    used = db.execute("SELECT DISTINCT blob FROM uses WHERE place BETWEEN ? AND ?", span).fetchall()
    db.execute("DELETE FROM uses WHERE place BETWEEN ? AND ?", span)
    db.execute("DELETE FROM records WHERE place BETWEEN ? AND ?", span)
    db.execute("DELETE FROM frontiers WHERE place BETWEEN ? AND ?", span)
    db.executemany(_UNUSED.format(which="key"), used)
