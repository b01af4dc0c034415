"""The manager: starts agents' jobs as runs, a few at a time, and keeps an eye on them.

It runs nothing itself. What is to be done stands in the journal (`jobs`), what to begin next is decided without tasks or clock
(`lanes`), and each job is a run like any: journaled, resumable, replayable. So a manager that is killed loses nothing: the
next one with the same name and journal finds every job that is not over, and goes on.

In a job's run no effect that completed is done twice, whoever goes on with it; the journal lets one owner at a time work on it.
Two managers may share a name and a journal; each then keeps to its agents' concurrency by itself.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias
from weakref import WeakValueDictionary

from backedge.engine.errors import BackedgeError, InputError, RunInterruptedError
from backedge.engine.execution.inputs import Inputs
from backedge.engine.execution.options import DEATHS
from backedge.engine.flow import Where
from backedge.engine.letters import cancel
from backedge.engine.ports import Journal, opened
from backedge.engine.records import RunStatus
from backedge.engine.run import RunResult

from .cards import RegistryError
from .jobs import Job, parts_of, run_id_of, set_aside, unfinished
from .lanes import AgentState
from .logs import LogLine
from .registry import Registry
from .status import AgentStatus, Notice
from .worker import Outcome, Worker

_log = logging.getLogger("backedge")

Stopping: TypeAlias = Literal["graceful", "drain", "now"]
"""How an agent stops: running jobs finish; queued ones too; or running ones are interrupted, to be gone on with."""

LINES: Final = 1000
"""How many lines of each agent's log are kept when nobody says otherwise."""

_LOOKED_AT: Final = 10_000  # runs that a look into the journal gives at most


def nobody(_: Notice) -> None:
    """Who does not listen."""


class Manager:
    """Starts and stops the agents of a registry, and gives them jobs.

    It is an async context manager: entering it finds the jobs that are not over and starts all agents; leaving it interrupts
    what runs, for the next one to go on with.

    Example::

        async with Manager(registry, journal="jobs.db") as manager:
            job = await manager.submit("ann", {"text": "…"})
            print((await job.result()).state)
    """

    def __init__(
        self,
        registry: Registry,
        *,
        journal: Where,
        name: str = "jobs",
        poll: float = 1.0,
        lines: int = LINES,
        tell: Callable[[Notice], None] = nobody,
    ) -> None:
        """Get ready.

        Args:
            registry: The agents; more may be added to it later, and started by `start`.
            journal: Where the jobs are kept.
            name: Whose jobs: managers of one name share them.
            poll: Seconds between two looks for jobs that may go on, and at who is silent.
            lines: How many lines of each agent's log to keep.
            tell: Called with what somebody should know.

        Raises:
            InputError: One of them cannot be.
        """
        if not isinstance(name, str) or not name or "/" in name:
            raise InputError(f"name= is a text that is not empty and without '/', not {name!r}")
        if isinstance(poll, bool) or not isinstance(poll, int | float) or not 0 < poll < float("inf"):
            raise InputError(f"poll= is seconds above 0, not {poll!r}")
        if isinstance(lines, bool) or not isinstance(lines, int) or lines < 1:
            raise InputError(f"lines= is how many lines to keep, from 1, not {lines!r}")
        self._registry = registry
        self._where = journal
        self._name = name
        self._poll = poll
        self._lines = lines
        self._tell = tell
        self._stack = AsyncExitStack()
        # The open journal, between entering and leaving.
        self._store: Journal | None = None
        self._agents: dict[str, Worker] = {}
        self._minder: asyncio.Task[None] | None = None
        # Jobs on their way into the journal.
        self._making: set[asyncio.Task[Job]] = set()
        # Jobs that somebody may ask for the result of, by run.
        self._handles: WeakValueDictionary[str, Job] = WeakValueDictionary()
        # Set, and replaced, whenever a job came to rest or an agent was stopped.
        self._news = asyncio.Event()
        # Jobs that were told to be left.
        self._left: set[str] = set()
        self._last_made = 0.0
        # What `tell` raised, or a defect: raised when the manager is left.
        self._broken: BaseException | None = None

    async def __aenter__(self) -> Manager:
        if self._store is not None:
            raise BackedgeError("this manager is at work: make another one")
        store = await self._stack.enter_async_context(opened(self._where))
        self._store, self._broken = store, None
        try:
            for card in self._registry:
                self._take_on(card.id)
            await self._find(self._agents)
        except BaseException:
            self._store = None
            await self._stack.aclose()
            raise
        for agent in self._agents.values():
            agent.lane.open()
            agent.begin(store)
        self._minder = asyncio.get_running_loop().create_task(self._mind())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cancelled = await self._end()
        for job in [*self._handles.values()]:
            if not job.over:
                why = "is not over, and its manager was left"
                job.settle(RunInterruptedError(job.run_id, why, "the next manager goes on with it"))
        self._store = None
        self._agents.clear()
        await self._stack.aclose()
        if cancelled is not None:
            raise cancelled
        if self._broken is not None and kind is None:
            raise self._broken

    # ------------------------------------------------------------------ agents

    async def start(self, who: str) -> None:
        """Let an agent begin jobs: one that was stopped, or was registered since. Raises RegistryError."""
        agent = await self._known(who)
        agent.lane.open()
        agent.note("started")
        agent.begin(self._its_store)

    async def stop(
        self, who: str | None = None, *, how: Stopping = "graceful", within: float | None = None
    ) -> None:
        """Let an agent, or all, begin no more jobs, and wait until none of theirs runs. What is queued stays queued.

        Args:
            who: The agent; None for all.
            how: What becomes of jobs: with ``"graceful"`` those that run finish; with ``"drain"`` queued ones too; with
                ``"now"`` those that run are interrupted, and queued again.
            within: Interrupt what still runs after so many seconds.

        Raises:
            RegistryError: There is no such agent.
            InputError: `how` is none of these.
        """
        if how not in ("graceful", "drain", "now"):
            raise InputError(f'how= is "graceful", "drain" or "now", not {how!r}')
        agents = self._chosen(who)
        for agent in agents:
            agent.lane.close(drain=how == "drain")
            if how == "now":
                agent.interrupt(agent.lane.running)
            agent.begin(self._its_store)
        settled = (AgentState.STOPPED, AgentState.STARTED)  # or somebody started it again
        done = self._until(lambda: all(agent.lane.state in settled for agent in agents))
        try:
            await asyncio.wait_for(done, within)
        except TimeoutError:
            for agent in agents:
                agent.lane.close()
                agent.interrupt(agent.lane.running)
            await self._until(lambda: not any(agent.lane.running for agent in agents))
        for agent in agents:
            agent.note("stopped")

    async def idle(self, who: str | None = None) -> None:
        """Wait until an agent, or all, have nothing queued and nothing running.

        What waits for a person may still wait. The queue of an agent that is stopped does not get shorter.
        """
        agents = self._chosen(who)
        await self._until(lambda: not any(agent.lane.running or agent.lane.length for agent in agents))

    def list(self) -> tuple[AgentStatus, ...]:
        """All agents, as they stand, in order of registration."""
        return tuple([agent.status() for agent in self._agents.values()])

    def status(self, who: str) -> AgentStatus:
        """One agent, as it stands. Raises RegistryError."""
        return self._chosen(who)[0].status()

    def queue_lengths(self) -> dict[str, int]:
        """How many jobs are queued, by agent."""
        return {who: agent.lane.length for who, agent in self._agents.items()}

    def logs(self, who: str) -> tuple[LogLine, ...]:
        """The last lines of an agent's log. Raises RegistryError."""
        return self._chosen(who)[0].log.lines

    # ------------------------------------------------------------------ jobs

    async def submit(self, who: str, inputs: Inputs | None = None, *, job: str | None = None) -> Job:
        """Give an agent a job. Once this returns the job survives whatever becomes of this process.

        Args:
            who: The agent. One that is stopped keeps the job queued.
            inputs: As for `Flow.run`.
            job: What to call it; made up by default. A name that the agent has had before is refused, so that who is not
                sure whether a job was given may give it again.

        Raises:
            RegistryError: There is no such agent.
            InputError: The inputs do not fit; nothing was queued.
            RunExistsError: The agent has, or had, a job of this name.
        """
        agent = await self._known(who)
        ident = secrets.token_hex(6) if job is None else job
        run_id = run_id_of(self._name, who, ident)
        made = self._last_made = max(time.time(), self._last_made + 1e-6)  # so that they keep their order
        making = asyncio.get_running_loop().create_task(self._make(agent, inputs, run_id, made))
        self._making.add(making)
        making.add_done_callback(self._made)
        # Not cancelled with who waits: a job that is in the journal has to be queued as well.
        return await asyncio.shield(making)

    def _made(self, making: asyncio.Task[Job]) -> None:
        self._making.discard(making)
        if not making.cancelled():
            making.exception()  # perhaps nobody asks for it any more

    async def _make(self, agent: Worker, inputs: Inputs | None, run_id: str, made: float) -> Job:
        store = self._its_store
        await set_aside(agent.card.flow, inputs, store, run_id, made)
        handle = self._handle(agent.card.id, run_id)
        agent.lane.put(run_id, made)
        agent.note("queued", run_id)
        agent.begin(store)
        return handle

    def job(self, who: str, job: str) -> Job:
        """A job that is not over, such as one that an earlier manager was given.

        Raises:
            RegistryError: There is no such agent.
            InputError: It has no such job, or that is over: `Flow.resume` gives the result of its run.
        """
        agent = self._chosen(who)[0]
        run_id = run_id_of(self._name, who, job)
        if not agent.lane.holds(run_id):
            raise InputError(
                f"agent {who!r} has no job {job!r} that is not over; if it had, it is run {run_id!r}"
            )
        return self._handle(who, run_id)

    async def retry(self, who: str, job: str) -> Job:
        """Queue a job that failed, was left, or was interrupted; what it did is kept.

        Raises:
            RegistryError: There is no such agent.
            RunNotFoundError: There is no such job.
            InputError: It has completed or was cancelled.
        """
        agent, store = await self._known(who), self._its_store
        run_id = run_id_of(self._name, who, job)
        header = await store.header(run_id)
        ends = [summary.status for summary in await store.runs() if summary.header.run_id == run_id]
        if ends and ends[0] in (RunStatus.COMPLETED, RunStatus.CANCELLED):
            raise InputError(f"job {job!r} of agent {who!r} is {ends[0].value}: there is nothing to do again")
        handle = self._handle(who, run_id)
        agent.lane.put(run_id, header.created)
        agent.begin(store)
        return handle

    async def cancel(self, who: str, job: str) -> None:
        """Ask to end a job for good: one that is queued ends when its turn comes, before it does anything.

        Raises:
            RunNotFoundError: There is no such job.
            InputError: It is over already.
        """
        await cancel(run_id_of(self._name, who, job), journal=self._its_store)

    # ------------------------------------------------------------------ minding

    async def _mind(self) -> None:
        """Look, again and again, for jobs that may go on, and for those that are silent; no error ends that."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                for agent in self._agents.values():
                    agent.listen()
                await self._look()
            except BackedgeError as error:  # it may pass by itself
                _log.warning("manager %s could not look for jobs: %s", self._name, error)
            except Exception as error:
                self.broken(error)

    @property
    def _pause(self) -> float:
        """Seconds until the next look: often enough to hear who is silent."""
        limits = [agent.card.silent_after for agent in self._agents.values()]
        return min([self._poll, *(limit / 4 for limit in limits if limit is not None)])

    async def _look(self) -> None:
        """Queue jobs whose owner died, or for which something has come."""
        store = self._its_store
        graphs = {agent.card.flow.name for agent in self._agents.values()}
        for found in await store.pending(sorted(graphs), time.time(), limit=_LOOKED_AT):
            parts = parts_of(self._name, found.run_id)
            agent = None if parts is None else self._agents.get(parts[0])
            if agent is None:
                continue
            if found.deaths >= DEATHS:
                self._leave(agent, found.run_id, found.deaths)
                continue
            kept = agent.lane.holds(found.run_id)  # then it keeps its place
            made = 0.0 if kept else (await store.header(found.run_id)).created
            if agent.lane.put(found.run_id, made):
                agent.begin(store)

    async def _find(self, wanted: Iterable[str]) -> None:
        """Queue the jobs of these agents that the journal tells are not over."""
        agents = {who: self._agents[who] for who in wanted}
        for summary in await self._its_store.runs():
            found = unfinished(self._name, summary)
            agent = None if found is None else agents.get(found.agent)
            if found is None or agent is None:
                continue
            if summary.deaths >= DEATHS:
                self._leave(agent, found.run_id, summary.deaths)
            elif found.waits:
                agent.lane.park(found.run_id, found.made)
            else:
                agent.lane.put(found.run_id, found.made)

    def _leave(self, agent: Worker, run_id: str, deaths: int) -> None:
        """A job that ended one process after the other is told once, and left until somebody says `retry`."""
        if run_id in self._left or agent.lane.holds(run_id):
            return
        self._left.add(run_id)
        agent.leave(run_id, f"ended {deaths} processes in a row: find out why, then retry() it")

    # ------------------------------------------------------------------ small things

    @property
    def _its_store(self) -> Journal:
        if self._store is None:
            raise BackedgeError("the manager is not at work: use it as `async with Manager(...) as manager:`")
        return self._store

    async def _known(self, who: str) -> Worker:
        """The agent, taken on if it was registered since."""
        _ = self._its_store
        if who not in self._agents:
            self._take_on(who)
            await self._find([who])
        return self._agents[who]

    def _take_on(self, who: str) -> None:
        card = self._registry.by_id(who)
        self._agents[who] = Worker(card, self, lines=self._lines, short=self._short, tell=self._tell)

    def _chosen(self, who: str | None) -> tuple[Worker, ...]:
        _ = self._its_store
        if who is None:
            return tuple(self._agents.values())
        if who not in self._agents:
            self._registry.by_id(who)  # raises where there is none
            raise RegistryError([f"agent {who!r} was registered since the manager began: start({who!r}) it"])
        return (self._agents[who],)

    def _handle(self, who: str, run_id: str) -> Job:
        handle = self._handles.get(run_id)
        if handle is None or handle.over:
            end: asyncio.Future[RunResult[Any]] = asyncio.get_running_loop().create_future()
            handle = self._handles[run_id] = Job(who, self._short(run_id), run_id, end)
        return handle

    def _short(self, run_id: str) -> str:
        """The job's id."""
        parts = parts_of(self._name, run_id)
        return run_id if parts is None else parts[1]

    # ------------------------------------------------------------------ what agents tell

    def moved(self) -> None:
        """Let those look again who wait for jobs to rest."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def over(self, run_id: str, outcome: Outcome) -> None:
        """A job is done with here: tell who waits for it."""
        handle = self._handles.get(run_id)
        if handle is not None:
            handle.settle(outcome)

    def broken(self, error: BaseException) -> None:
        """Something went wrong that is no job's failure: raised when the manager is left."""
        if not isinstance(error, asyncio.CancelledError):
            self._broken = self._broken or error

    # ------------------------------------------------------------------ waiting

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            await self._news.wait()

    async def _end(self) -> asyncio.CancelledError | None:
        """Interrupt all that runs and wait for it, however often that is cancelled; gives the cancellation back."""
        cancelled: asyncio.CancelledError | None = None
        if self._minder is not None:
            self._minder.cancel()
        for agent in self._agents.values():
            agent.lane.close()
            agent.interrupt(agent.lane.running)
        while tasks := [task for task in self._tasks() if not task.done()]:
            try:
                await asyncio.wait(tasks)
            except asyncio.CancelledError as error:
                cancelled = error
        return cancelled

    def _tasks(self) -> Iterable[asyncio.Task[Any]]:
        yield from self._making
        if self._minder is not None:
            yield self._minder
        for agent in self._agents.values():
            yield from agent.tasks
