"""Copying what can be read of a damaged journal into a new one.

Of each run its records up to the first that is damaged are copied, for those after it cannot be followed without it.
What forks share stays shared where the parent is there too. Each record is checked as it is read, so what is copied is
what was written.

Where the file's first page is damaged, others are tried in its place, in a copy: the same page with a new header, and
that of a fresh journal. A wrong guess does no harm, because nothing it shows would pass its checksum.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from backedge.engine.errors import JournalCorruptError, JournalFormatError, JournalOpenError
from backedge.engine.ports import Journal
from backedge.engine.records import Letter, LetterKind, Record, RunForked, RunHeader, RunStarted

from .checking import must_be_ours
from .inbox import letter_sum
from .lineage import Segment, holder
from .raw import DAMAGE, Row, chain, open_to_look, rows, run_rows, shape_of, stored
from .sqlite import SqliteJournal

_HEADER = 100  # bytes of the first page that describe the file


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A run that was copied, or could not be.

    Attributes:
        records: How many records the copy has; 0: there is no copy.
        whole: Whether that is all of them.
    """

    run_id: str
    records: int
    whole: bool


async def salvage(path: Path, target: Path) -> list[Salvaged]:
    """Copy what can be read of the journal at `path` into a new one at `target`.

    Raises:
        JournalOpenError: There is something at `target` already.
        JournalFormatError: `path` is no journal.
        JournalCorruptError: Nothing of it can be read.
    """
    if await asyncio.to_thread(target.exists):
        raise JournalOpenError(str(target), "there is a file already; name a new one to salvage into")
    with tempfile.TemporaryDirectory(prefix="backedge-salvage-") as folder:
        readable = await asyncio.to_thread(_readable, path, Path(folder))
        with closing(open_to_look(readable)) as db:
            async with await SqliteJournal.open(target) as journal:
                return await _copied(db, journal)


async def _copied(db: sqlite3.Connection, journal: Journal) -> list[Salvaged]:
    told = []
    copied: dict[str, tuple[int, int]] = {}  # the key each was copied from, and how many records
    for run in run_rows(db)[0]:
        segments = chain(db, run.key)
        parent = _parent(db, run, copied)
        records, whole = _beginning(db, segments if parent is None else segments[-1:])
        if parent is not None and not records:  # nothing of its own: it can be no fork any more
            parent = None
            records, whole = _beginning(db, segments)
        count = len(records) + (0 if parent is None else parent[1] + 1)
        told.append(Salvaged(run.run_id, count, whole))
        if records:
            await _copy(db, journal, run, records, parent)
            copied[run.run_id] = (run.key, count)
    return told


async def _copy(
    db: sqlite3.Connection,
    journal: Journal,
    run: Row,
    records: list[Record],
    parent: tuple[str, int] | None,
) -> None:
    shape = shape_of(db, run)
    header = RunHeader(run.run_id, run.graph, run.digest, shape or b"{}", run.created, parent)
    first, *rest = records
    assert isinstance(first, RunStarted | RunForked)
    log = await journal.create(header, first, *rest)
    await log.release()
    for letter in _letters(db, run.key):
        await journal.post(run.run_id, letter)


def _beginning(db: sqlite3.Connection, segments: Sequence[Segment]) -> tuple[list[Record], bool]:
    """The records of these segments up to the first that cannot be read, and whether those are all."""
    records: list[Record] = []
    for segment in segments:
        if len(records) != segment.first - segments[0].first:
            return records, False  # the one before ends too soon
        for _, found in stored(db, segment.key, segment.first, segment.last):
            if isinstance(found, str):
                return records, False
            records.append(found)
    return records, len(records) > segments[-1].first - segments[0].first


def _parent(
    db: sqlite3.Connection, run: Row, copied: Mapping[str, tuple[int, int]]
) -> tuple[str, int] | None:
    """What the copy of a fork goes on from: its parent, if that was copied far enough, else it holds all itself."""
    if run.parent is None or run.parent_seq is None or run.parent not in copied:
        return None
    key, there = copied[run.parent]
    found, _ = rows(db, "SELECT parent, seq FROM forks WHERE key = ?", run.key)
    try:
        held = holder(db, key, run.parent_seq)
    except DAMAGE:
        return None
    # The run of that name may be a newer one, made after the parent was deleted.
    same = found == [(held, run.parent_seq)] and key < run.key
    return (run.parent, run.parent_seq) if same and there > run.parent_seq else None


def _letters(db: sqlite3.Connection, key: int) -> Iterator[Letter]:
    query = "SELECT kind, name, value, at, crc FROM letters NOT INDEXED WHERE run = ? ORDER BY number"
    for kind, name, value, at, crc in rows(db, query, key)[0]:
        if isinstance(value, bytes) and letter_sum(kind, name, value, at) == crc:
            yield Letter(LetterKind(kind), name, value, at)


# --------------------------------------------------------------------------- the first page


def _readable(path: Path, folder: Path) -> Path:
    """The file, or a copy of it with a first page that lets it be read."""
    problem: Exception
    try:
        _must_open(path)
        return path
    except JournalFormatError:
        raise
    except DAMAGE as error:
        problem = error
    for page in _first_pages(path, folder):
        copy = folder / "copy.db"
        shutil.copyfile(path, copy)
        with copy.open("r+b") as file:
            file.write(page)
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            shutil.copyfile(log, copy.with_name("copy.db-wal"))
        try:
            _must_open(copy, least=1)
            return copy
        except (*DAMAGE, JournalFormatError):
            continue
    raise JournalCorruptError(
        str(path), f"nothing of it can be read ({problem}); restore a copy"
    ) from problem


def _must_open(path: Path, least: int = 0) -> None:
    """Raise where it cannot be read, or holds fewer runs than it must to be more than a guess."""
    with closing(open_to_look(path)) as db:
        must_be_ours(path, db)
        for table in ("runs", "records", "blobs", "forks", "letters"):
            db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall()  # noqa: S608  # one of these names
        if len(run_rows(db)[0]) < least:
            raise sqlite3.DatabaseError("no runs")


def _first_pages(path: Path, folder: Path) -> Iterator[bytes]:
    """What may stand in place of a damaged first page."""
    from .database import make_database

    fresh = folder / "fresh.db"
    make_database(fresh)
    with closing(sqlite3.connect(fresh)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
    page = bytearray(fresh.read_bytes()[:size])
    page[92:96] = b"\0\0\0\0"  # the size noted in the header is not that of this file: go by the file's own
    page[32:40] = bytes(8)  # nor does it have these free pages
    with path.open("rb") as file:
        own = file.read(size)
    yield bytes(page[:_HEADER]) + own[_HEADER:]
    yield bytes(page)
