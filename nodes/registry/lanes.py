"""One agent's jobs, as a state machine without tasks or clock: what is queued, what runs, what to begin next.

A job is in one place at a time: queued, running, waiting (for a person, a signal, a time), or none of these, when it is over or
somebody else has it. Not more than `concurrency` run at once, the oldest queued one is begun first.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from backedge.engine.records import RunStatus


class AgentState(StrEnum):
    """Whether an agent begins jobs."""

    STARTED = "started"
    DRAINING = "draining"  # it begins those that are queued, and then none
    STOPPING = "stopping"  # it begins none; some still run
    STOPPED = "stopped"


@dataclass(slots=True)
class Beat:
    """A running job's heartbeat.

    Attributes:
        last: When it was last heard of, by a clock that only grows.
        told: Whether its silence was told.
        restarts: How often it was stopped for its silence.
    """

    last: float
    told: bool = False
    restarts: int = 0


class Lane:
    """The jobs of one agent.

    Attributes:
        concurrency: How many may run at once.
        running: The jobs that run, with their heartbeats.
        waiting: The jobs that wait for something from outside.
        ended: How many jobs ended with which status here.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._open = False  # new ones are begun
        self._draining = False  # only until none is queued
        # Queued jobs by age: (when it was made, its id); the ids among them that count.
        self._heap: list[tuple[float, str]] = []
        self._queued: dict[str, float] = {}
        # When each job that is not over was made: it keeps its place.
        self._made: dict[str, float] = {}
        # How often jobs that are not over were stopped for their silence.
        self._restarts: Counter[str] = Counter()
        self.running: dict[str, Beat] = {}
        self.waiting: set[str] = set()
        self.ended: Counter[RunStatus] = Counter()

    # ------------------------------------------------------------------ begin and stop

    @property
    def state(self) -> AgentState:
        """Whether it begins jobs."""
        if self._open:
            return AgentState.STARTED
        if self._draining and self._queued:
            return AgentState.DRAINING
        return AgentState.STOPPING if self.running else AgentState.STOPPED

    def open(self) -> None:
        """Begin jobs from now on."""
        self._open, self._draining = True, False

    def close(self, *, drain: bool = False) -> None:
        """Begin no more jobs; with `drain` those that are queued first."""
        self._open, self._draining = False, drain

    # ------------------------------------------------------------------ jobs

    @property
    def queued(self) -> tuple[str, ...]:
        """The queued jobs, the next one first."""
        return tuple(job for made, job in sorted((made, job) for job, made in self._queued.items()))

    @property
    def length(self) -> int:
        """How many are queued."""
        return len(self._queued)

    def holds(self, job: str) -> bool:
        """Whether the job is here and not over."""
        return job in self._made

    def put(self, job: str, made: float) -> bool:
        """Queue a job that was made then; whether that is news: one that is queued or runs stays as it is."""
        if job in self._queued or job in self.running:
            return False
        self.waiting.discard(job)
        made = self._made.setdefault(job, made)
        self._queued[job] = made
        heapq.heappush(self._heap, (made, job))
        return True

    def park(self, job: str, made: float) -> None:
        """A job that waits for something from outside was found."""
        self._made.setdefault(job, made)
        self.waiting.add(job)

    def take(self, now: float) -> list[str]:
        """The jobs to begin now. They count as running."""
        taken: list[str] = []
        while self._heap and (self._open or self._draining) and len(self.running) < self.concurrency:
            _, job = heapq.heappop(self._heap)
            if self._queued.pop(job, None) is None:
                continue
            self.running[job] = Beat(now, restarts=self._restarts[job])
            taken.append(job)
        return taken

    def rested(self, job: str, status: RunStatus | None, *, again: bool = False) -> None:
        """A running job came to rest: over, waiting, or, with `again`, stopped in order to go on later.

        `status` is None where it could not be gone on with here, such as one that another process has.
        """
        beat = self.running.pop(job)
        if again and status is RunStatus.INTERRUPTED:
            self._restarts[job] = beat.restarts
            self.put(job, self._made[job])
            return
        if status in (RunStatus.SUSPENDED, RunStatus.IN_DOUBT):
            self.waiting.add(job)
            return
        self._made.pop(job, None)
        self._restarts.pop(job, None)
        if status is not None:
            self.ended[status] += 1

    # ------------------------------------------------------------------ heartbeat

    def beat(self, job: str, now: float) -> None:
        """A running job was heard of."""
        beat = self.running.get(job)
        if beat is not None:
            beat.last, beat.told = now, False

    def deaf(self, seconds: float, now: float) -> None:
        """For so many seconds up to now nobody could be heard: they do not count as silence."""
        for beat in self.running.values():
            if not beat.told:
                beat.last = min(beat.last + seconds, now)

    def silent(self, now: float, after: float) -> list[str]:
        """The running jobs that were not heard of for so long, each told once for each silence."""
        found = [job for job, beat in self.running.items() if not beat.told and now - beat.last >= after]
        for job in found:
            self.running[job].told = True
        return found

    def restart(self, job: str, most: int) -> bool:
        """Whether a silent job may be stopped and gone on with once more; it then counts as such."""
        beat = self.running[job]
        if beat.restarts >= most:
            return False
        beat.restarts += 1
        return True

    @property
    def silent_since(self) -> float | None:
        """When a job that is silent now was last heard of; None where none is."""
        return min((beat.last for beat in self.running.values() if beat.told), default=None)

    def validate(self) -> None:
        """Raise AssertionError where a job is in two places, or too many run."""
        places = [set(self._queued), set(self.running), self.waiting]
        assert sum(map(len, places)) == len(set().union(*places)), "a job is in two places"
        assert set().union(*places) == set(self._made), "a job is in no place"
        assert len(self.running) <= self.concurrency, "too many jobs run"
        assert set(self._queued) <= {job for _, job in self._heap}, "a queued job can never begin"
