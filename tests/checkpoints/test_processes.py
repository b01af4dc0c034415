"""Several processes on one file: real ones, killed and stopped by real signals."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.errors import RunOwnedError

from .. import forking
from .samples import finished, header, started

WORKER = Path(__file__).with_name("worker.py")


class Worker:
    def __init__(self, path):
        self.process = forking.start(WORKER, path, stdin=subprocess.PIPE, stderr=None)
        assert self.hear() == "ready"

    def say(self, words):
        self.process.stdin.write(f"{words}\n".encode())

    def hear(self):
        return self.process.stdout.readline().decode().strip()

    def ask(self, words):
        self.say(words)
        return self.hear()

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()
        elif number == signal.SIGSTOP:
            until_stopped(self.process.pid)

    def end(self):
        self.process.kill()
        self.process.wait()
        with closing(self.process.stdout), suppress(BrokenPipeError):
            self.process.stdin.close()


def until_stopped(pid):
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def start(path):
    workers = []

    def start():
        workers.append(Worker(path))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


def intact(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_second_process_is_refused_at_once_and_told_who_owns_the_run(start):
    one, two = start(), start()
    assert one.ask("create demo") == "ok create demo"
    told = two.ask("acquire demo")
    assert told.startswith("RunOwnedError")
    assert f"pid {one.process.pid} on {os.uname().nodename}" in told
    assert one.ask("append demo") == "ok append demo"
    assert one.ask("release demo") == "ok release demo"
    assert two.ask("acquire demo") == "ok acquire demo"


async def test_a_killed_owner_frees_its_run_and_what_it_acknowledged_is_there(start, path):
    owner = start()
    owner.ask("create demo")
    owner.ask("append demo")
    async with await SqliteJournal.open(path) as journal:
        assert (await journal.runs())[0].owner == f"pid {owner.process.pid} on {os.uname().nodename}"
        with pytest.raises(RunOwnedError):
            await journal.acquire("demo")
        owner.signal(signal.SIGKILL)
        assert (await journal.runs())[0].owner is None
        assert (await journal.acquire("demo")).epoch == 2
        assert len(await journal.read("demo")) == 2


def test_a_stopped_owner_that_was_taken_over_cannot_write_when_it_wakes_up(start):
    sleeper, heir, third = start(), start(), start()
    sleeper.ask("create demo")
    sleeper.signal(signal.SIGSTOP)
    assert heir.ask("acquire demo").startswith("RunOwnedError")
    assert heir.ask("takeover demo") == "ok takeover demo"
    assert heir.ask("append demo") == "ok append demo"
    sleeper.signal(signal.SIGCONT)
    assert sleeper.ask("append demo").startswith("FencedError")
    assert sleeper.ask("append demo").startswith("FencedError")
    assert heir.ask("append demo") == "ok append demo"
    assert third.ask("acquire demo").startswith("RunOwnedError")


def test_after_a_takeover_the_death_of_the_old_owner_does_not_free_the_run(start):
    old, heir, third = start(), start(), start()
    old.ask("create demo")
    heir.ask("takeover demo")
    old.signal(signal.SIGKILL)
    assert third.ask("acquire demo").startswith("RunOwnedError")
    assert heir.ask("append demo") == "ok append demo"


async def test_letters_of_other_processes_reach_the_owner_each_once(start, path):
    posters = [start(), start()]
    async with await SqliteJournal.open(path) as journal:
        log = await journal.create(header(), started())
        told = [poster.ask(f"post demo {n}") for n in range(5) for poster in posters]
        found = await journal.letters("demo")
        assert told == [f"posted {letter.number}" for letter in found]
        assert [letter.value for letter in found] == [b"%d" % n for n in range(5) for _ in posters]
        await log.append(finished(1), taken=[letter.number for letter in found])
        assert await journal.letters("demo") == []
        assert posters[0].ask("post nobody").startswith("RunNotFoundError")


async def test_a_run_of_another_process_is_deleted_only_after_that_process_died(start, path):
    owner, other = start(), start()
    owner.ask("create demo")
    assert other.ask("delete demo").startswith("RunOwnedError")
    assert owner.ask("append demo") == "ok append demo"
    owner.signal(signal.SIGKILL)
    assert other.ask("delete demo") == "ok delete demo"
    assert other.ask("acquire demo").startswith("RunNotFoundError")


async def test_several_processes_write_one_file_at_once(start, path):
    workers = [start() for _ in range(4)]
    for number, worker in enumerate(workers):
        worker.say(f"create run{number}")
        worker.say(f"append run{number} 100")
    for number, worker in enumerate(workers):
        while (told := worker.hear()) != f"ok append run{number}":
            assert told.startswith(("ok", "stored")), told
    async with await SqliteJournal.open(path) as journal:
        assert [run.records for run in await journal.runs()] == [101] * 4
        for number in range(4):
            assert [record.seq for record in await journal.read(f"run{number}")] == list(range(101))
    assert intact(path)


async def test_an_owner_killed_at_any_moment_loses_nothing_it_acknowledged(start, path):
    acknowledged = 0
    for attempt in range(6):
        owner = start()
        assert owner.ask("acquire demo" if attempt else "create demo").startswith("ok")
        owner.say("append demo 100000")
        for _ in range(random.randrange(1, 60)):
            acknowledged = int(owner.hear().removeprefix("stored "))
        owner.signal(signal.SIGKILL)
        rest = [line.decode() for line in owner.process.stdout if line.endswith(b"\n")]
        acknowledged = int(rest[-1].removeprefix("stored ")) if rest else acknowledged
        async with await SqliteJournal.open(path) as journal:
            there = [record.seq for record in await journal.read("demo")]
        assert there == list(range(len(there)))
        assert len(there) > acknowledged
    assert intact(path)


async def test_a_process_that_forgot_to_close_its_journal_ends_all_the_same(path):
    code = f"""
import asyncio
from backedge.checkpoints import SqliteJournal
async def main():
    global journal
    journal = await SqliteJournal.open({str(path)!r})
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await asyncio.wait_for(process.wait(), 30) == 0
