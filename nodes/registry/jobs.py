"""Jobs in a journal: a job is a run of its agent's flow, made before it begins, so that the journal is the queue.

A job is named by its run id, ``jobs/ann/7``: the manager's name, the agent, the job. It is made and set aside in one commit,
interrupted before its first node; whoever has the journal can go on with it, and nobody does by accident.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from backedge.engine import recovery
from backedge.engine.errors import InputError
from backedge.engine.execution.inputs import Inputs, checked_inputs
from backedge.engine.flow import Flow
from backedge.engine.ports import Journal
from backedge.engine.records import RunEnded, RunHeader, RunStarted, RunStatus, RunSummary
from backedge.engine.run import RunResult
from backedge.engine.state.fields import FoldError


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Job:
    """A job that was given to an agent.

    Attributes:
        agent: Whose.
        id: Its id, unique among the agent's jobs.
        run_id: The run that it is.

    Example: ``(await (await manager.submit("ann", {"text": "…"})).result()).state``
    """

    agent: str
    id: str
    run_id: str
    _end: asyncio.Future[RunResult[Any]] = field(repr=False)

    @property
    def over(self) -> bool:
        """Whether it came to its end here."""
        return self._end.done()

    async def result(self) -> RunResult[Any]:
        """Wait for its end, also while it waits for a person, or is stopped and gone on with.

        Raises:
            RunError: It failed or was cancelled.
            BackedgeError: It could not be gone on with.
            RunInterruptedError: The manager was left before that; the next one goes on with it.
        """
        return await asyncio.shield(self._end)

    def settle(self, outcome: RunResult[Any] | Exception) -> None:
        """It came to its end."""
        if self._end.done():
            return
        if isinstance(outcome, Exception):
            self._end.set_exception(outcome)
            self._end.exception()  # nobody has to ask for it
        else:
            self._end.set_result(outcome)


class Found(NamedTuple):
    """A job that is not over, as the journal tells it.

    Attributes:
        made: When it was made, in seconds since the epoch.
        waits: Whether it waits for something from outside.
    """

    run_id: str
    agent: str
    made: float
    waits: bool


def run_id_of(name: str, agent: str, job: str) -> str:
    """The run that a job is. Raises InputError for an id that cannot be."""
    if not isinstance(job, str) or not job:
        raise InputError(f"the id of a job is a text that is not empty, not {job!r}")
    return f"{name}/{agent}/{job}"


def parts_of(name: str, run_id: str) -> tuple[str, str] | None:
    """The agent and the job of a run; None for one that is no job of this manager."""
    rest = run_id.removeprefix(f"{name}/")
    agent, slash, job = rest.partition("/")
    return (agent, job) if slash and job and rest != run_id else None


async def set_aside(flow: Flow[Any], inputs: Inputs | None, store: Journal, run_id: str, made: float) -> None:
    """Make a run that somebody will go on with: durable once this returns.

    Raises:
        InputError: The inputs do not fit.
        RunExistsError: There is such a run.
    """
    graph = flow.graph
    update = checked_inputs(graph, inputs)
    try:
        recovery.new_schedule(graph).preview(graph.start, (), update.values)
    except FoldError as error:
        raise InputError(f"cannot run {graph.definition.name}: {error}") from error
    header = RunHeader(run_id, graph.definition.name, graph.digest, graph.shape, made)
    first = RunStarted(0, made, update.encoded, None)  # its first edges are found when it is gone on with
    # Ended in the same commit that makes it: in between a worker might start it.
    log = await store.create(header, first, RunEnded(1, time.time(), RunStatus.INTERRUPTED))
    await log.release()


def unfinished(name: str, summary: RunSummary) -> Found | None:
    """The job that a run is, if it is to be gone on with: not over, not failed, and nobody works on it."""
    parts = parts_of(name, summary.header.run_id)
    if parts is None or summary.owner is not None:
        return None
    waits = summary.status in (RunStatus.SUSPENDED, RunStatus.IN_DOUBT)
    if not waits and summary.status not in (RunStatus.INTERRUPTED, RunStatus.RUNNING):
        return None
    return Found(summary.header.run_id, parts[0], summary.header.created, waits)
