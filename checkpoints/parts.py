"""What a transaction is made of: see `backedge.checkpoints.group`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from backedge.engine.errors import (
    FencedError,
    JournalError,
    JournalWriteError,
    RunExistsError,
    RunOwnedError,
)
from backedge.engine.records import Awaited, RunHeader, RunStatus

from .codec import Encoded, content_hash
from .group import Seat
from .inbox import take_letters
from .lineage import holder, last_seq, place
from .ownership import Owners
from .pending import note_rest
from .refusals import no_record
from .rows import find_run, insert_blobs, insert_content

QUICK = 16 * 1024
"""Bytes of records that may be written on the event loop: a few pages."""

_INSERT = "INSERT INTO records VALUES (?, ?, ?)"
_INSERT_FENCED = "INSERT INTO records SELECT ?, ?, ? WHERE (SELECT epoch FROM runs WHERE key = ?) = ?"
_OURS = "SELECT 1 FROM runs WHERE key = ? AND epoch = ?"


def _size(record: Encoded) -> int:
    return QUICK + 1 if record.blobs else len(record.body)


class Append:
    """Some records of one run, fenced, and the letters they take."""

    def __init__(
        self,
        name: str,
        seat: Seat,
        owners: Owners,
        records: Sequence[Encoded],
        status: RunStatus | None,
        taken: Sequence[int] = (),
        awaited: Awaited | None = None,
        *,
        lasting: bool = False,
    ) -> None:
        self.seat = seat
        self.lasting = lasting  # whether it is to survive a power cut whatever the journal's setting
        self._awaited = awaited
        self._status = status  # the run's status after these records, where they change it
        self._name = name
        self._owners = owners
        self._records = records
        self._taken = taken
        # One record without blobs is one statement, which is the common case.
        self.several = bool(len(records) > 1 or status is not None or taken or (records and records[0].blobs))
        self.quick = not lasting and sum(map(_size, records)) <= QUICK

    def apply(self, db: sqlite3.Connection) -> None:
        """Insert the records if the epoch is still ours."""
        seat = self.seat
        if seat.error is not None:
            raise seat.error
        if self._records:
            self._insert(db)
        elif self._taken and not db.execute(_OURS, (seat.key, seat.epoch)).fetchone():
            raise self._fenced(db)
        if self._taken:
            take_letters(db, self._name, seat, self._taken)
        if self._status is not None:
            db.execute("UPDATE runs SET status = ? WHERE key = ?", (self._status.value, seat.key))
            note_rest(db, seat.key, self._status, self._awaited)

    def _insert(self, db: sqlite3.Connection) -> None:
        seat = self.seat
        first, *rest = self._records
        row = (place(seat.key, first.seq), first.crc, first.body, seat.key, seat.epoch)
        if db.execute(_INSERT_FENCED, row).rowcount != 1:
            raise self._fenced(db)
        if rest:
            db.executemany(_INSERT, [(place(seat.key, seq), crc, body) for seq, crc, body, _ in rest])
        for record in self._records:
            if record.blobs:
                insert_content(db, seat.key, record)

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether the last of them is there, which the others precede; or the letters are gone."""
        if not self._records:
            query = "SELECT 1 FROM letters WHERE number = ?"
            return not any(db.execute(query, (number,)).fetchone() for number in self._taken)
        last = self._records[-1]
        query = "SELECT crc FROM records JOIN runs ON key = ? AND epoch = ? WHERE place = ?"
        row = db.execute(query, (self.seat.key, self.seat.epoch, place(self.seat.key, last.seq))).fetchone()
        return row is not None and row[0] == last.crc

    def _fenced(self, db: sqlite3.Connection) -> JournalError:
        seat = self.seat
        self._owners.free(seat.key, seat.epoch)
        row = db.execute("SELECT epoch FROM runs WHERE key = ?", (seat.key,)).fetchone()
        if row is None:
            return JournalWriteError(
                self._name, f"run {seat.header.run_id!r} was deleted while it was written"
            )
        return FencedError(self._name, seat.header.run_id, seat.epoch, row[0])


class Create:
    """A new run with its first records, owned from the start."""

    several = True
    quick = False

    def __init__(
        self,
        name: str,
        owners: Owners,
        header: RunHeader,
        records: Sequence[Encoded],
        status: RunStatus,
        me: str,
    ) -> None:
        self.seat = Seat()
        self.seat.header = header
        self._name = name
        self._owners = owners
        self._records = records
        self._status = status
        self._me = me

    def apply(self, db: sqlite3.Connection) -> None:
        """Insert the run and its records, and lock it before anybody can see it. A fork costs no more."""
        header, seat = self.seat.header, self.seat
        if db.execute("SELECT 1 FROM runs WHERE run_id = ?", (header.run_id,)).fetchone():
            raise RunExistsError(self._name, header.run_id)
        origin = None if header.parent is None else self._origin(db, *header.parent)
        shape = content_hash(header.shape)
        insert_blobs(db, ((shape, header.shape),))
        row = (header.run_id, header.graph, header.digest, shape, header.created)
        parent = header.parent or (None, None)
        inserted = db.execute(
            "INSERT INTO runs (run_id, graph, digest, shape, created, parent, parent_seq, status, epoch, owner)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
            (*row, *parent, self._status.value, self._me),
        )
        key = inserted.lastrowid
        assert key is not None
        self._owners.free(seat.key, seat.epoch)  # a transaction begun anew may have given it another key
        seat.key, seat.epoch, seat.next_seq = key, 1, self._records[-1].seq + 1
        if not self._owners.claim(seat.key, seat.epoch):
            raise RunOwnedError(self._name, header.run_id, "a process that is just making it")
        if origin is not None:
            db.execute("INSERT INTO forks VALUES (?, ?, ?)", (key, *origin))
        db.executemany(_INSERT, [(place(key, seq), crc, body) for seq, crc, body, _ in self._records])
        if self._status is not RunStatus.RUNNING:
            note_rest(db, key, self._status, None)
        for record in self._records:
            if record.blobs:
                insert_content(db, key, record)

    def _origin(self, db: sqlite3.Connection, parent: str, seq: int) -> tuple[int, int]:
        """The key that holds the record a fork goes on from, and its `seq`."""
        key, _ = find_run(db, self._name, parent)
        held = holder(db, key, seq)
        if seq < 0 or not db.execute("SELECT 1 FROM records WHERE place = ?", (place(held, seq),)).fetchone():
            raise no_record(self._name, parent, seq, last_seq(db, key))
        return held, seq

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether the run is there, made by us."""
        query = "SELECT 1 FROM runs WHERE key = ? AND run_id = ? AND owner = ? AND epoch = 1"
        row = (self.seat.key, self.seat.header.run_id, self._me)
        return db.execute(query, row).fetchone() is not None


class Acquire:
    """The next epoch of a run."""

    several = True
    quick = False

    def __init__(
        self, name: str, owners: Owners, run_id: str, me: str, *, takeover: bool, wanted: int | None = None
    ) -> None:
        self.seat = Seat()
        self._wanted = wanted  # the epoch it must still have, or None
        self._name = name
        self._owners = owners
        self._run_id = run_id
        self._me = me
        self._takeover = takeover

    def apply(self, db: sqlite3.Connection) -> None:
        """Raise the epoch, and lock the run in it."""
        seat = self.seat
        seat.key, seat.header = find_run(db, self._name, self._run_id)
        epoch, owner = db.execute("SELECT epoch, owner FROM runs WHERE key = ?", (seat.key,)).fetchone()
        if self._owners.owned(seat.key, epoch) and not self._takeover:
            raise RunOwnedError(self._name, self._run_id, owner)
        if self._wanted is not None and epoch != self._wanted:
            raise RunOwnedError(self._name, self._run_id, f"{owner}, who was faster")
        self._owners.free(seat.key, seat.epoch)  # a transaction begun anew may have found another epoch
        seat.epoch = epoch + 1
        # Written first: where nothing may be written that is what has to be told.
        db.execute("UPDATE runs SET epoch = ?, owner = ? WHERE key = ?", (seat.epoch, self._me, seat.key))
        if not self._owners.claim(seat.key, seat.epoch):
            raise RunOwnedError(self._name, self._run_id, "a process that is just acquiring it")
        seat.next_seq = last_seq(db, seat.key) + 1

    def landed(self, db: sqlite3.Connection) -> bool:
        """Whether the epoch is the one we gave it."""
        query = "SELECT 1 FROM runs WHERE key = ? AND epoch = ? AND owner = ?"
        return db.execute(query, (self.seat.key, self.seat.epoch, self._me)).fetchone() is not None
