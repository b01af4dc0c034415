"""The manager: starts agents' jobs as runs, a few at a time, and keeps an eye on them.

It runs nothing itself. What is to be done stands in the journal (`jobs`), what to begin next is decided without tasks or clock
(`lanes`), and each job is a run like any: journaled, resumable, replayable. So a manager that is killed loses nothing: the
next one with the same name and journal finds every job that is not over, and goes on.

In a job's run no effect that completed is done twice, whoever goes on with it; the journal lets one owner at a time work on it.
Two managers may share a name and a journal; each then keeps to its agents' concurrency by itself.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Literal, NamedTuple, TypeAlias

from backedge.engine.definition import is_text
from backedge.engine.errors import BackedgeError, InputError
from backedge.engine.execution.inputs import Inputs
from backedge.engine.flow import Where
from backedge.engine.letters import cancel
from backedge.engine.ports import Journal, opened
from backedge.engine.records import RunStatus

from .cards import is_time
from .jobs import Job, run_id_of, set_aside
from .lanes import AgentState
from .logs import LogLine
from .minding import Minder
from .registry import Registry
from .staff import Staff
from .status import AgentStatus, Notice
from .worker import Worker

Stopping: TypeAlias = Literal["graceful", "drain", "now"]
"""How an agent stops: running jobs finish; queued ones too; or running ones are interrupted, to be gone on with."""

LINES: Final = 1000
"""How many lines of each agent's log are kept when nobody says otherwise."""


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
        tell: Callable[[Notice], object] = nobody,
    ) -> None:
        """Get ready.

        Args:
            registry: The agents; more may be added to it later, and started by `start`.
            journal: Where the jobs are kept.
            name: Whose jobs: managers of one name share them.
            poll: Seconds between two looks for jobs that may go on.
            lines: How many lines of each agent's log to keep.
            tell: Called with what somebody should know: a plain function. What it raises is raised when the manager is left.

        Raises:
            InputError: One of them cannot be.
        """
        _check(registry, name, poll, lines, tell)
        self._registry = registry
        self._where = journal
        self._name = name
        self._poll = poll
        self._lines = lines
        self._tell = tell
        self._stack = AsyncExitStack()
        # Between entering and leaving.
        self._entered = False
        self._work: _Work | None = None
        # Jobs on their way into the journal.
        self._making: set[asyncio.Task[Job]] = set()
        self._last_made = 0.0

    async def __aenter__(self) -> Manager:
        if self._entered:
            raise BackedgeError("this manager is at work: make another one")
        self._entered = True
        try:
            store = await self._stack.enter_async_context(opened(self._where))
            staff = Staff(self._registry, store, self._name, lines=self._lines, tell=self._tell)
            minder = Minder(staff, store, self._name, self._poll)
            for card in self._registry:
                staff.take_on(card.id)
            await minder.find(staff.workers)
        except BaseException:
            self._entered = False
            await self._stack.aclose()
            raise
        self._work = _Work(store, staff, minder)
        for agent in staff.workers.values():
            agent.lane.open()
            agent.begin()
        minder.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _, staff, minder = self._at_work
        minder.stop()
        cancelled = await staff.end(lambda: (*self._making, *minder.tasks))
        self._work, self._entered = None, False
        await self._stack.aclose()
        if cancelled is not None:
            raise cancelled
        if staff.trouble is not None and kind is None:
            raise staff.trouble

    # ------------------------------------------------------------------ agents

    async def start(self, who: str) -> None:
        """Let an agent begin jobs: one that was stopped, or was registered since, also anew with another card.

        Raises RegistryError.
        """
        agent = await self._known(who)
        agent.appoint(self._registry.by_id(who))
        agent.lane.open()
        agent.note("started")
        agent.begin()

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
            InputError: `how` is none of these, or `within` is no time.
        """
        if how not in ("graceful", "drain", "now"):
            raise InputError(f'how= is "graceful", "drain" or "now", not {how!r}')
        if within is not None and not is_time(within):
            raise InputError(f"within= is seconds from 0, or None, not {within!r}")
        staff = self._at_work.staff
        agents = staff.chosen(who)
        for agent in agents:
            if how == "now":
                agent.stop()
            else:
                agent.lane.close(drain=how == "drain")
            agent.begin()

        def settled() -> bool:  # or somebody started it again
            return all(agent.lane.state in (AgentState.STOPPED, AgentState.STARTED) for agent in agents)

        try:
            await asyncio.wait_for(staff.until(settled), within)
        except TimeoutError:
            for agent in agents:
                if agent.lane.state is not AgentState.STARTED:
                    agent.stop()
            await staff.until(settled)
        for agent in agents:
            if agent.lane.state is AgentState.STOPPED:
                agent.note("stopped")

    async def idle(self, who: str | None = None) -> None:
        """Wait until an agent, or all, have nothing queued and nothing running.

        What waits for a person may still wait. The queue of an agent that is stopped does not get shorter.

        Raises:
            RegistryError: There is no such agent.
            BackedgeError: The manager was left before that.
        """
        staff = self._at_work.staff
        agents = staff.chosen(who)
        await staff.until(lambda: not any(agent.lane.running or agent.lane.length for agent in agents))

    def list(self) -> tuple[AgentStatus, ...]:
        """All agents, as they stand, in order of registration."""
        return tuple([agent.status() for agent in self._its_agents])

    def status(self, who: str) -> AgentStatus:
        """One agent, as it stands. Raises RegistryError."""
        return self._at_work.staff.one(who).status()

    def queue_lengths(self) -> dict[str, int]:
        """How many jobs are queued, by agent."""
        return {agent.card.id: agent.lane.length for agent in self._its_agents}

    def logs(self, who: str) -> tuple[LogLine, ...]:
        """The last lines of an agent's log. Raises RegistryError."""
        return self._at_work.staff.one(who).log.lines

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
        store, staff, _ = self._at_work
        await set_aside(agent.card.flow, inputs, store, run_id, made)
        handle = staff.handle(agent.card.id, run_id)
        agent.lane.put(run_id, made)
        agent.note("queued", run_id)
        agent.begin()
        return handle

    def job(self, who: str, job: str) -> Job:
        """A job that is not over, such as one that an earlier manager was given.

        Raises:
            RegistryError: There is no such agent.
            InputError: It has no such job, or that is over: `Flow.resume` gives the result of its run.
        """
        staff = self._at_work.staff
        agent = staff.one(who)
        run_id = run_id_of(self._name, who, job)
        if not agent.lane.holds(run_id):
            raise InputError(
                f"agent {who!r} has no job {job!r} that is not over; if it had, it is run {run_id!r}"
            )
        return staff.handle(who, run_id)

    async def retry(self, who: str, job: str) -> Job:
        """Queue a job that failed, was left, or was interrupted; what it did is kept.

        Raises:
            RegistryError: There is no such agent.
            RunNotFoundError: There is no such job.
            InputError: It has completed or was cancelled.
        """
        agent = await self._known(who)
        store, staff, _ = self._at_work
        run_id = run_id_of(self._name, who, job)
        header = await store.header(run_id)
        ends = [summary.status for summary in await store.runs() if summary.header.run_id == run_id]
        if ends and ends[0] in (RunStatus.COMPLETED, RunStatus.CANCELLED):
            raise InputError(f"job {job!r} of agent {who!r} is {ends[0].value}: there is nothing to do again")
        handle = staff.handle(who, run_id)
        staff.left.discard(run_id)
        agent.lane.put(run_id, header.created)
        agent.begin()
        return handle

    async def cancel(self, who: str, job: str) -> None:
        """Ask to end a job for good: one that is queued ends when its turn comes, before it does anything.

        Raises:
            RunNotFoundError: There is no such job.
            InputError: It is over already.
        """
        await cancel(run_id_of(self._name, who, job), journal=self._at_work.store)

    # ------------------------------------------------------------------ small things

    @property
    def _at_work(self) -> _Work:
        if self._work is None:
            raise BackedgeError("the manager is not at work: use it as `async with Manager(...) as manager:`")
        return self._work

    @property
    def _its_agents(self) -> tuple[Worker, ...]:
        return () if self._work is None else tuple(self._work.staff.workers.values())

    async def _known(self, who: str) -> Worker:
        """The agent, taken on if it was registered since."""
        _, staff, minder = self._at_work
        if who not in staff.workers:
            staff.take_on(who)
            await minder.find([who])
        return staff.one(who)


class _Work(NamedTuple):
    """What a manager has while it is at work."""

    store: Journal
    staff: Staff
    minder: Minder


def _check(registry: object, name: object, poll: object, lines: object, tell: object) -> None:
    """Raise InputError for what cannot be."""
    if not isinstance(registry, Registry):
        raise InputError(f"a manager is made with a Registry of agents, not with {type(registry).__name__}")
    if not is_text(name) or "/" in str(name):
        raise InputError(f"name= is a text that is not empty and without '/', not {name!r}")
    if not is_time(poll) or not poll:
        raise InputError(f"poll= is seconds above 0, not {poll!r}")
    if isinstance(lines, bool) or not isinstance(lines, int) or lines < 1:
        raise InputError(f"lines= is how many lines to keep, from 1, not {lines!r}")
    if not callable(tell) or inspect.iscoroutinefunction(tell):
        raise InputError(f"tell= is a plain function that takes a Notice, not {tell!r}")
