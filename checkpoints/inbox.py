"""Letters in the database: posted by anybody, taken by the run's owner together with the records that say so."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence

from backedge.engine.errors import JournalCorruptError
from backedge.engine.records import Letter, LetterKind

from .group import Seat
from .pending import note_letter
from .refusals import no_letter
from .rows import find_run


class Post:
    """A new letter for a run, whoever owns it."""

    several = True
    quick = False

    def __init__(self, name: str, run_id: str, letter: Letter) -> None:
        self.seat = Seat()  # of no run: posting needs no ownership
        self.number = self.key = 0  # known when it is committed
        self._name = name
        self._run_id = run_id
        self._letter = letter

    def apply(self, db: sqlite3.Connection) -> None:
        """Insert it. Raises RunNotFoundError."""
        key, _ = find_run(db, self._name, self._run_id)
        letter = self._letter
        inserted = db.execute(
            "INSERT INTO letters (run, kind, name, value, at, crc) VALUES (?, ?, ?, ?, ?, ?)",
            (key, letter.kind.value, letter.name, letter.value, letter.at, _checksum(letter)),
        )
        assert inserted.lastrowid is not None
        self.number, self.key = inserted.lastrowid, key
        note_letter(db, key, letter)

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether it is there."""
        query = "SELECT crc FROM letters JOIN runs ON run = key WHERE number = ? AND run_id = ?"
        row = db.execute(query, (self.number, self._run_id)).fetchone()
        return row is not None and row[0] == _checksum(self._letter)


def read_letters(db: sqlite3.Connection, name: str, run_id: str, after: int) -> list[Letter]:
    """What was posted to a run and not taken, in order.

    Raises:
        RunNotFoundError: There is no such run.
        JournalCorruptError: A letter is damaged.
    """
    key, _ = find_run(db, name, run_id)
    query = (
        "SELECT kind, name, value, at, number, crc FROM letters WHERE run = ? AND number > ? ORDER BY number"
    )
    found = []
    for kind, called, value, at, number, crc in db.execute(query, (key, after)):
        try:
            letter = Letter(LetterKind(kind), called, value, at, number)
        except ValueError:
            letter = None
        if letter is None or _checksum(letter) != crc:
            told = f"letter {number} of run {run_id!r} is damaged: its checksum does not match"
            raise JournalCorruptError(name, told, run_id=run_id)
        found.append(letter)
    return found


def take_letters(db: sqlite3.Connection, name: str, seat: Seat, numbers: Sequence[int]) -> None:
    """Remove letters of a run. Raises JournalWriteError where one is not there, for then it would count twice."""
    for number in numbers:
        if db.execute("DELETE FROM letters WHERE number = ? AND run = ?", (number, seat.key)).rowcount != 1:
            raise no_letter(name, seat.header.run_id, number)


def letter_sum(kind: str, name: str, value: bytes, at: float) -> int:
    """CRC-32 of a letter."""
    return zlib.crc32(value, zlib.crc32(f"{kind}\0{name}\0{at!r}".encode()))


def _checksum(letter: Letter) -> int:
    return letter_sum(letter.kind.value, letter.name, letter.value, letter.at)
