"""Workers are killed at random under load, over and over: all runs end right, and no effect runs again once it is kept."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.engine.letters import send
from backedge.engine.records import EffectRecorded, NodeFinished, RunHeader, RunResumed, RunStarted

from .. import forking
from .kit import PROGRAMS, program, soak

PROGRAM = PROGRAMS / "working.py"
ROUNDS = 3


class Site:
    """A journal with runs to be worked on, and the workers that are at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "runs.db"
        self.flow = program("working").graph.compile()
        self.chance = random.Random(random.randrange(2**32))
        self.workers: dict[int, forking.Forked] = {}
        self.started = self.kills = self.made = self.resumed = 0

    def start(self) -> None:
        command = ["-m", "backedge", "worker", f"{PROGRAM}:graph"]
        options = [
            "--journal",
            str(self.database),
            "--poll",
            "0.2",
            "--concurrency",
            "25",
            "--attempts",
            "1000",
        ]
        self.started += 1
        with self.said(self.started).open("w") as errors:
            self.workers[self.started] = forking.start(
                *command, *options, stdout=subprocess.DEVNULL, stderr=errors.fileno()
            )

    def said(self, worker: int) -> Path:
        return self.folder / f"worker{worker}.txt"

    async def kill(self, journal: SqliteJournal) -> None:
        """Kill a worker that is at work, if there is one, and put another in its place."""
        owners = {run.owner.split()[1] for run in await journal.runs() if run.owner is not None}
        busy = [number for number, worker in self.workers.items() if str(worker.pid) in owners]
        if busy:
            victim = self.workers.pop(self.chance.choice(busy))
            victim.send_signal(signal.SIGKILL)
            assert victim.wait() == -signal.SIGKILL, self.errors
            self.kills += 1
            self.start()

    async def feed(self, journal: SqliteJournal, count: int) -> None:
        """Add so many runs, as if the process that made them had died at once. Every third waits for a signal."""
        graph = self.flow.graph
        (taken,) = [edge.id for edge in graph.plan.edges if edge.id.startswith("START")]

        async def make(number: int) -> None:
            header = RunHeader(f"run{number}", self.flow.name, graph.digest, graph.shape, time.time())
            waits = b"true" if number % 3 == 0 else b"false"
            log = b'"%s"' % str(self.folder / f"run{number}.log").encode()
            inputs = {"log": log, "rounds": b"%d" % ROUNDS, "waits": waits}
            made = await journal.create(header, RunStarted(0, time.time(), inputs, (taken,)))
            await made.release()
            if number % 3 == 0:
                await send(f"run{number}", "go", f"go {number}", journal=journal)

        await asyncio.gather(*map(make, range(self.made, self.made + count)))
        self.made += count

    def open_runs(self) -> int:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as db:
            query = "SELECT count(*) FROM runs WHERE status != 'completed'"
            return db.execute(query).fetchone()[0]

    async def end(self) -> None:
        """Tell the workers to stop, which they do in order once they have begun."""
        for number, worker in self.workers.items():
            while "working on" not in self.said(number).read_text():
                assert worker.poll() is None, self.errors
                await asyncio.sleep(0.05)
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers.values():
            assert worker.wait(timeout=60) == 0, self.errors

    @property
    def errors(self) -> str:
        return "\n".join(self.said(number).read_text()[-2000:] for number in self.workers)

    async def check(self, journal: SqliteJournal) -> None:
        """All ended right, and nothing was begun again after it was in the journal."""
        with closing(sqlite3.connect(self.database)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert await journal.pending([self.flow.name], time.time()) == []

        async def check(number: int) -> None:
            result = await self.flow.resume(f"run{number}", journal=journal)
            assert result.state.total == 6 * ROUNDS
            assert result.state.told == (f"go {number}" if number % 3 == 0 else "at once")
            self.check_run(number, await journal.read(f"run{number}"))

        await asyncio.gather(*map(check, range(self.made)))

    def check_run(self, number, records) -> None:
        nodes, effects = self.noted(number)
        self.resumed += sum(isinstance(it, RunResumed) for it in records)
        kept = {str(it.activation): it.ended for it in records if isinstance(it, NodeFinished)}
        assert set(nodes) == set(kept)
        assert len(kept) == 2 * ROUNDS + 1
        for activation, ended in kept.items():
            assert max(nodes[activation]) <= ended, (
                f"{activation} of run {number} began after it had finished"
            )
        steps = [it for it in records if isinstance(it, EffectRecorded) and it.kind.value == "step"]
        assert len(steps) == len({(str(it.activation), it.path) for it in steps}) == 3 * ROUNDS
        assert len(effects) == 3 * ROUNDS, "the receiver that knows the keys saw each effect, and no other"
        begun = sorted(max(times) for times in effects.values())
        done = sorted(it.at for it in steps)
        assert all(b <= d for b, d in zip(begun, done, strict=True)), f"run {number} repeated a kept effect"

    def noted(self, number) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """When each node and each effect of a run began, by activation and by key."""
        nodes, effects = defaultdict(list), defaultdict(list)
        for line in (self.folder / f"run{number}.log").read_text().splitlines():
            at, _, kind, *rest = line.split()
            (nodes if kind == "node" else effects)[rest[-1]].append(float(at))
        return nodes, effects


async def under_load(
    site: Site, *, runs: int, workers: int, kills: int, seconds: float, pause: float
) -> None:
    """Hold so many runs under way for so long and so many kills at least; then let all come to their end."""
    async with await SqliteJournal.open(site.database) as journal:
        await site.feed(journal, runs)
        try:
            for _ in range(workers):
                site.start()
            end = time.monotonic() + seconds
            while site.kills < kills or time.monotonic() < end:
                await asyncio.sleep(site.chance.uniform(0, 2 * pause))  # the moment is the point of the test
                await site.kill(journal)
                if site.kills < kills or time.monotonic() < end:
                    await site.feed(journal, max(runs - site.open_runs(), 0))
            last = time.monotonic() + 60
            while site.open_runs():
                assert time.monotonic() < last, site.errors
                await asyncio.sleep(0.1)
            await site.end()
        finally:
            for worker in site.workers.values():
                worker.kill()
                worker.wait()
        await site.check(journal)


async def test_workers_that_are_killed_lose_nothing_and_repeat_nothing(tmp_path):
    site = Site(tmp_path)
    await under_load(site, runs=40, workers=2, kills=3, seconds=0, pause=0.2)
    assert site.kills == 3
    assert site.resumed > site.made, "no run was hit"


@soak
@pytest.mark.timeout(400)
async def test_workers_are_killed_for_a_minute_with_two_hundred_runs_under_way(tmp_path):
    site = Site(tmp_path)
    await under_load(site, runs=200, workers=4, kills=20, seconds=60, pause=0.4)
    assert site.made > 200
    assert site.resumed > site.made + site.kills
    print(f"{site.made} runs, {site.kills} kills, {site.resumed} times gone on with")
