"""The limits of one account, and the asyncio driver of the gate that keeps them. The gate decides, this acts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from .buckets import Bucket, Limit
from .gate import Gate, Sort, Ticket
from .notices import told_by
from .waiting import Priority

Preset: TypeAlias = Literal["high", "mid", "low"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an account may use; what is ``None`` is not limited.

    Attributes:
        requests: Calls.
        tokens: Tokens, read and written together.
        cost: US dollars. Calls whose price is unknown do not count.
        concurrency: Calls under way at once.
        warn_at: The share in use of one of the first three from which on there is a warning.

    Example::

        Limits(requests=Limit(amount=60, burst=10), tokens=Limit(amount=100_000), concurrency=8)
    """

    requests: Limit | None = None
    tokens: Limit | None = None
    cost: Limit | None = None
    concurrency: int | None = None
    warn_at: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what lets nothing pass."""
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError(f"concurrency is 1 at least, not {self.concurrency}")

    def by_sort(self) -> dict[Sort, Limit]:
        """Those that are limited, without concurrency."""
        every: dict[Sort, Limit | None] = {
            "requests": self.requests,
            "tokens": self.tokens,
            "cost": self.cost,
        }
        return {sort: limit for sort, limit in every.items() if limit is not None}


PRESETS: Final[Mapping[Preset, Limits]] = {
    "low": Limits(
        requests=Limit(amount=20, burst=5), tokens=Limit(amount=40_000, burst=20_000), concurrency=2
    ),
    "mid": Limits(
        requests=Limit(amount=120, burst=20), tokens=Limit(amount=400_000, burst=100_000), concurrency=10
    ),
    "high": Limits(
        requests=Limit(amount=1_000, burst=100), tokens=Limit(amount=2_000_000, burst=500_000), concurrency=50
    ),
}
"""Limits a minute for accounts that are small, usual and large."""


@dataclass(frozen=True, slots=True)
class LimitWarning:
    """A limit is nearly used up.

    Attributes:
        sort: Which.
        used: The share in use; above 1 it is in debt.
    """

    sort: Sort
    used: float


@dataclass(frozen=True, slots=True)
class LimiterStats:
    """What a limiter has seen.

    Attributes:
        passed: Calls that passed, waited or not.
        waits: Those of them that had to wait.
        waited: Seconds they waited, all together.
        longest: Seconds of the longest wait.
        waiting: How many wait now, by priority.
        under_way: Calls that have passed and are not over.
        used: The share of each limit in use; above 1 it is in debt.
        unpriced: Calls that a limit of cost could not count because their price is unknown.
    """

    passed: int = 0
    waits: int = 0
    waited: float = 0.0
    longest: float = 0.0
    waiting: Mapping[Priority, int] = field(default_factory=dict)
    under_way: int = 0
    used: Mapping[Sort, float] = field(default_factory=dict)
    unpriced: int = 0


class Limiter:
    """The limits of one account. Models that share it share them. Belongs to one event loop at a time.

    Args:
        limits: What may be used, or the name of a preset.
        on_warning: Told when the share of a limit in use passes ``warn_at``, and again only after it has fallen to half
            of that; by default it is logged.
        longest_hold: Seconds for which a provider's word is believed at most that nothing is left.
        now: The time with a time zone, for headers that name one. What passes when goes by the clock of the event loop.
    """

    def __init__(
        self,
        limits: Limits | Preset,
        *,
        on_warning: Callable[[LimitWarning], None] | None = None,
        longest_hold: float = 120.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = PRESETS[limits] if isinstance(limits, str) else limits
        buckets = {sort: Bucket(limit) for sort, limit in self.limits.by_sort().items()}
        self._gate = Gate(buckets, self.limits.concurrency)
        self._on_warning = _logged if on_warning is None else on_warning
        self._longest_hold = longest_hold
        self._date = now
        # Those who wait; whoever has passed is not among them.
        self._futures: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._warned: set[Sort] = set()
        self._passed = self._waits = self._unpriced = 0
        self._waited = self._longest = 0.0

    async def enter(self, sizes: Mapping[Sort, float], *, priority: Priority, caller: str) -> Ticket:
        """Wait until a call of this size may pass. `over` must be called with the ticket, once, when it has ended.

        Cancelling whoever waits leaves no trace.
        """
        ticket = self.arrive(sizes, priority=priority, caller=caller)
        if not ticket.passed:
            await self.wait(ticket)
        return ticket

    def arrive(self, sizes: Mapping[Sort, float], *, priority: Priority, caller: str) -> Ticket:
        """As `enter`, for whoever need not wait most of the time: while the ticket has not passed, `wait` must be awaited."""
        now = self._own_loop().time()
        ticket = Ticket(priority=priority, caller=caller, sizes=sizes, came=now)
        if self._gate.arrive(ticket, now):
            self._passed += 1
            self._warn(now)
        return ticket

    async def wait(self, ticket: Ticket) -> None:
        """Wait until a ticket that did not pass at once passes. Cancelling it leaves no trace."""
        loop = self._own_loop()
        future = self._futures[ticket] = loop.create_future()
        self._arm()
        try:
            await future
        except BaseException:
            self._futures.pop(ticket, None)
            self._gate.leave(ticket)
            self._pump(loop.time())
            raise
        now = loop.time()
        waited = now - ticket.came
        self._passed += 1
        self._waits += 1
        self._waited += waited
        self._longest = max(self._longest, waited)
        self._warn(now)

    def over(
        self,
        ticket: Ticket,
        taken: Mapping[Sort, float],
        *,
        headers: Mapping[str, str] | None = None,
        hold: float | None = None,
    ) -> None:
        """A call has ended.

        Args:
            ticket: From `enter`.
            taken: What it really took; what is not said took what was thought.
            headers: What the provider says about its limits.
            hold: Seconds the provider asks to wait.
        """
        loop = self._own_loop()
        now = loop.time()
        self._gate.settle(ticket, taken, now)
        if headers:
            told = told_by(headers, self._date())
            self._gate.adapt({sort: left.within(self._longest_hold) for sort, left in told.items()}, now)
        if hold is not None:
            self._gate.hold(now + min(hold, self._longest_hold))
        if self._futures:
            self._pump(now)

    def unpriced(self) -> None:
        """Note a call whose price is unknown."""
        self._unpriced += 1

    def stats(self) -> LimiterStats:
        """What it has seen until now; to be called in its event loop."""
        now = self._own_loop().time()
        return LimiterStats(
            passed=self._passed,
            waits=self._waits,
            waited=self._waited,
            longest=self._longest,
            waiting=self._gate.queue.waiting(),
            under_way=self._gate.under_way,
            used={sort: self._gate.used(sort, now) for sort in self._gate.buckets},
            unpriced=self._unpriced,
        )

    def _pump(self, now: float) -> None:
        """Let pass who may, and see to it that this is asked again in time."""
        for ticket in self._gate.admit(now):
            future = self._futures.pop(ticket)
            if not future.done():  # a cancelled one gives its place back as soon as it notices
                future.set_result(None)
        self._arm()

    def _arm(self) -> None:
        at = self._gate.next_at()
        if at is None or (self._timer is not None and self._timer.when() <= at):
            return  # a timer that comes too early arms the next
        if self._timer is not None:
            self._timer.cancel()
        assert self._loop is not None
        self._timer = self._loop.call_at(at, self._fire, at)

    def _fire(self, at: float) -> None:
        self._timer = None
        assert self._loop is not None
        self._pump(max(at, self._loop.time()))  # loops call a little early, by the resolution of their clock

    def _warn(self, now: float) -> None:
        warn_at = self.limits.warn_at
        for sort, bucket in self._gate.buckets.items():
            used = 1 - bucket.level(now) / bucket.burst
            if used < warn_at / 2:
                self._warned.discard(sort)
            elif used >= warn_at and sort not in self._warned:
                self._warned.add(sort)
                self._on_warning(LimitWarning(sort, used))

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self._futures:
                raise RuntimeError(
                    "a limiter was used in two event loops at once; give each loop a limiter of its own"
                )
            self._loop, self._timer = loop, None
        return loop


def _logged(warning: LimitWarning) -> None:
    _log.warning("%.0f%% of the %s a window allows are in use", warning.used * 100, warning.sort)
