"""Goes on with runs by itself: those whose owner died, that wait for something which has come, or are to be cancelled.

The journal tells which those are (`Journal.pending`) without anybody reading records. Several supervisors, in one
process or many, may share a journal. They all find the same runs; whoever acquires one first has it, and an epoch that
has moved since tells the others that they were too slow, also when the first is done with the run by then.

A run that failed, or was interrupted on purpose, is not touched. One that cannot go on as things are (its graph
changed, its records are damaged) is told once and left; where that may pass by itself (a full disk) it is tried again,
later and later.

A run may be what ends the processes that work on it. The journal tells how many in a row went on with a run and left no
other record (`Pending.deaths`): after so many it is told once and left, until somebody goes on with it by hand. Its last
try has no other such run beside it, so that one which merely was in the same process is not taken for it.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from .compiler.compile import CompiledGraph
from .errors import (
    BackedgeError,
    GraphChangedError,
    InputError,
    JournalCorruptError,
    JournalFormatError,
    RunAbandonedError,
)
from .execution.executor import Executor
from .execution.options import AT_ONCE, DEATHS
from .execution.preparing import How, found_run, in_flight
from .ports import Journal
from .records import Cause, Pending, RunStatus
from .run import error_of

_SOON: Final = 0.05  # seconds between looks as long as there is something to find
_SHARE: Final = 10  # a look that took so long is followed by a pause so many times as long
_FIRST_DELAY: Final = 1.0  # seconds until a run that broke is tried again; doubled each time
_LAST_DELAY: Final = 300.0
_FOR_GOOD: Final = (GraphChangedError, JournalCorruptError, JournalFormatError)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of a run that should be gone on with.

    Attributes:
        run_id: The run.
        graph: Name of its graph.
        cause: Why it should be.
        status: Where it stands now; None where it could not be gone on with, or broke.
        error: Why it failed, broke, or was left as it was.
        refused: Question or signal to why what was sent for it was refused; it is waited for still, or was sent again.
    """

    run_id: str
    graph: str
    cause: Cause
    status: RunStatus | None
    error: Exception | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


class Work(NamedTuple):
    """A graph whose runs are gone on with, and how."""

    graph: CompiledGraph
    how: How


def nobody(_: Recovery) -> None:
    """Who does not listen."""


class Supervisor:
    """Looks for runs to go on with, and goes on with them.

    Example::

        recovered = await Supervisor([Work(flow.graph, how)], journal).once()
    """

    def __init__(
        self,
        works: Sequence[Work],
        store: Journal,
        *,
        at_once: int = AT_ONCE,
        on_change: str = "stop",
        max_deaths: int = DEATHS,
        tell: Callable[[Recovery], None] = nobody,
    ) -> None:
        """Get ready. Needs a running event loop.

        Args:
            works: The graphs.
            store: Where their runs are; it stays open.
            at_once: How many runs to work on at once.
            on_change: What to do with runs of a graph that changed, as for `Flow.resume`.
            max_deaths: After how many processes in a row that went on with a run and died without a new record it is left.
            tell: Called with what came of each run.

        Raises:
            InputError: `at_once`, `on_change` or `max_deaths` cannot be, or two graphs have one name.
        """
        if isinstance(max_deaths, bool) or not isinstance(max_deaths, int) or max_deaths < 1:
            raise InputError(f"max_deaths is how many processes a run may end, from 1, not {max_deaths!r}")
        if not isinstance(at_once, int) or at_once < 1:
            raise InputError(f"at_once is how many runs to work on at once, from 1, not {at_once!r}")
        if on_change not in ("stop", "continue"):
            raise InputError(f'on_change is "stop" or "continue", not {on_change!r}')
        self._works = {work.graph.definition.name: work for work in works}
        if len(self._works) < len(works):
            raise InputError("two graphs of one name: their runs could not be told apart")
        self._store = store
        self._at_once = at_once
        self._on_change = on_change
        self._max_deaths = max_deaths
        self._tell = tell
        # Runs at work, from when their task is made; executors from when they begin.
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._live: dict[str, Executor] = {}
        # Run to how often it broke, and until when (time of the event loop) it is left.
        self._shunned: dict[str, tuple[int, float]] = {}
        # Run that is left alone to the epoch it was found in: when it is another one it went on meanwhile.
        self._left: dict[str, int] = {}
        # Held by a run that had better not die once more.
        self._last_try = asyncio.Lock()
        self._stopping = False
        # What the one who is told raised, or a defect of ours: raised once all is let go of.
        self._broken: BaseException | None = None
        # Set when there may be something to do before the next look is due.
        self._wake = asyncio.Event()
        # Whether the last look left something for want of room, and how many seconds it took.
        self._more = False
        self._took = 0.0

    @property
    def busy(self) -> int:
        """How many runs are at work."""
        return len(self._tasks)

    async def once(self) -> None:
        """Go on with all runs that should be now, each once, and wait until they rest."""
        tried: set[str] = set()
        try:
            while not self._stopping:
                self._wake.clear()
                await self._start(tried)
                if not self._tasks:
                    return
                await self._wake.wait()
        finally:
            await self._end()

    async def watch(self, poll: float, *, chance: Callable[[], float] = random.random) -> None:
        """Go on with runs as they come, until `stop`.

        Args:
            poll: Seconds between two looks at most, while there is nothing to do.
            chance: Gives a number from 0 to 1, so that several supervisors do not look at the same moments.
        """
        delay = _SOON
        try:
            while not self._stopping:
                self._wake.clear()
                found = await self._start(set())
                delay = max(min(_SOON if found else delay * 2, poll), _SHARE * self._took)
                await self._pause(delay * (0.5 + chance() / 2))
        finally:
            await self._end()

    def stop(self) -> None:
        """Begin nothing more, and hand over what is at work, for others to go on with."""
        self._stopping = True
        self._wake.set()
        for executor in list(self._live.values()):
            executor.hand_over()

    # ------------------------------------------------------------------ looking

    async def _start(self, tried: set[str]) -> bool:
        """Look, and begin what there is room for; whether there was anything. Runs in `tried` are left, and added to."""
        room = self._at_once - len(self._tasks)
        if room <= 0:
            self._more = True
            return True
        now = asyncio.get_running_loop().time()
        shunned = {run_id for run_id, (_, until) in self._shunned.items() if until > now}
        skipped = tried | shunned | set(self._tasks)
        wanted = room + len(skipped | self._left.keys())
        found = await self._store.pending(list(self._works), time.time(), limit=wanted)
        self._took = asyncio.get_running_loop().time() - now
        self._more = len(found) == wanted
        fresh = [each for each in found if each.run_id not in skipped and not self._is_left(each)][:room]
        if self._stopping:
            return False
        for each in fresh:
            tried.add(each.run_id)
            task = asyncio.get_running_loop().create_task(self._go_on(each))
            self._tasks[each.run_id] = task
        return bool(fresh)

    def _is_left(self, found: Pending) -> bool:
        return found.cause is Cause.CRASHED and self._left.get(found.run_id) == found.epoch

    async def _pause(self, seconds: float) -> None:
        full = len(self._tasks) >= self._at_once
        try:
            await asyncio.wait_for(self._wake.wait(), None if full else seconds)
        except TimeoutError:
            return

    # ------------------------------------------------------------------ working

    async def _go_on(self, found: Pending) -> None:
        """The task of one run."""
        try:
            recovery = await self._carry_out(found)
            if recovery is not None:
                self._tell(recovery)
        except BaseException as error:
            self._broken = self._broken or error
            self._stopping = True
        finally:
            del self._tasks[found.run_id]
            if not self._tasks or self._more or self._stopping:
                self._wake.set()

    async def _carry_out(self, found: Pending) -> Recovery | None:
        # Those that broke here and left us alive are in the number, too.
        deaths = found.deaths - self._shunned.get(found.run_id, (0, 0.0))[0]
        if deaths >= self._max_deaths:
            return await self._leave(found)
        if deaths and deaths == self._max_deaths - 1:
            async with self._last_try:
                return None if self._stopping else await self._try(found)
        return await self._try(found)

    async def _leave(self, found: Pending) -> Recovery:
        """Tell that a run is left alone, and do so."""
        self._left[found.run_id] = found.epoch
        activations: Sequence[str] = ()
        with suppress(BackedgeError):  # then it is told without saying where
            activations = await in_flight(self._works[found.graph].graph, self._store, found.run_id)
        error = RunAbandonedError(found.run_id, found.deaths, activations)
        return Recovery(found.run_id, found.graph, found.cause, None, error)

    async def _try(self, found: Pending) -> Recovery | None:
        work = self._works[found.graph]
        try:
            executor = await found_run(work.graph, found, self._store, work.how, on_change=self._on_change)
            if executor is None:
                return None
            self._live[found.run_id] = executor
            executor.begin()
            if self._stopping:
                executor.hand_over()
            status = await executor.run()
        except Exception as error:
            return Recovery(found.run_id, found.graph, found.cause, None, self._shun(found, error))
        finally:
            self._live.pop(found.run_id, None)
        self._shunned.pop(found.run_id, None)
        failed = error_of(executor, status, self._store.name) if status is RunStatus.FAILED else None
        return Recovery(found.run_id, found.graph, found.cause, status, failed, dict(executor.declined))

    def _shun(self, found: Pending, error: Exception) -> Exception:
        """Leave a run that broke for a while, or for good."""
        times = self._shunned.get(found.run_id, (0, 0.0))[0]
        delay = math.inf if isinstance(error, _FOR_GOOD) else min(_FIRST_DELAY * 2**times, _LAST_DELAY)
        self._shunned[found.run_id] = times + 1, asyncio.get_running_loop().time() + delay
        return error

    async def _end(self) -> None:
        """Hand over what is at work, and wait until it is let go of, even when cancelled meanwhile."""
        self.stop()
        cancelled: asyncio.CancelledError | None = None
        while self._tasks:
            try:
                await asyncio.wait(list(self._tasks.values()))
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
        if self._broken is not None:
            raise self._broken
