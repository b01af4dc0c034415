"""Looking a journal's file over: what is damaged, run by run and record by record. Nothing is written.

What is looked at: the database's own structure, each record's checksum and place, each blob's content, what forks go on
from, each letter, and whether a run's status is what its records say. A last record that vanished with all traces
cannot be missed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from backedge.engine.errors import JournalCorruptError, JournalFormatError

from .inbox import letter_sum
from .migrations import APPLICATION_ID, MIGRATIONS, version_of
from .raw import Held, Row, chain, has_log, is_content, look_through, open_to_look, rows, run_rows, shape_of
from .walfile import passed_over

_SETTLE = 0.2  # seconds
_MOST = 100  # problems of its structure that SQLite is asked for


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is damaged: of a run and a record where that is known."""

    message: str
    run_id: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    Attributes:
        runs: How many runs there are.
        records: How many records, those that several runs share counted once.
        findings: What is damaged; empty for a journal that is sound.
    """

    runs: int
    records: int
    findings: tuple[Finding, ...]


def check_file(path: Path) -> Checked:
    """Look a journal over.

    Raises:
        JournalFormatError: It is no journal of ours, or of a newer version.
        JournalCorruptError: It is so damaged that SQLite cannot open it.
    """
    quiet = not has_log(path)
    try:
        checked = _opened_and_looked_over(path)
    except JournalCorruptError:
        if not (quiet and has_log(path)):
            raise
    else:
        if not (checked.findings and quiet and has_log(path)):
            return checked
    return _opened_and_looked_over(path)  # somebody began to work on it while we looked


def _opened_and_looked_over(path: Path) -> Checked:
    try:
        db = open_to_look(path)
    except sqlite3.Error as error:
        raise JournalCorruptError(
            str(path), f"it cannot be opened ({error}); what can be read is copied by --salvage"
        ) from error
    with closing(db):
        must_be_ours(path, db)
        db.execute("BEGIN")  # what is written meanwhile is not looked at by halves
        return _looked_over(path, db)


def must_be_ours(path: Path, db: sqlite3.Connection) -> None:
    """Raise JournalFormatError for another program's database, or a newer version's."""
    if db.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise JournalFormatError(str(path), "this database is not a backedge journal; name another file")
    if version_of(db) > len(MIGRATIONS):
        raise JournalFormatError(str(path), "it was written by a newer backedge; upgrade backedge")
    if version_of(db) < len(MIGRATIONS):
        raise JournalFormatError(
            str(path),
            "it was written by an older backedge; open it once with 'backedge runs' to bring it up to date",
        )


def _looked_over(path: Path, db: sqlite3.Connection) -> Checked:
    found = [*_file(path, db)]
    runs, wrong = run_rows(db)
    found += map(Finding, wrong)
    starts = {run.key: chain(db, run.key)[-1].first for run in runs}
    for key, first in _kept_for_forks(db):
        starts.setdefault(key, first)
    held = {key: look_through(db, key, first) for key, first in sorted(starts.items())}
    for run in runs:
        found += _run(db, run, held)
    found += _strays(db, starts)
    found += _blobs(db)
    found += _letters(db, {run.key: run.run_id for run in runs})
    return Checked(len(runs), sum(one.end - one.first for one in held.values()), tuple(found))


def _file(path: Path, db: sqlite3.Connection) -> Iterator[Finding]:
    told, problem = rows(db, f"PRAGMA integrity_check({_MOST})")
    for (line,) in told:
        if line != "ok":
            yield Finding(f"the database's structure is damaged: {' '.join(line.split())}")
    if problem is not None:
        yield Finding(f"the database's structure is damaged: {problem}")
    lost = _lost_of_log(path)
    if lost is not None:
        time.sleep(_SETTLE)  # it may just have been written
        if lost == _lost_of_log(path):
            yield Finding(lost)


def _lost_of_log(path: Path) -> str | None:
    try:
        return passed_over(path.with_name(f"{path.name}-wal").read_bytes())
    except FileNotFoundError:
        return None


def _kept_for_forks(db: sqlite3.Connection) -> list[tuple[int, int]]:
    """Keys of deleted runs whose records forks need, and where those begin."""
    found, _ = rows(
        db,
        "SELECT parent, coalesce((SELECT seq + 1 FROM forks f WHERE f.key = forks.parent), 0) FROM forks"
        " WHERE parent NOT IN (SELECT key FROM runs) GROUP BY parent",
    )
    return [(key, first) for key, first in found if isinstance(key, int) and isinstance(first, int)]


def _run(db: sqlite3.Connection, run: Row, held: Mapping[int, Held]) -> Iterator[Finding]:
    if shape_of(db, run) is None:
        yield Finding(f"run {run.run_id!r}: the description of its graph is damaged", run.run_id)
    damaged = [
        damage for segment in chain(db, run.key) for damage in _within(segment.last, held.get(segment.key))
    ]
    for seq, why in damaged:
        first = "" if seq != damaged[0][0] else f"; the {seq} records before it can be read"
        yield Finding(f"run {run.run_id!r}: record {seq} is damaged: {why}{first}", run.run_id, seq)
    told = held[run.key].status
    if not damaged and told is not None and told.value != run.status:
        yield Finding(
            f"run {run.run_id!r}: it is listed as {run.status}, but its records say {told.value}: some are lost",
            run.run_id,
        )


def _within(last: int, held: Held | None) -> Iterator[tuple[int, str]]:
    """What is damaged of a segment that should reach to `last`."""
    if held is None:
        return
    yield from ((seq, why) for seq, why in held.damaged if seq <= last)
    shared = last < 1 << 31  # otherwise it is a run's own and ends where it ends
    if (shared and held.end <= last) or held.end == held.first:
        yield held.end, "it is missing"


def _strays(db: sqlite3.Connection, known: Mapping[int, int]) -> Iterator[Finding]:
    keys, _ = rows(db, "SELECT DISTINCT place >> 32 FROM records")
    for (key,) in keys:
        if key not in known:
            yield Finding(f"records of run number {key} are there, but the run's own row is not")


def _blobs(db: sqlite3.Connection) -> Iterator[Finding]:
    names, problem = rows(db, "SELECT key, hash FROM blobs NOT INDEXED ORDER BY key")
    for key, name in names:
        content, why = rows(db, "SELECT content FROM blobs WHERE key = ?", key)
        if not content or not is_content(content[0][0], name):
            called = name.hex()[:12] if isinstance(name, bytes) else key
            yield Finding(f"the large value {called} is damaged: {why or 'not what its name says'}")
    if problem is not None:
        yield Finding(f"the table of large values is damaged: {problem}")


def _letters(db: sqlite3.Connection, names: Mapping[int, str]) -> Iterator[Finding]:
    found, problem = rows(db, "SELECT number, run, kind, name, value, at, crc FROM letters ORDER BY number")
    for number, run, kind, name, value, at, crc in found:
        run_id = names.get(run)
        if not isinstance(value, bytes) or letter_sum(kind, name, value, at) != crc:
            yield Finding(f"letter {number} to run {run_id!r} is damaged", run_id)
        elif run_id is None:
            yield Finding(f"letter {number} is for a run that is not there")
    if problem is not None:
        yield Finding(f"the letters are damaged: {problem}")
