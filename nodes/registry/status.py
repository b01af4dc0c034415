"""What a manager tells of its agents, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backedge.engine.records import RunStatus

from .lanes import AgentState


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """One agent at one moment.

    Attributes:
        id: Which.
        role: Its role.
        functions: What it can do.
        state: Whether it begins jobs.
        concurrency: How many it does at once.
        queued: The ids of jobs that are queued, the next one first.
        running: The ids of jobs that run.
        waiting: The ids of jobs that wait for a person, a signal or a time.
        ended: How many jobs ended with which status since the manager took the agent on.
        heard: When it was last heard of, in seconds since the epoch; None before.
        silent_since: Since when a running job of it was not heard of, where that is too long; else None.
    """

    id: str
    role: str
    functions: tuple[str, ...]
    state: AgentState
    concurrency: int
    queued: tuple[str, ...]
    running: tuple[str, ...]
    waiting: tuple[str, ...]
    ended: Mapping[RunStatus, int]
    heard: float | None
    silent_since: float | None

    @property
    def alive(self) -> bool:
        """Whether it takes jobs, and every job that it does is heard of."""
        return self.state is not AgentState.STOPPED and self.silent_since is None


class NoticeKind(StrEnum):
    """What a manager reports."""

    SILENT = "silent"  # a running job is not heard of any more
    RESTARTED = "restarted"  # it was stopped for that, and is gone on with
    FAILED = "failed"
    LEFT = "left"  # it could not be gone on with; the next manager tries again


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that somebody should know.

    Attributes:
        kind: What.
        agent: Whose job it is.
        job: Which.
        text: In a sentence.
        error: Why, where there is an error.
    """

    kind: NoticeKind
    agent: str
    job: str
    text: str
    error: Exception | None = None
