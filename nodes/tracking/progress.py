"""A run at one moment, as data: how far it is, what runs, what waits, when it will be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from backedge.engine.execution.desk import Question
from backedge.engine.records import EffectKind, RunStatus

from .story import State

Sure: TypeAlias = Literal["measured", "rough", "guess"]
"""How sure an estimate is: each node that can still run was timed, and no loop may go round again; some loop may; some
node that can still run was never timed, and counts like the middle of the others."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An activation that waits for something from outside.

    Attributes:
        activation: Which.
        waits: For what.
        since: Since when, in seconds since the epoch.
    """

    activation: str
    waits: tuple[Question, ...]
    since: float

    @property
    def person(self) -> bool:
        """Whether it waits for somebody: an answer, leave to run, or word about a step in doubt."""
        return any(one.kind not in (EffectKind.TIMER, EffectKind.SIGNAL) for one in self.waits)


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """One node.

    Attributes:
        known: How many activations of it are known.
        states: How many are where; only states that any is in.
        median: Seconds that one takes, in the middle; None if none has finished.
        seconds: Seconds that all that are over took, together.
        failures: How many attempts failed.
    """

    known: int
    states: Mapping[State, int]
    median: float | None
    seconds: float
    failures: int


@dataclass(frozen=True, slots=True)
class Eta:
    """When a run will be over, by how long its nodes took before.

    Attributes:
        at: The likely end, in seconds since the epoch: the longest way from what is alive, each node once, or all that
            is ready on as many places as are busy, whichever takes longer.
        latest: The end if each loop goes round to its limit and everything runs one after the other; None where there
            is no limit, or the number of items is not known.
        sure: How sure that is.
    """

    at: float
    latest: float | None
    sure: Sure


class DeadlineStatus(StrEnum):
    """How a run stands to its deadline."""

    MET = "met"
    ON_TIME = "on time"  # the likely end is before it
    AT_RISK = "at risk"  # the likely end is after it
    MISSED = "missed"
    UNKNOWN = "unknown"  # there is no estimate


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at one moment.

    Attributes:
        status: Where the run stands.
        now: The moment, in seconds since the epoch; that of the last event unless another was asked for.
        began: When the first thing was heard of it; None before.
        done: How many activations are over.
        known: How many are known: those that are over, and all that are alive.
        most: How many there will be at most; None where nobody knows.
        running: The activations that run.
        ready: Those that could run and wait for slots.
        retrying: Those whose next attempt is to come.
        waiting: Those that wait for somebody or something.
        failed: Those that failed, with their errors.
        nodes: Each node that was heard of.
        eta: When it will be over; None where that cannot be known.
        why_no_eta: Why there is none; empty where there is.
        deadline: How it stands to its deadline; None without one.
        missing: How many events were dropped before they came here. Where there are any, numbers may be too low, and what
            has ended may count as alive until the run completes.
    """

    status: RunStatus
    now: float
    began: float | None
    done: int
    known: int
    most: int | None
    running: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    retrying: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, NodeProgress] = field(default_factory=dict)
    eta: Eta | None = None
    why_no_eta: str = ""
    deadline: DeadlineStatus | None = None
    missing: int = 0

    @property
    def complete(self) -> bool:
        """Whether every event came here."""
        return self.missing == 0

    @property
    def fraction(self) -> float | None:
        """How much is done of what there is at most, from 0 to 1; None where nobody knows.

        It never falls while events come in order and none is dropped, and it is 1 when the run has completed. A run that
        leaves a loop early, or does not take a way it could have taken, jumps ahead.
        """
        if self.status is RunStatus.COMPLETED:
            return 1.0
        if self.most is None:
            return None
        return self.done / self.most if self.most else 0.0

    def __str__(self) -> str:
        most = "" if self.most is None else f" of at most {self.most}"
        share = self.fraction
        percent = "" if share is None else f" ({share:.0%})"
        told = [f"{self.status.value}: {self.done} done{most}{percent}"]
        told += [f"{len(each)} {name}" for name, each in self._groups() if each]
        if self.eta is not None:
            told.append(f"{max(self.eta.at - self.now, 0.0):.1f} s to go ({self.eta.sure})")
        if self.deadline is not None:
            told.append(f"deadline {self.deadline.value}")
        if self.missing:
            told.append(f"{self.missing} events were dropped")
        return ", ".join(told)

    def _groups(self) -> tuple[tuple[str, tuple[object, ...]], ...]:
        person = tuple(one for one in self.waiting if one.person)
        other = tuple(one for one in self.waiting if not one.person)
        return (
            ("running", self.running),
            ("ready", self.ready),
            ("to be tried again", self.retrying),
            ("waiting for a person", person),
            ("waiting", other),
            ("failed", tuple(self.failed)),
        )
