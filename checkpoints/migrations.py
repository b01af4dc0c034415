"""The database's schema, and how an older one becomes the present one.

``PRAGMA user_version`` says how many of `MIGRATIONS` were applied. Each is applied in one transaction together with
raising that number, so a database is always exactly at one of them. A migration that was released is never edited;
a change of the schema is a new one at the end of the list.

A record's place is ``run key << 32 | seq``, the row id of an ordinary table. That makes (run, seq) unique without a
second b-tree to write, keeps a run's records together, and counts them with one seek. (A ``WITHOUT ROWID`` table
would keep long bodies on overflow pages of their own and take three times the space.) Keys are never used twice, so a
lock of a deleted run cannot be taken for another's.

A fork's own records stand under its own key; `forks` says where it goes on from: the key that holds the last record it
shares (not necessarily its parent's, which may be a fork itself), and that record's `seq`. A deleted run whose records
forks still need has no row in `runs` any more, but keeps its key in `forks` and those records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .codec import blob_names

APPLICATION_ID = 0x6261636B  # "back"


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the schema: a name for messages, its statements, and what SQL alone cannot do, done after them."""

    name: str
    statements: tuple[str, ...]
    then: Callable[[sqlite3.Connection], None] | None = None


def _find_uses(db: sqlite3.Connection) -> None:
    """Note which records use which blobs. A record too damaged to tell keeps nothing from being given back."""
    heads = "SELECT place, substr(body, 1, instr(body || x'0a', x'0a') - 1) FROM records"
    for place, head in db.execute(heads):
        for name in blob_names(head):
            db.execute("INSERT OR IGNORE INTO uses SELECT ?, key FROM blobs WHERE hash = ?", (place, name))


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "runs, records and blobs",
        (
            """CREATE TABLE runs (
                key INTEGER PRIMARY KEY AUTOINCREMENT,
                run_id TEXT NOT NULL UNIQUE,
                graph TEXT NOT NULL,
                digest TEXT NOT NULL,
                shape BLOB NOT NULL,    -- hash of the blob that holds it: runs of one graph share it
                created REAL NOT NULL,
                parent TEXT,            -- run_id this run was forked from
                parent_seq INTEGER,
                status TEXT NOT NULL,
                epoch INTEGER NOT NULL, -- how often the run was acquired
                owner TEXT NOT NULL     -- who acquired it last; whether it still owns the run is for the lock to say
            ) STRICT""",
            """CREATE TABLE records (
                place INTEGER PRIMARY KEY, -- runs.key << 32 | seq
                crc INTEGER NOT NULL,
                body BLOB NOT NULL         -- JSON lines, see checkpoints/codec.py
            ) STRICT""",
            """CREATE TABLE blobs (
                key INTEGER PRIMARY KEY,
                hash BLOB NOT NULL UNIQUE, -- SHA-256 of content
                content BLOB NOT NULL
            ) STRICT""",
            """CREATE VIEW log AS -- for people with a database shell
                SELECT runs.run_id, place & 4294967295 AS seq, CAST(body AS TEXT) AS body
                FROM records JOIN runs ON runs.key = place >> 32""",
        ),
    ),
    Migration(
        "forks, letters, and which records use a blob",
        (
            """CREATE TABLE forks (
                key INTEGER PRIMARY KEY,
                parent INTEGER NOT NULL, -- key of the run that holds the last record it shares
                seq INTEGER NOT NULL     -- that record
            ) STRICT""",
            "CREATE INDEX forks_of ON forks (parent, seq)",
            """CREATE TABLE letters (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                run INTEGER NOT NULL, -- runs.key
                kind TEXT NOT NULL,
                name TEXT NOT NULL,
                value BLOB NOT NULL,
                at REAL NOT NULL,
                crc INTEGER NOT NULL
            ) STRICT""",
            "CREATE INDEX letters_of ON letters (run)",
            """CREATE TABLE uses (
                place INTEGER NOT NULL, -- of the record
                blob INTEGER NOT NULL,  -- blobs.key
                PRIMARY KEY (place, blob)
            ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX uses_of ON uses (blob)",
            "CREATE INDEX runs_of_shape ON runs (shape)",
        ),
        _find_uses,
    ),
    Migration(
        "frontiers",
        (
            """CREATE TABLE frontiers (
                place INTEGER PRIMARY KEY, -- of the record it was cut after
                crc INTEGER NOT NULL,
                body BLOB NOT NULL         -- a cache, see engine/frontier.py
            ) STRICT""",
        ),
    ),
    Migration(
        "what resting runs wait for",
        (
            """CREATE TABLE waits (
                run INTEGER NOT NULL, -- runs.key
                kind TEXT NOT NULL,   -- of a letter
                name TEXT NOT NULL,
                PRIMARY KEY (run, kind, name)
            ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE dues (
                run INTEGER PRIMARY KEY, -- runs.key
                graph TEXT NOT NULL,
                due REAL NOT NULL -- from when on somebody should go on with it, see checkpoints/pending.py
            ) STRICT""",
            "CREATE INDEX dues_of ON dues (graph, due)",
            "CREATE INDEX runs_under_way ON runs (graph, status, epoch) WHERE status = 'running'",
            "INSERT INTO dues SELECT key, graph, 0 FROM runs WHERE status IN ('suspended', 'in_doubt')",
        ),
    ),
)


def version_of(db: sqlite3.Connection) -> int:
    """How many migrations were applied to a database."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> list[str]:
    """Bring a database up to the last of `migrations`, and name those that were applied.

    `db` must be in autocommit mode. When a migration fails it is rolled back; those before it stay.

    Raises:
        sqlite3.Error: A statement failed.
    """
    applied = []
    for number in range(version_of(db), len(migrations)):
        migration = migrations[number]
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in migration.statements:
                db.execute(statement)
            if migration.then is not None:
                migration.then(db)
            db.execute(f"PRAGMA user_version = {number + 1}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        applied.append(migration.name)
    return applied
