"""A clock for timers: one that nobody sets, and that goes on while the machine sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


class Clock:
    """Seconds since it was made.

    The event loop's clock stops while a laptop is closed; where the system has one that does not (Linux), whichever has
    gone further counts. The clock on the wall would jump when it is set.

    Example: ``Clock(loop.time).now()``
    """

    __slots__ = ("_began", "_booted", "_time")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._time = monotonic
        self._began = monotonic()
        self._booted = _since_boot()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return max(self._time() - self._began, _since_boot() - self._booted)


def _since_boot() -> float:
    return 0.0 if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
