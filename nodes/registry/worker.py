"""One agent at work: begins its jobs as runs, a few at a time, hears what they tell, stops those that are silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from backedge.engine.errors import BackedgeError, RunCancelledError, RunError, RunOwnedError
from backedge.engine.execution.events import Event
from backedge.engine.execution.options import PATIENCE, RunOptions
from backedge.engine.ports import Journal
from backedge.engine.records import RunStatus
from backedge.engine.run import Run, RunResult

from .cards import AgentCard
from .lanes import Lane
from .logs import Log, line_of
from .status import AgentStatus, Notice, NoticeKind

Outcome: TypeAlias = RunResult[Any] | Exception
"""What a job's run came to: its result, or why there is none."""


class Host(Protocol):
    """Whose agent it is."""

    def moved(self) -> None:
        """Jobs were begun, or came to rest."""

    def over(self, run_id: str, status: RunStatus | None, outcome: Outcome) -> None:
        """A job is done with here; `status` is None where it could not be gone on with."""

    def tell(self, notice: Notice) -> None:
        """There is something that somebody should know."""

    def broken(self, error: BaseException) -> None:
        """Something went wrong that is no job's failure."""


class Worker:
    """One agent at work.

    Attributes:
        card: Who it is.
        lane: Its jobs, by their runs.
        log: What they told.
        tasks: The tasks of jobs that run.
    """

    def __init__(
        self,
        card: AgentCard,
        host: Host,
        store: Journal,
        *,
        lines: int,
        short: Callable[[str], str],
    ) -> None:
        """Begin nothing yet; `short` gives a job's id by its run."""
        self.card = card
        self.lane = Lane(card.concurrency)
        self.log = Log(lines)
        self.tasks: set[asyncio.Task[None]] = set()
        self._host = host
        self._store = store
        self._short = short
        # Runs of jobs that run, once they were opened.
        self._runs: dict[str, Run[Any]] = {}
        # Running jobs that we interrupted, to go on with them later.
        self._interrupted: set[str] = set()
        # When it was last heard of, on the wall's clock.
        self._heard: float | None = None

    def appoint(self, card: AgentCard) -> None:
        """Go by this card with all that begins from now on."""
        self.card, self.lane.concurrency = card, card.concurrency

    def note(self, text: str, job: str = "") -> None:
        """Add a line to the log; `job` is a run."""
        self.log.add(time.time(), self._short(job) if job else "", text)

    def begin(self) -> None:
        """Begin what may begin."""
        loop = asyncio.get_running_loop()
        for job in self.lane.take(loop.time()):
            task = loop.create_task(self._carry_out(job))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        self._host.moved()

    def stop(self) -> None:
        """Begin no more, and stop what runs, to go on with it later."""
        self.lane.close()
        self.interrupt(self.lane.running)

    def interrupt(self, jobs: Iterable[str]) -> None:
        """Stop running jobs, to go on with them later."""
        for job in tuple(jobs):
            self._interrupted.add(job)
            if job in self._runs:  # else it is being opened, and will see
                self._runs[job].interrupt()

    def leave(self, job: str, why: str) -> None:
        """Tell that a job is left alone."""
        self.note(f"left: it {why}", job)
        short = self._short(job)
        self._host.tell(Notice(NoticeKind.LEFT, self.card.id, short, f"job {short} of {self.card.id} {why}"))

    def listen(self) -> None:
        """Report running jobs that are silent; stop those that may be gone on with."""
        after, card = self.card.silent_after, self.card
        if after is None:
            return
        for job in self.lane.silent(asyncio.get_running_loop().time(), after):
            again = self.lane.restart(job, card.restarts)
            self.note(f"not heard of for {after:g} s{': stopped, to go on' if again else ''}", job)
            if again:
                self.interrupt([job])
            kind = NoticeKind.RESTARTED if again else NoticeKind.SILENT
            short = self._short(job)
            self._host.tell(
                Notice(kind, card.id, short, f"job {short} of {card.id} was not heard of for {after:g} s")
            )

    def status(self) -> AgentStatus:
        """How it stands."""
        lane, card = self.lane, self.card
        silent = lane.silent_since
        since = None if silent is None else time.time() - (asyncio.get_running_loop().time() - silent)
        return AgentStatus(
            id=card.id,
            role=card.role,
            functions=tuple(card.functions),
            state=lane.state,
            concurrency=lane.concurrency,
            queued=tuple(map(self._short, lane.queued)),
            running=tuple(map(self._short, lane.running)),
            waiting=tuple(map(self._short, sorted(lane.waiting))),
            ended=dict(lane.ended),
            heard=self._heard,
            silent_since=since,
        )

    # ------------------------------------------------------------------ one job

    async def _carry_out(self, job: str) -> None:
        """The task of one job."""
        outcome: Outcome = BackedgeError("its task was ended from outside")
        status: RunStatus | None = None
        try:
            outcome = await self._run(job)
            status = outcome.status
        except RunError as error:
            outcome, status = error, self._status_of(job, error)
        except Exception as error:
            outcome = error
        except BaseException as error:
            self._host.broken(error)
            raise
        finally:
            again = job in self._interrupted
            self._runs.pop(job, None)
            self._interrupted.discard(job)
            self.lane.rested(job, status, again=again)
        try:
            self._rested(job, status, outcome)
        except Exception as error:
            self._host.broken(error)
        self.begin()

    async def _run(self, job: str) -> RunResult[Any]:
        """Go on with the job's run until it rests."""
        options: RunOptions = {"patience": PATIENCE, **self.card.options}
        loop = asyncio.get_running_loop()
        async with self.card.flow.reopen(job, journal=self._store, **options) as run:
            self._runs[job] = run
            if job in self._interrupted:
                run.interrupt()
            async for event in run.events():
                self.lane.beat(job, loop.time())
                self._hear(job, event)
            return await run.result()

    def _hear(self, job: str, event: Event) -> None:
        self._heard = time.time()
        line = line_of(event)
        if line is not None:
            self.note(line, job)

    def _status_of(self, job: str, error: RunError) -> RunStatus:
        if isinstance(error, RunCancelledError):
            return RunStatus.CANCELLED
        return self._runs[job].status if job in self._runs else RunStatus.FAILED

    def _rested(self, job: str, status: RunStatus | None, outcome: Outcome) -> None:
        """Tell whoever is to know that a job came to rest."""
        goes_on = self.lane.holds(job)
        told = "left" if status is None else status.value
        why = f": {outcome}" if isinstance(outcome, Exception) and not goes_on else ""
        self.note(f"{told}{why}", job)
        if goes_on:
            return
        self._host.over(job, status, outcome)
        if isinstance(outcome, RunOwnedError) or status is RunStatus.CANCELLED:
            return  # somebody knows of it
        if isinstance(outcome, Exception):
            kind, short = NoticeKind.LEFT if status is None else NoticeKind.FAILED, self._short(job)
            text = f"job {short} of {self.card.id} {told}{why}"
            self._host.tell(Notice(kind, self.card.id, short, text, outcome))
