"""Journals that may only be read: their runs are shown, and what cannot be done is told."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal, export_run
from backedge.engine.errors import JournalError, JournalOpenError, JournalWriteError

from .samples import finished, header, letter, started
from .test_migrations import make_first_version

NOBODY = 65534


@pytest.fixture
def folder():
    """A folder that somebody without privileges can get to, which root's own temporary folders are not."""
    made = Path(tempfile.mkdtemp(prefix="backedge-read-only-"))
    made.chmod(0o755)
    yield made
    if os.getuid() == 0:
        os.seteuid(0)
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def path(folder):
    return folder / "runs.db"


@pytest.fixture
async def filled(path):
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), started(), finished(1))
        await log.release()
    return path


def only_reading(path, *, folder=True, file=True):
    """Take away the right to write, and root's privilege not to care."""
    for entry in path.parent.iterdir():
        entry.chmod(0o444 if file else 0o666)
    as_nobody(path.parent, 0o555 if folder else 0o777)


def as_nobody(folder, mode):
    folder.chmod(mode)
    if os.getuid() == 0:
        os.seteuid(NOBODY)


@pytest.mark.parametrize(("folder_too", "file_too"), [(True, True), (True, False), (False, True)])
async def test_runs_can_be_read_and_nothing_is_made_beside_them(filled, folder_too, file_too):
    only_reading(filled, folder=folder_too, file=file_too)
    before = sorted(filled.parent.iterdir())
    async with await SqliteJournal.open(filled) as journal:
        assert await journal.read("demo") == [started(), finished(1)]
        assert await journal.header("demo") == header()
        assert await journal.letters("demo") == []
        [run] = await journal.runs()
        assert (run.records, run.owner) == (2, None)
        assert sorted(filled.parent.iterdir()) == before
    assert sorted(filled.parent.iterdir()) == before


async def test_a_journal_whose_lock_file_is_not_there_can_be_read(filled):
    filled.with_name("runs.db-lock").unlink()
    only_reading(filled)
    async with await SqliteJournal.open(filled) as journal:
        assert (await journal.runs())[0].owner is None
        assert len(await journal.read("demo")) == 2


async def test_it_can_be_exported(filled, folder):
    out = filled.parent / "out"
    out.mkdir()
    await asyncio.to_thread(out.exists)  # loads what threads need while it may still be read
    for entry in filled.parent.iterdir():
        entry.chmod(0o777 if entry == out else 0o444)
    as_nobody(filled.parent, 0o555)
    async with await SqliteJournal.open(filled) as journal:
        assert await export_run(journal, "demo", out / "run.jsonl") == 2


async def test_whatever_would_write_is_refused_and_says_what_to_do(filled):
    only_reading(filled)
    before = filled.read_bytes()
    async with await SqliteJournal.open(filled) as journal:
        for call in (
            journal.create(header("new"), started()),
            journal.acquire("demo"),
            journal.post("demo", letter()),
            journal.delete("demo"),
        ):
            with pytest.raises(JournalWriteError, match="may only be read; allow writing"):
                await call
        assert len(await journal.read("demo")) == 2
    assert filled.read_bytes() == before


async def test_the_owner_who_may_write_is_seen_by_who_may_only_read(path):
    async with await SqliteJournal.open(path) as owner:
        log = await owner.create(header(), started())
        only_reading(path)
        async with await SqliteJournal.open(path) as reader:
            assert (await reader.runs())[0].owner == f"pid {os.getpid()} on {os.uname().nodename}"
            await log.append(finished(1))
            assert len(await reader.read("demo")) == 2
        if os.getuid() == 0:
            os.seteuid(0)


async def test_a_log_that_cannot_be_read_without_writing_is_told(filled):
    filled.with_name("runs.db-wal").write_bytes(b"\0" * 5000)
    only_reading(filled)
    with pytest.raises(JournalOpenError, match="cannot be opened"):
        await SqliteJournal.open(filled)


async def test_a_new_journal_where_nothing_may_be_made_is_refused(filled):
    only_reading(filled)
    with pytest.raises(JournalOpenError, match="cannot be opened for writing: Permission denied"):
        await SqliteJournal.open(filled.with_name("new.db"))
    assert not filled.with_name("new.db").exists()


async def test_an_older_version_cannot_be_brought_up_to_date(path):
    make_first_version(path)
    before = path.read_bytes()
    only_reading(path)
    with pytest.raises(JournalOpenError, match="older backedge .* may only be read"):
        await SqliteJournal.open(path)
    assert path.read_bytes() == before


async def test_a_newer_version_is_refused(filled):
    with closing(sqlite3.connect(filled)) as db:
        db.execute("PRAGMA user_version = 99")
    only_reading(filled)
    with pytest.raises(JournalError, match="newer backedge"):
        await SqliteJournal.open(filled)
