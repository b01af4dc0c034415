"""Carries a pattern's workflow through, over and over: in many orders, with journals, over kills.

`outcomes(workflow, inputs)` gives what came of it each time: steps take as long as chance says, on a virtual clock; then
with a journal on disk; then killed at each commit there is, and gone on with. What must never happen is asserted here: that
a step which had finished runs again after a kill. What the pattern says is for its test to assert, of every outcome alike.
"""

import asyncio
import random
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from unittest import mock

from backedge import ActivationFinished, JournalWriteError, RunCancelledError, RunStatus
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import NodeFinished

from ..engine.effects.conftest import Wall
from ..engine.journals import FaultyJournal
from ..engine.sizes import SOAKING, examples
from ..virtual import run_virtual
from .clocks import Clock, PatientClock
from .world import RUN, Witness, World

ORDERS = 10
"""In how many orders a workflow is tried; in thirty times as many in a long test."""

DEAD = "dead"
_SHM = Path("/dev/shm")
_FAST = _SHM if _SHM.is_dir() else None
"""A disk that takes no time, where there is one."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes:
        trial: Which it was: the order, the journal, the kill.
        killed: Whether it was killed on its way.
        status: How it ended.
        state: What arrived at END, if anything did.
        ran: The activations that finished, in the order in which they did.
        spans: When the work of each of them began and when it was done, by a counter that never stands still; that of
            single parts as ``deposit:read``.
    """

    trial: str
    killed: bool
    status: RunStatus
    state: object
    ran: Sequence[str]
    spans: Mapping[str, tuple[int, int]]

    @property
    def nodes(self):
        """The names of what ran, in order."""
        return [re.split(r"[@[]", name)[0] for name in self.ran]

    @property
    def worked(self):
        """What ran and did some work: without what only stands for others, such as a map."""
        return [name for name in self.ran if name in self.spans]

    def before(self, first, second):
        """Whether one was done when the other began."""
        return self.spans[first][1] < self.spans[second][0]

    def overlap(self, first, second):
        """Whether there was a moment at which both ran."""
        return not (self.before(first, second) or self.before(second, first))


class DyingJournal(FaultyJournal):
    """A journal of which the n-th append fails, and with it the process that uses it."""

    def count(self, name):
        return name == "append" and super().count(name)


class Trial:
    """A workflow, carried through once: over suspensions, and over a kill if there is to be one."""

    def __init__(self, flow, inputs, outside, options, seed):
        self.flow, self.inputs, self.outside = flow, inputs, outside
        self.witness = Witness(random.Random(seed))
        self.options = {**options, "resources": {"work": self.witness}}
        self.finished = []  # what a run without a journal told

    async def outcome(self, name, journal=None, dies_at=None):
        """Carry it through. None when the append at which it was to die did not come."""
        world, begun = World(journal, self.witness), asyncio.Event()
        outside = asyncio.ensure_future(self._outside(world, begun))
        store = journal if dies_at is None else DyingJournal(journal, dies_at)
        run = self.flow.start(self.inputs, journal=store, run_id=RUN, **self.options)
        died = False
        try:
            while True:
                status, state = await self._live(run, begun)
                if status is DEAD:
                    store, died = journal, True
                elif status is RunStatus.SUSPENDED:
                    await self._word(world, outside)
                else:
                    break
                run = self._again(store, await _finished(journal))
        finally:
            await _stopped(outside)
        if dies_at is not None and not died:
            return None
        ran = await _finished(journal) if journal else self.finished
        assert len(ran) == len(set(ran)), f"{name}: something finished twice: {ran}"
        spans = {one: span for one, span in self.witness.spans.items() if one.partition(":")[0] in ran}
        return Outcome(name, died, status, state, ran, spans)

    async def _outside(self, world, begin):
        await begin.wait()
        if self.outside:
            await self.outside(world)

    async def _word(self, world, task):
        """Wait until somebody outside says something."""
        told = asyncio.ensure_future(world.told.wait())
        await asyncio.wait([told, task], return_when=asyncio.FIRST_COMPLETED)
        assert world.told.is_set(), "the run waits for something that never comes"
        world.told.clear()

    def _again(self, store, finished):
        """Go on with the run. What had finished must not begin again from now on."""
        self.witness.over.update(finished)
        return self.flow.reopen(RUN, journal=store, **self.options)

    async def _live(self, run, begun):
        """The status and the state with which it ends; no status when its process died."""
        try:
            async with run:
                begun.set()
                self.finished = [
                    str(event.activation)
                    async for event in run.events()
                    if isinstance(event, ActivationFinished)
                ]
                result = await run.result()
        except JournalWriteError:
            return DEAD, None
        except RunCancelledError:
            return RunStatus.CANCELLED, None
        return result.status, result._state


async def _finished(journal):
    return [str(record.activation) for record in await journal.read(RUN) if isinstance(record, NodeFinished)]


async def _stopped(task):
    """Cancel a task; what it failed with before is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def subsets(names, least=1):
    """All choices of at least so many of the names."""
    names = names.split()
    return [chosen for size in range(least, len(names) + 1) for chosen in combinations(names, size)]


def outcomes(workflow, inputs=None, *, outside=None, orders=ORDERS, killed_orders=1, **options):
    """What comes of a workflow, carried through over and over.

    Args:
        workflow: Makes the graph.
        inputs: What its runs are given.
        outside: A coroutine function that is given the `World`, and does what happens outside meanwhile.
        orders: In how many orders to try it, other than in a long test.
        killed_orders: In how many of them to kill it, each time at another of its commits.
        **options: Of the runs, such as ``slots=``.
    """
    flow = workflow().compile()

    def trial(seed):
        return Trial(flow, inputs, outside, options, seed)

    with mock.patch("time.time", Wall()):
        found, kills = run_virtual(
            _in_orders(trial, examples(orders), killed_orders, outside is not None), loop=Clock, debug=False
        )
        found += run_virtual(_on_disks(trial, kills), loop=PatientClock, debug=False)
    return found


async def _in_orders(trial, orders, killed_orders, needs_journal):
    """What comes of it in many orders and over every kill, and how many of those there are."""
    found = []
    for seed in range(orders):
        if needs_journal or seed % 2:
            found.append(await _in_memory(trial(seed), f"order {seed}"))
        else:
            found.append(await trial(seed).outcome(f"order {seed}, without a journal"))
    kills = 0
    for seed in range(killed_orders):
        kills = 0
        while outcome := await _in_memory(
            trial(seed), f"order {seed}, killed at append {kills + 1}", kills + 1
        ):
            found.append(outcome)
            kills += 1
    return found, kills


async def _on_disks(trial, kills):
    """The same with a journal on disk, killed half way; whole where that cannot be, and in long tests."""
    half = (kills + 1) // 2
    killed = await _on_disk(trial(2), f"on disk, killed at append {half}", half)
    whole = [await _on_disk(trial(1), "on disk")] if SOAKING or killed is None else []
    return whole if killed is None else [*whole, killed]


async def _in_memory(trial, name, dies_at=None):
    async with MemoryJournal() as journal:
        return await trial.outcome(name, journal, dies_at)


async def _on_disk(trial, name, dies_at=None):
    with tempfile.TemporaryDirectory(dir=_FAST) as folder:
        async with await SqliteJournal.open(Path(folder) / "runs.db", synchronous="normal") as journal:
            return await trial.outcome(name, journal, dies_at)
