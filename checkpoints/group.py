"""Group commit: what waits goes into one transaction, and what is wrong with one run stays with that run.

`commit_group` takes *parts* (`backedge.checkpoints.parts`): a new run, an acquisition, records of one run. Each part that needs several
statements has a savepoint, and each one that adds records is fenced: its first insert takes place only if the run's
epoch is still its owner's. A part that is refused is rolled back to its savepoint; the others commit.

An error of SQLite may end the whole transaction (a full disk does). Then it is begun again without the part it came
from. When COMMIT itself fails, nobody knows what is on disk: so it is read again, and a part is told to have
failed only if it is not there.

`commit_at_once` is for the event loop: the same in a few microseconds, or nothing at all, when anything is in its way.

All of this knows no event loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from backedge.engine.errors import JournalError
from backedge.engine.records import RunHeader

from .database import translate


class Seat:
    """The right to write one run, as the thread sees it: what a `RunLog` holds and the fence checks.

    Attributes:
        key: The run's key, 0 until it is known.
        epoch: The epoch of this acquisition, 0 until it is known.
        header: The run's header.
        next_seq: The `seq` that the run's next record must have when the seat is taken.
        error: Why this seat may not write any more, or None. It never goes back to None.
    """

    __slots__ = ("epoch", "error", "header", "key", "next_seq")

    def __init__(self) -> None:
        self.key = 0
        self.epoch = 0
        self.header: RunHeader
        self.next_seq = 0
        self.error: JournalError | None = None


class Part(Protocol):
    """One share of a transaction. `apply` may be called again when a transaction had to be begun anew."""

    @property
    def seat(self) -> Seat:
        """The seat it writes with."""

    @property
    def several(self) -> bool:
        """Whether it needs a savepoint: one statement alone takes itself back when it fails."""

    @property
    def quick(self) -> bool:
        """Whether it is so little that it may be applied on the event loop."""

    def apply(self, db: sqlite3.Connection) -> None:
        """Write. Raises JournalError or sqlite3.Error."""

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether what `apply` wrote is in the database."""


def commit_group(db: sqlite3.Connection, name: str, parts: Sequence[Part]) -> dict[Part, JournalError]:
    """Commit all parts that can be, in their order, and return the errors of the others.

    The seat of a part that failed has its error, so later parts of the same run fail too.
    """
    errors: dict[Part, JournalError] = {}
    todo = list(parts)
    while todo:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            _fail(todo, translate(name, "beginning a transaction", error), errors)
            break
        done = _apply_all(db, name, todo, errors)
        if db.in_transaction:
            _commit(db, name, done, errors)
            break
        todo = done
    return errors


def commit_at_once(
    db: sqlite3.Connection, name: str, parts: Sequence[Part]
) -> dict[Part, JournalError] | None:
    """Commit all parts together, waiting for nobody, and return the errors, as `commit_group` does.

    None when that cannot be done, because of another process's transaction or of a part that is refused: then nothing
    was done, and `commit_group` has to do it, or to tell whose fault it is.
    """
    alone = parts[0] if len(parts) == 1 and not parts[0].several else None
    try:
        if alone is not None:
            alone.apply(db)  # one statement is a transaction by itself, and begins none that waits
            return {}
        db.execute("BEGIN IMMEDIATE")
        for part in parts:
            part.apply(db)
    except BaseException as error:  # Ctrl-C among them
        if db.in_transaction:
            db.execute("ROLLBACK")
        if not isinstance(error, Exception):
            raise
        return {} if alone is not None and _is_there(db, alone) else None
    errors: dict[Part, JournalError] = {}
    _commit(db, name, parts, errors)
    return errors


def _apply_all(
    db: sqlite3.Connection, name: str, parts: Sequence[Part], errors: dict[Part, JournalError]
) -> list[Part]:
    """Apply parts; return those that were, and those not reached, when the transaction was lost on the way."""
    applied: list[Part] = []
    for number, part in enumerate(parts):
        try:
            if part.several:
                db.execute("SAVEPOINT part")
                part.apply(db)
                db.execute("RELEASE part")
            else:
                part.apply(db)
        except (JournalError, sqlite3.Error) as error:
            told = translate(name, "writing", error) if isinstance(error, sqlite3.Error) else error
            _fail([part], told, errors)
            if not db.in_transaction:
                return [*applied, *parts[number + 1 :]]
            if part.several:
                db.execute("ROLLBACK TO part")
                db.execute("RELEASE part")
        else:
            applied.append(part)
    return applied


def _commit(
    db: sqlite3.Connection, name: str, parts: Sequence[Part], errors: dict[Part, JournalError]
) -> None:
    if not parts:
        db.execute("ROLLBACK")
        return
    try:
        db.execute("COMMIT")
    except sqlite3.Error as error:
        told = translate(name, "committing", error)
        if db.in_transaction:
            db.execute("ROLLBACK")
        _fail([part for part in parts if not _is_there(db, part)], told, errors)


def _is_there(db: sqlite3.Connection, part: Part) -> bool:
    try:
        return part.landed(db)
    except sqlite3.Error:
        return (
            False  # nobody can read it now: not acknowledged, and who opens the run next sees what is there
        )


def _fail(parts: Sequence[Part], error: JournalError, errors: dict[Part, JournalError]) -> None:
    for part in parts:
        part.seat.error = part.seat.error or error
        errors[part] = error
