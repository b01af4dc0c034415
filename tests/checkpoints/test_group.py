"""Transactions that fail halfway, and those of which nobody knows."""

import sqlite3
from contextlib import closing

import pytest

from backedge.checkpoints.codec import encode
from backedge.checkpoints.group import commit_group
from backedge.checkpoints.migrations import migrate
from backedge.checkpoints.ownership import LockFile, Owners
from backedge.checkpoints.parts import Acquire, Append, Create
from backedge.engine.errors import JournalCorruptError, JournalWriteError, RunExistsError, RunNotFoundError
from backedge.engine.records import RunStatus

from .samples import finished, header, started


def io_error(code=sqlite3.SQLITE_IOERR):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_IOERR"
    return error


class Fragile(sqlite3.Connection):
    """A connection whose statements fail when and how a test says; `fault` gets each before it is executed."""

    fault = None

    def execute(self, sql, *parameters):
        if self.fault is not None:
            self.fault(sql, parameters)
        return super().execute(sql, *parameters)


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:", isolation_level=None, factory=Fragile)) as db:
        migrate(db)
        yield db


@pytest.fixture
def owners(tmp_path):
    locks = LockFile(tmp_path / "lock")
    yield Owners(locks)
    locks.close()


@pytest.fixture
def seats(db, owners):
    parts = [
        Create("j", owners, header(name), [encode(started())], RunStatus.RUNNING, "me")
        for name in ("a", "b", "c")
    ]
    assert commit_group(db, "j", parts) == {}
    return [part.seat for part in parts]


@pytest.fixture
def appends(seats, owners):
    return [Append("j", seat, owners, [encode(finished(1)), encode(finished(2))], None) for seat in seats]


def counts(db):
    query = "SELECT run_id, count(place) FROM runs LEFT JOIN records ON place >> 32 = key GROUP BY key ORDER BY key"
    return dict(db.execute(query).fetchall())


def test_a_part_whose_transaction_was_lost_does_not_take_the_others_with_it(db, appends):
    def fault(sql, parameters):
        if sql.startswith("INSERT INTO records SELECT") and parameters[0][0] >> 32 == 2:
            sqlite3.Connection.execute(db, "ROLLBACK")
            raise io_error(sqlite3.SQLITE_FULL)

    db.fault = fault
    errors = commit_group(db, "j", appends)
    db.fault = None
    assert list(errors) == [appends[1]]
    assert "make room" in str(errors[appends[1]])
    assert appends[1].seat.error is errors[appends[1]]
    assert counts(db) == {"a": 3, "b": 1, "c": 3}


def test_a_part_that_fails_in_its_middle_is_taken_back_whole(db, appends):
    def fault(sql, parameters):
        if sql.startswith("INSERT INTO records SELECT") and parameters[0][0] >> 32 == 2:
            sqlite3.Connection.execute(db, "INSERT INTO records VALUES (?, 0, x'00')", ((2 << 32) + 2,))

    db.fault = fault
    errors = commit_group(db, "j", appends)
    db.fault = None
    assert list(errors) == [appends[1]]
    assert counts(db) == {"a": 3, "b": 1, "c": 3}


def test_a_commit_that_failed_is_told_for_all_and_nothing_is_there(db, appends):
    def fault(sql, _):
        if sql == "COMMIT":
            raise io_error()

    db.fault = fault
    errors = commit_group(db, "j", appends)
    db.fault = None
    assert list(errors) == appends
    assert all(isinstance(error, JournalWriteError) for error in errors.values())
    assert counts(db) == {"a": 1, "b": 1, "c": 1}
    assert not db.in_transaction


def test_a_commit_that_took_place_though_it_said_it_failed_is_a_commit(db, appends, owners):
    def fault(sql, _):
        if sql == "COMMIT":
            sqlite3.Connection.execute(db, "COMMIT")
            raise io_error()

    owners.free(appends[0].seat.key, appends[0].seat.epoch)
    db.fault = fault
    parts = [
        *appends[1:],
        Acquire("j", owners, "a", "me", takeover=False),
        Create("j", owners, header("d"), [encode(started())], RunStatus.RUNNING, "me"),
    ]
    assert commit_group(db, "j", parts) == {}
    db.fault = None
    assert counts(db) == {"a": 1, "b": 3, "c": 3, "d": 1}
    assert parts[2].seat.epoch == 2


def test_what_cannot_be_read_after_doubt_is_not_acknowledged(db, appends):
    def fault(sql, _):
        if sql == "COMMIT":
            sqlite3.Connection.execute(db, "COMMIT")
            raise io_error()
        if sql.startswith("SELECT crc"):
            raise io_error()

    db.fault = fault
    assert list(commit_group(db, "j", appends)) == appends


def test_a_transaction_that_cannot_begin_fails_all(db, appends):
    def fault(sql, _):
        if sql.startswith("BEGIN"):
            raise io_error(sqlite3.SQLITE_BUSY)

    db.fault = fault
    errors = commit_group(db, "j", appends)
    assert list(errors) == appends
    assert "another process kept the database locked" in str(errors[appends[0]])


def test_a_damaged_file_is_told_as_damage(db, appends):
    def fault(sql, _):
        if sql.startswith("INSERT"):
            raise io_error(sqlite3.SQLITE_CORRUPT)

    db.fault = fault
    assert isinstance(commit_group(db, "j", appends)[appends[0]], JournalCorruptError)


def test_parts_that_are_all_refused_leave_no_transaction(db, owners, seats):
    parts = [
        Create("j", owners, header("a"), [encode(started())], RunStatus.RUNNING, "me"),
        Acquire("j", owners, "nobody", "me", takeover=False),
    ]
    errors = commit_group(db, "j", parts)
    assert [type(error) for error in errors.values()] == [RunExistsError, RunNotFoundError]
    assert not db.in_transaction


def test_a_later_part_of_a_failed_run_fails_in_the_same_group(db, appends, owners):
    def fault(sql, parameters):
        if sql.startswith("INSERT INTO records SELECT") and parameters[0][0] == place(1, 1):
            raise io_error()

    def place(key, seq):
        return key << 32 | seq

    later = Append("j", appends[0].seat, owners, [encode(finished(3))], None)
    db.fault = fault
    errors = commit_group(db, "j", [appends[0], later, appends[1]])
    db.fault = None
    assert errors[later] is errors[appends[0]]
    assert counts(db) == {"a": 1, "b": 3, "c": 1}


def test_records_of_a_run_that_was_deleted_are_refused(db, appends):
    db.execute("DELETE FROM runs WHERE run_id = 'a'")
    errors = commit_group(db, "j", appends)
    assert list(errors) == [appends[0]]
    assert "deleted" in str(errors[appends[0]])


@pytest.mark.parametrize(("key", "epoch", "told"), [(4, 1, "just making it"), (1, 2, "just acquiring it")])
def test_a_byte_that_somebody_else_has_already_is_not_taken(db, owners, seats, tmp_path, key, epoch, told):
    locks = LockFile(tmp_path / "lock")
    Owners(locks).claim(key, epoch)
    owners.free(1, 1)
    part = (
        Create("j", owners, header("d"), [encode(started())], RunStatus.RUNNING, "me")
        if key == 4
        else Acquire("j", owners, "a", "me", takeover=False)
    )
    assert told in str(commit_group(db, "j", [part])[part])
    assert counts(db) == {"a": 1, "b": 1, "c": 1}
    assert db.execute("SELECT epoch FROM runs WHERE key = 1").fetchone() == (1,)
    locks.close()


def test_a_transaction_begun_anew_with_another_epoch_lets_go_of_the_first(db, owners, seats):
    owners.free(1, 1)
    part = Acquire("j", owners, "a", "me", takeover=False)
    lost = []

    def fault(sql, _):
        if sql.startswith("SAVEPOINT") and part.seat.epoch and not lost:
            lost.append(1)
            sqlite3.Connection.execute(db, "ROLLBACK")
            sqlite3.Connection.execute(db, "UPDATE runs SET epoch = 7 WHERE key = 1")
            raise io_error()

    db.fault = fault
    other = Acquire("j", owners, "b", "me", takeover=True)
    assert list(commit_group(db, "j", [part, other])) == [other]
    db.fault = None
    assert part.seat.epoch == 8
    assert owners.owned(1, 8)
    assert not owners.owned(1, 2)
