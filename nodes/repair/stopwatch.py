"""Time on the clock, in laps: what a repair may use is counted from report to report, whatever it is used for."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Runs from the moment it is made.

    Args:
        now: The clock, in seconds.

    Example::

        watch = Stopwatch()
        ...
        watch.seconds  # since it was made
        watch.lap()  # the same, and the next lap begins
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()

    @property
    def seconds(self) -> float:
        """Seconds of this lap so far."""
        return self._now() - self._since

    def lap(self) -> float:
        """Seconds of this lap; the next one begins."""
        before, self._since = self._since, self._now()
        return self._since - before
