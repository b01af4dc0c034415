"""Real processes that can be traced, failed, stopped and killed at any call, and what must hold afterwards."""

import asyncio
import importlib.util
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.errors import RunNotFoundError

PROGRAMS = Path(__file__).parents[1] / "programs"
RUN = "run"
SUFFIXES = ("", "-wal", "-shm", "-new", "-new-journal")
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "openat", "close")
SECONDS = 60


def traceable():
    """Whether there is strace, and it may trace."""
    command = ["strace", "-o", "/dev/null", "true"]
    found = shutil.which("strace") is not None
    return found and subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not traceable(), reason="needs strace, to make calls fail")
soak = pytest.mark.soak


def program(name):
    spec = importlib.util.spec_from_file_location(f"program_{name}", PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


durable = program("durable")


@dataclass
class Ended:
    """What a process left: its exit code (negative: a signal), what it told, and the calls that were traced."""

    code: int
    output: str
    errors: str
    calls: str = ""

    @property
    def kept(self) -> set[int]:
        """The records that were acknowledged to it."""
        return {int(number) for number in re.findall(r"^kept (\d+)", self.output, re.MULTILINE)}

    @property
    def completed(self) -> bool:
        return " end\n" in self.output


@dataclass
class Place:
    """A folder with a journal, and the file that effects are noted in."""

    folder: Path
    database: Path = field(init=False)
    log: Path = field(init=False)

    def __post_init__(self):
        self.folder.mkdir(exist_ok=True)
        self.database, self.log = self.folder / "runs.db", self.folder / "log"

    @property
    def files(self):
        return [f"{self.database}{suffix}" for suffix in SUFFIXES]

    @property
    def effects(self):
        return self.log.read_text().split() if self.log.exists() else []

    def make(self):
        """Make the journal now, so that a process's calls are those of its run alone."""
        asyncio.run(self._make())

    async def _make(self):
        async with await SqliteJournal.open(self.database):
            pass

    async def records(self):
        if not self.database.exists():
            return []
        async with await SqliteJournal.open(self.database) as journal:
            try:
                return list(await journal.read(RUN))
            except RunNotFoundError:
                return []

    async def go_on(self):
        """The state at the end, once the run went on here, in this process."""
        async with await SqliteJournal.open(self.database) as journal:
            return (await durable.go(journal, RUN, self.log)).state

    def intact(self):
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Warm:
    """A process that has imported everything and forks one for each run."""

    def __init__(self, folder):
        self.folder = folder
        # Without a buffer, in which a line could lie that `select` does not know of.
        self.process = subprocess.Popen(
            [sys.executable, PROGRAMS / "warm.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    @property
    def traced_stop(self):
        """Whether a traced process was stopped where it was to be."""
        calls = (self.folder / "calls").read_text()
        return "stopped by SIGSTOP" in calls.partition("--- SIGSTOP {")[2]

    def run(self, place, *, trace=(), program="durable", more=("full",), limit=0, meanwhile=None):
        """Run in a process of its own to its end.

        Args:
            place: Where.
            trace: Options of strace.
            program: What to run, and `more` its last arguments.
            limit: The size in bytes that no file may outgrow.
            meanwhile: A coroutine function that is given the process's id.
        """
        told = self._told(0)
        (pid,) = self._start([[*told, limit, program, str(place.database), RUN, str(place.log), *more]])
        tracer = self._trace(pid, trace) if trace else None
        try:
            os.kill(pid, signal.SIGCONT)
            if meanwhile is not None:
                asyncio.run(meanwhile(pid))
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            code = int(self._heard())
            if tracer is not None:
                tracer.wait(SECONDS)
                tracer.stderr.close()
        return Ended(code, *map(_text, told), _text(self.folder / "calls"))

    def run_all(self, place, run_ids):
        """Run as many processes at once on one database."""
        told = [self._told(number) for number in range(len(run_ids))]
        logs = [str(place.folder / f"{run_id}.log") for run_id in run_ids]
        orders = [
            [*files, 0, "durable", str(place.database), run_id, log]
            for files, run_id, log in zip(told, run_ids, logs, strict=True)
        ]
        for pid in self._start(orders):
            os.kill(pid, signal.SIGCONT)
        return [Ended(int(self._heard()), *map(_text, files)) for files in told]

    def _told(self, number):
        files = [self.folder / f"output{number}", self.folder / f"errors{number}", self.folder / "calls"]
        for path in files:
            path.unlink(missing_ok=True)
        return list(map(str, files[:2]))

    def _start(self, orders):
        self.process.stdin.write(f"{json.dumps(orders)}\n".encode())
        self._pids = []
        for _ in orders:
            self._pids.append(int(self._heard()))
        return self._pids

    def _heard(self):
        """The next line; a run that hangs is killed."""
        while not select.select([self.process.stdout], [], [], SECONDS)[0]:
            for pid in self._pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return self.process.stdout.readline()

    def _trace(self, pid, options):
        command = ["strace", "-f", "-p", str(pid), *options, "-o", str(self.folder / "calls")]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        told = tracer.stderr.readline()
        assert "attached" in told, told
        return tracer

    def close(self):
        self.process.stdin.close()
        with closing(self.process.stdout):
            self.process.wait(SECONDS)


def _text(path):
    return Path(path).read_text() if Path(path).exists() else ""


def injection(place, calls, what, number):
    """Options of strace that do something at the numbered one of these calls on the journal's files."""
    paths = [option for path in [*place.files, place.folder] for option in ("-P", str(path))]
    return [*paths, "-e", f"inject={calls}:{what}:when={number}"]


async def undisturbed(folder):
    """The state at the end and the effects of a run that nothing disturbs."""
    place = Place(folder)
    async with MemoryJournal() as journal:
        result = await durable.build(place.log).run(journal=journal, run_id=RUN)
    return result.state, sorted(place.effects)


async def recovers(place, ended, expected):
    """What must hold after any fault: nothing acknowledged is lost, and the run ends as if nothing had been."""
    state, effects = expected
    before = await place.records()
    assert [record.seq for record in before] == list(range(len(before)))
    assert ended.kept <= {record.seq for record in before}, "an acknowledged record is gone"
    done = recorded_effects(before)
    noted = place.effects
    assert await place.go_on() == state
    assert set(place.effects) == set(effects)
    again = place.effects[len(noted) :]
    assert not done & set(again), "an effect whose record is there was carried out again"
    asked_first(place)
    assert len(place.effects) <= len(effects) + 2  # at most those that were under way
    assert place.intact()


def asked_first(place):
    """No effect is done twice of which somebody could say whether it was done."""
    effects = [effect for effect in place.effects if effect.endswith(("/asked", "/unsafe"))]
    assert len(effects) == len(set(effects)), "an effect was done twice though somebody could have been asked"


def recorded_effects(records):
    return {json.loads(record.result) for record in records if getattr(record, "result", None)}


def clear(ended):
    """A process that failed told one error of ours, in one line, and nothing else."""
    return ended.code == 3 and re.fullmatch(r"Journal(Write|Open)Error: [^\n]+\n", ended.errors) is not None


async def stopped(is_it):
    deadline = time.monotonic() + SECONDS
    while not is_it():
        assert time.monotonic() < deadline, "the process was not stopped"
        await asyncio.sleep(0.005)


def is_stopped(pid):
    """Whether a process that is not traced is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
