"""What is known of each activation, folded from events: where it stands, when it was ready, began and ended, and why then.

Nothing here has a clock: every time comes out of an event. Events may come from a live run or from a journal, and any of
them may be missing; what follows from the others is kept all the same.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Final

from backedge.engine.execution.desk import Question
from backedge.engine.records import ActivationId

_SAMPLES: Final = 1000  # so many of a node's last times are kept for its median


class State(StrEnum):
    """Where an activation stands."""

    READY = "ready"  # nothing keeps it from running, but slots may be short
    RUNNING = "running"
    WAITING = "waiting"  # let go of: it waits for an answer, a signal or a timer
    RETRYING = "retrying"  # an attempt failed, the next one comes
    STOPPED = "stopped"  # it was running when the run came to rest; a resume begins it again
    FAILED = "failed"  # for good, until the run is resumed
    FINISHED = "finished"
    HANDLED = "handled"  # it failed, and an error edge took the error on
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in (State.FINISHED, State.HANDLED, State.CANCELLED)


@dataclass(slots=True)
class Span:
    """One stretch of time in which an activation ran.

    Attributes:
        attempt: Which attempt it was.
        began: When, in seconds since the epoch.
        ended: When; None while it runs.
        outcome: The activation's state at its end; RUNNING while it runs.
    """

    attempt: int
    began: float
    ended: float | None = None
    outcome: State = State.RUNNING


@dataclass(slots=True)
class Tale:
    """One activation.

    Attributes:
        id: Which.
        state: Where it stands.
        ready: When it became ready; None where that was not told.
        after: The activation whose end made it ready, if that was told.
        waited: Seconds between being ready and beginning for the first time.
        spans: When it ran.
        waits: What it waits for, while it is WAITING.
        error: What it failed with last, in a line.
    """

    id: ActivationId
    state: State = State.READY
    ready: float | None = None
    after: ActivationId | None = None
    waited: float | None = None
    spans: list[Span] = field(default_factory=list)
    waits: tuple[Question, ...] = ()
    error: str = ""

    @property
    def running(self) -> Span | None:
        """The stretch it is in, while it runs."""
        return self.spans[-1] if self.spans and self.spans[-1].ended is None else None

    @property
    def ended(self) -> float | None:
        """When it last stopped running."""
        return self.spans[-1].ended if self.spans else None

    @property
    def took(self) -> float:
        """Seconds that it ran, all stretches together that are over."""
        return sum(span.ended - span.began for span in self.spans if span.ended is not None)

    def begin(self, attempt: int, at: float) -> None:
        """It begins to run."""
        self.stop(at, State.STOPPED)
        if self.waited is None and self.ready is not None:
            self.waited = max(at - self.ready, 0.0)
        self.spans.append(Span(attempt, at))

    def stop(self, at: float, outcome: State) -> None:
        """It runs no more."""
        span = self.running
        if span is not None:
            span.ended, span.outcome = max(at, span.began), outcome

    def end(self, attempt: int, at: float, seconds: float, outcome: State) -> None:
        """It ended; where its beginning was not told it is worked out."""
        if self.running is None:
            self.begin(attempt, at - seconds)
        self.stop(at, outcome)


class NodeTale:
    """One node.

    Attributes:
        known: How many activations of it are known.
        states: How many are where.
        failures: How many attempts failed.
        seconds: How long its activations that are over took, together.
        samples: How long the last ones that finished took.
    """

    __slots__ = ("_median", "failures", "known", "samples", "seconds", "states")

    def __init__(self) -> None:
        self.known = 0
        self.states: Counter[State] = Counter()
        self.failures = 0
        self.seconds = 0.0
        self.samples: deque[float] = deque(maxlen=_SAMPLES)
        # The median of the samples, until there is another sample.
        self._median: float | None = None

    @property
    def done(self) -> int:
        """How many are over."""
        return sum(count for state, count in self.states.items() if state.over)

    @property
    def alive(self) -> bool:
        """Whether any is not over."""
        return self.done < self.known

    def sample(self, seconds: float) -> None:
        """One finished."""
        self.samples.append(seconds)
        self._median = None

    @property
    def median(self) -> float | None:
        """How long the ones that finished took, in the middle; None if none did."""
        if self._median is None and self.samples:
            self._median = median(self.samples)
        return self._median
