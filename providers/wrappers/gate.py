"""Decides who may call a model now: buckets, slots and the queue together. Pure; `limits` drives it.

Whoever comes either passes at once or waits; whenever something was given back or time has passed, `Gate.admit` says who
passes. Only the one whose turn it is is ever looked at, so a decision costs the same however many wait, and a large
request is not overtaken for ever by small ones.

Critical ones pass at once, whatever is left. They are charged like the others, so that a bucket may be in debt after
them, and the others wait until it is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .buckets import Bucket
from .waiting import Priority, Queue

Sort: TypeAlias = Literal["requests", "tokens", "cost"]
"""What can be limited."""


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket:
    """One call that wants to pass.

    Attributes:
        priority: How urgent it is.
        caller: Whom it is for; callers take turns.
        sizes: What it will take, as far as one can tell.
        came: When it came.
        passed: Whether it may go.
    """

    priority: Priority = "normal"
    caller: str = ""
    sizes: Mapping[Sort, float] = field(default_factory=dict)
    came: float = 0.0
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says is left of one of its limits.

    Attributes:
        remaining: So much.
        reset: Seconds until all of it is there again, if it says so.
    """

    remaining: float
    reset: float | None = None

    def within(self, longest: float) -> Told:
        """The same, there again after `longest` seconds at the latest."""
        return self if self.reset is None else Told(self.remaining, min(self.reset, longest))


class Gate:
    """Lets calls pass, as buckets and slots allow.

    Args:
        buckets: What is limited; sorts that are missing are not.
        slots: How many calls may be under way at once; ``None`` for any number.
    """

    def __init__(self, buckets: Mapping[Sort, Bucket], slots: int | None = None) -> None:
        self.buckets = dict(buckets)
        self.queue: Queue[Ticket] = Queue()
        self._slots = slots
        # Nobody but critical ones passes before this time.
        self._held_until = float("-inf")
        # Calls that have passed and are not over, and what they were charged.
        self.under_way = 0
        self._charged: dict[Sort, float] = dict.fromkeys(self.buckets, 0)
        # How often someone was looked at: the cost of all decisions.
        self.looks = 0

    def arrive(self, ticket: Ticket, now: float) -> bool:
        """Somebody wants to pass. Whether it may at once; otherwise it waits, until `admit` gives it or it leaves."""
        if ticket.priority == "critical" or (not self.queue and self._may_pass(ticket, now)):
            self._pass(ticket, now)
        else:
            self.queue.add(ticket)
        return ticket.passed

    def admit(self, now: float) -> list[Ticket]:
        """Those who may pass now, in this order."""
        passed = []
        while (ticket := self.queue.first()) and self._may_pass(ticket, now):
            self.queue.served(ticket)
            self._pass(ticket, now)
            passed.append(ticket)
        return passed

    def next_at(self) -> float | None:
        """When to ask `admit` again; None when only the end of a call can change anything."""
        ticket = self.queue.first()
        if ticket is None or self._is_full():
            return None
        return self._ready_at(ticket)

    def leave(self, ticket: Ticket) -> None:
        """It no longer wants to pass, or never went although it might have: all it held is given back."""
        if not ticket.passed:
            self.queue.remove(ticket)
            return
        self.under_way -= 1
        for sort, bucket in self.buckets.items():
            size = ticket.sizes.get(sort, 0)
            self._charged[sort] -= size
            bucket.give_back(size)

    def settle(self, ticket: Ticket, taken: Mapping[Sort, float], now: float) -> None:
        """Its call is over and took this much; what is not said took what was thought."""
        self.under_way -= 1
        sizes, charged = ticket.sizes, self._charged
        for sort, bucket in self.buckets.items():
            thought = sizes.get(sort, 0)
            charged[sort] -= thought
            more = taken.get(sort, thought) - thought
            if more > 0:
                bucket.charge(more, now)
            elif more:
                bucket.give_back(-more)

    def adapt(self, told: Mapping[Sort, Told], now: float) -> None:
        """The provider says what is left. It has not yet seen what is under way; it is believed only where it has less."""
        for sort, left in told.items():
            bucket = self.buckets.get(sort)
            if bucket is not None:
                bucket.lower(left.remaining - self._charged[sort], now)
            if left.remaining <= 0 and left.reset is not None:
                self.hold(now + left.reset)

    def hold(self, until: float) -> None:
        """Let nobody pass before this time, critical ones excepted."""
        self._held_until = max(self._held_until, until)

    def used(self, sort: Sort, now: float) -> float:
        """Which share of a bucket is in use; above 1 it is in debt."""
        bucket = self.buckets[sort]
        return 1 - bucket.level(now) / bucket.burst

    def _may_pass(self, ticket: Ticket, now: float) -> bool:
        self.looks += 1
        return not self._is_full() and self._ready_at(ticket) <= now

    def _is_full(self) -> bool:
        return self._slots is not None and self.under_way >= self._slots

    def _ready_at(self, ticket: Ticket) -> float:
        ready, sizes = self._held_until, ticket.sizes
        for sort, bucket in self.buckets.items():
            at = bucket.ready_at(sizes.get(sort, 0))
            if at > ready:
                ready = at
        return ready

    def _pass(self, ticket: Ticket, now: float) -> None:
        ticket.passed = True
        self.under_way += 1
        sizes, charged = ticket.sizes, self._charged
        for sort, bucket in self.buckets.items():
            size = sizes.get(sort, 0)
            bucket.charge(size, now)
            charged[sort] += size
