"""Which runs should be gone on with, found without reading a record.

Two small tables are kept beside the runs, written in the transactions that change what they say:

* ``waits`` holds the letters that a resting run waits for, by kind and name.
* ``dues`` has a row for each run that somebody should go on with by itself, and from when on: a timer's time; 0 as soon
  as a letter that it waits for was posted; -1 when it was asked to be cancelled.

So a look is one range of one index, however many runs rest and whatever letters lie about. Runs whose owner died
are those with status ``running`` and an unlocked byte (`backedge.checkpoints.ownership`); an index has the running ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from itertools import islice, takewhile
from typing import Final

from backedge.engine.records import (
    UNTOLD_AWAITED,
    Awaited,
    Cause,
    Letter,
    LetterKind,
    Pending,
    RunStatus,
)

from .codec import is_resumption
from .lineage import LAST, place
from .ownership import Owners

CANCEL: Final = -1.0
FINAL: Final = frozenset({RunStatus.COMPLETED, RunStatus.CANCELLED})
WAITING: Final = frozenset({RunStatus.SUSPENDED, RunStatus.IN_DOUBT})
NOTHING: Final = Awaited()

_PUT = "INSERT OR REPLACE INTO dues (run, graph, due) SELECT key, graph, ? FROM runs WHERE key = ?"
_FITTING = """
    SELECT 1 FROM letters JOIN waits ON waits.run = letters.run AND waits.kind = letters.kind
    AND waits.name = letters.name WHERE letters.run = ? LIMIT 1"""
_TO_CANCEL = "SELECT 1 FROM letters WHERE run = ? AND kind = 'cancel'"
_DUE = """
    SELECT key, epoch, due FROM dues JOIN runs ON key = run
    WHERE dues.graph = ? AND due <= ? AND status != 'running' ORDER BY due"""
# Answered by the index alone: of the many that are under way hardly any is looked at further.
_RUNNING = "SELECT key, epoch, NULL FROM runs WHERE graph = ? AND status = 'running'"
# Walked backwards, and only as long as it takes.
_HEADS = "SELECT substr(body, 1, 40) FROM records WHERE place BETWEEN ? AND ? ORDER BY place DESC"
_FOUND = "SELECT run_id, graph, digest, status, epoch FROM runs WHERE key = ?"


def awaited_of(status: RunStatus, awaited: Awaited | None) -> Awaited:
    """What a run of this status waits for, where that was told and where it was not."""
    if awaited is not None:
        return awaited
    return UNTOLD_AWAITED if status in WAITING else NOTHING


def note_rest(db: sqlite3.Connection, key: int, status: RunStatus, awaited: Awaited | None) -> None:
    """The run has this status from now on; called once its letters that were taken are gone."""
    told = awaited_of(status, awaited)
    db.execute("DELETE FROM waits WHERE run = ?", (key,))
    if told.letters:
        rows = [(key, kind.value, name) for kind, name in told.letters]
        db.executemany("INSERT OR IGNORE INTO waits VALUES (?, ?, ?)", rows)
    due = told.due
    if status in FINAL or status is RunStatus.RUNNING:
        due = None
    elif db.execute(_TO_CANCEL, (key,)).fetchone():
        due = CANCEL
    elif told.letters and db.execute(_FITTING, (key,)).fetchone():
        due = 0.0
    if due is None:
        db.execute("DELETE FROM dues WHERE run = ?", (key,))
    else:
        db.execute(_PUT, (due, key))


def note_letter(db: sqlite3.Connection, key: int, letter: Letter) -> None:
    """A letter was posted to the run."""
    (status,) = db.execute("SELECT status FROM runs WHERE key = ?", (key,)).fetchone()
    if status == RunStatus.RUNNING.value or RunStatus(status) in FINAL:
        return  # its owner looks by himself, and when he is done `note_rest` does
    if letter.kind is LetterKind.CANCEL:
        db.execute(_PUT, (CANCEL, key))
        return
    query = "SELECT 1 FROM waits WHERE run = ? AND kind = ? AND name = ?"
    before = db.execute("SELECT due FROM dues WHERE run = ?", (key,)).fetchone()
    if (before is None or before[0] > 0) and db.execute(
        query, (key, letter.kind.value, letter.name)
    ).fetchone():
        db.execute(_PUT, (0.0, key))


def forget_run(db: sqlite3.Connection, key: int) -> None:
    """The run is deleted."""
    db.execute("DELETE FROM waits WHERE run = ?", (key,))
    db.execute("DELETE FROM dues WHERE run = ?", (key,))


def read_pending(
    db: sqlite3.Connection, owners: Owners, graphs: Collection[str], now: float, limit: int
) -> list[Pending]:
    """See `Journal.pending`. The first to be found are those that were asked to be cancelled."""
    db.execute("BEGIN")
    try:
        return list(islice(_pending(db, owners, graphs, now), limit))
    finally:
        db.execute("COMMIT")


def _pending(
    db: sqlite3.Connection, owners: Owners, graphs: Collection[str], now: float
) -> Iterator[Pending]:
    for query, more in ((_DUE, (now,)), (_RUNNING, ())):
        for graph in graphs:
            for key, epoch, due in db.execute(query, (graph, *more)):
                if not owners.owned(key, epoch):
                    run_id, name, digest, status, epoch = db.execute(_FOUND, (key,)).fetchone()
                    if due is None and db.execute(_TO_CANCEL, (key,)).fetchone():
                        due = CANCEL
                    cause = _cause(due)
                    deaths = deaths_of(db, key) if cause is Cause.CRASHED else 0
                    yield Pending(run_id, name, digest, RunStatus(status), epoch, cause, deaths)


def deaths_of(db: sqlite3.Connection, key: int) -> int:
    """How many owners in a row went on with a crashed run and left no record but that they did."""
    heads = db.execute(_HEADS, (place(key, 0), place(key, LAST)))
    return sum(1 for _ in takewhile(lambda row: is_resumption(row[0]), heads))


def _cause(due: float | None) -> Cause:
    if due is None:
        return Cause.CRASHED
    if due < 0:
        return Cause.CANCELLED
    return Cause.DUE if due > 0 else Cause.LETTERS


def awaited_of_run(db: sqlite3.Connection, key: int, status: RunStatus) -> Awaited | None:
    """What a run waits for, as far as that was told; None where it does not wait."""
    if status not in WAITING:
        return None
    letters = frozenset(
        (LetterKind(kind), name)
        for kind, name in db.execute("SELECT kind, name FROM waits WHERE run = ?", (key,))
    )
    row = db.execute("SELECT due FROM dues WHERE run = ?", (key,)).fetchone()
    return Awaited(None if row is None else max(row[0], 0.0), letters)
