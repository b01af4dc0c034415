"""Token buckets: so much per window, with bursts. Pure: no clock, no waiting; time is an argument.

The law, for a bucket of `burst` that refills at ``rate = amount / per``: what passes in *any* window of length ``t`` is at
most ``burst + rate * t``, so in any window of length `per` at most ``amount + burst``. One thing that is larger than the
burst passes when the bucket is full and leaves a debt, which adds at most its excess, once. What is charged without
asking (`Bucket.charge`) comes on top, and is paid back before anything else passes.

A bucket is kept as one number, the time at which it will be full, as in the generic cell rate algorithm (ITU-T I.371):
nothing has to be refilled, and waiting until `Bucket.ready_at` is exact, without a tolerance for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

INFINITE_PAST = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much of something may pass.

    Attributes:
        amount: So much in a window, in steady state.
        per: The window in seconds.
        burst: So much at once after a pause; by default the whole amount, as providers do it.

    Example::

        Limit(amount=60, burst=5)   # 60 a minute, five of them at once
    """

    amount: float
    per: float = 60.0
    burst: float | None = None

    def __post_init__(self) -> None:
        """Refuse what lets nothing pass."""
        for name in ("amount", "per", "burst"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"a limit's {name} is a number above 0, not {value!r}")


class Bucket:
    """What is left of a limit. Numbers of any one kind, so that tests can be exact.

    Args:
        limit: How much may pass.
    """

    __slots__ = ("_full_at", "burst", "rate")

    def __init__(self, limit: Limit) -> None:
        self.burst = limit.amount if limit.burst is None else limit.burst
        self.rate = limit.amount / limit.per
        # When it will be full, if nothing passes until then. In the past: it is full.
        self._full_at = INFINITE_PAST

    def level(self, now: float) -> float:
        """What could pass now; below 0 it is a debt."""
        return self.burst if self._full_at <= now else self.burst - (self._full_at - now) * self.rate

    def ready_at(self, size: float) -> float:
        """When `size` may pass, if nothing else passes before: now, if that is in the past."""
        return self._full_at - (self.burst - size) / self.rate if size < self.burst else self._full_at

    def charge(self, size: float, now: float) -> None:
        """Let `size` pass, whether it may or not. `ready_at` says whether it may."""
        self._full_at = (self._full_at if self._full_at > now else now) + size / self.rate

    def give_back(self, size: float) -> None:
        """Undo a charge, or a part of it. A bucket is never more than full."""
        self._full_at -= size / self.rate

    def lower(self, level: float, now: float) -> None:
        """Have no more than `level` left: someone who knows better says so."""
        if level < self.level(now):
            self._full_at = now + (self.burst - level) / self.rate
