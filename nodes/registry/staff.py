"""The agents of one manager at work, the handles of their jobs, and those who wait for what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from backedge.engine.errors import BackedgeError, RunInterruptedError, RunOwnedError
from backedge.engine.ports import Journal
from backedge.engine.records import RunStatus
from backedge.engine.run import RunResult

from .cards import RegistryError
from .jobs import Job, parts_of
from .registry import Registry
from .status import Notice
from .worker import Outcome, Worker


class Staff:
    """The agents that a manager has taken on, from when it is entered until it is left.

    Attributes:
        workers: Each agent at work, by its id.
        left: Jobs that could not be gone on with, by run: nobody tries again by himself.
        trouble: What `tell` raised, or a defect.
    """

    def __init__(
        self, registry: Registry, store: Journal, name: str, *, lines: int, tell: Callable[[Notice], object]
    ) -> None:
        self.workers: dict[str, Worker] = {}
        self.left: set[str] = set()
        self.trouble: BaseException | None = None
        self._registry = registry
        self._store = store
        self._name = name
        self._lines = lines
        self._tell = tell
        # Jobs that somebody may ask for the result of, by run.
        self._handles: WeakValueDictionary[str, Job] = WeakValueDictionary()
        # Set, and replaced, whenever a job came to rest or an agent was stopped.
        self._news = asyncio.Event()
        # The manager was left: nothing will come any more.
        self._over = False

    # ------------------------------------------------------------------ who

    def take_on(self, who: str) -> Worker:
        """Take a registered agent on. Raises RegistryError."""
        card = self._registry.by_id(who)
        worker = self.workers[who] = Worker(card, self, self._store, lines=self._lines, short=self.short)
        return worker

    def one(self, who: str) -> Worker:
        """An agent that was taken on. Raises RegistryError."""
        worker = self.workers.get(who) if isinstance(who, str) else None
        if worker is None:
            self._registry.by_id(who)  # raises where there is none
            raise RegistryError([f"agent {who!r} was registered since the manager began: start({who!r}) it"])
        return worker

    def chosen(self, who: str | None) -> tuple[Worker, ...]:
        """One agent, or all. Raises RegistryError."""
        return tuple(self.workers.values()) if who is None else (self.one(who),)

    # ------------------------------------------------------------------ jobs

    def job_of(self, run_id: str) -> tuple[Worker, str] | None:
        """The agent and the job of a run; None where it is no job of anybody here."""
        parts = parts_of(self._name, run_id)
        worker = None if parts is None else self.workers.get(parts[0])
        return None if parts is None or worker is None else (worker, parts[1])

    def short(self, run_id: str) -> str:
        """The job's id."""
        parts = parts_of(self._name, run_id)
        return run_id if parts is None else parts[1]

    def handle(self, who: str, run_id: str) -> Job:
        """The handle of a job that is not over."""
        handle = self._handles.get(run_id)
        if handle is None or handle.over:
            end: asyncio.Future[RunResult[Any]] = asyncio.get_running_loop().create_future()
            handle = self._handles[run_id] = Job(who, self.short(run_id), run_id, end)
        return handle

    # ------------------------------------------------------------------ what workers tell

    def moved(self) -> None:
        """Let those look again who wait for jobs to rest."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def over(self, run_id: str, status: RunStatus | None, outcome: Outcome) -> None:
        """A job is done with here: tell who waits for it."""
        if status is None and not isinstance(outcome, RunOwnedError):
            self.left.add(run_id)
        handle = self._handles.get(run_id)
        if handle is not None:
            handle.settle(outcome)

    def tell(self, notice: Notice) -> None:
        """Tell whoever listens; what he raises stops nothing."""
        try:
            self._tell(notice)
        except Exception as error:
            self.broken(error)

    def broken(self, error: BaseException) -> None:
        """Something went wrong that is no job's failure."""
        if not isinstance(error, asyncio.CancelledError):
            self.trouble = self.trouble or error

    # ------------------------------------------------------------------ waiting

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so. Raises BackedgeError when the manager is left before."""
        while not reached():
            if self._over:
                raise BackedgeError("the manager was left before that")
            await self._news.wait()

    async def end(self, others: Callable[[], Iterable[asyncio.Task[Any]]]) -> asyncio.CancelledError | None:
        """Interrupt all that runs and wait for it and `others`, however often that is cancelled.

        Then whoever still waits is told that the manager was left. Gives the cancellation back.
        """
        cancelled: asyncio.CancelledError | None = None
        for worker in self.workers.values():
            worker.stop()
        while tasks := [task for task in (*others(), *self._tasks()) if not task.done()]:
            try:
                await asyncio.wait(tasks)
            except asyncio.CancelledError as error:
                cancelled = error
        for job in [*self._handles.values()]:
            if not job.over:
                why = "is not over, and its manager was left"
                job.settle(RunInterruptedError(job.run_id, why, "the next manager goes on with it"))
        self._over = True
        self.moved()
        return cancelled

    def _tasks(self) -> Iterable[asyncio.Task[Any]]:
        for worker in self.workers.values():
            yield from worker.tasks
