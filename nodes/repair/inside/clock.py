"""Time limits in processor time: a busy machine does not fail a candidate, an endless loop does not last.

Timers of processor time move in steps of milliseconds, so the alarm is one of the clock on the wall, which is exact;
when it rings before the processor time is used up, it is set again for what is left.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Iterator
    from types import FrameType

AGAIN = 0.01
"""Seconds until the alarm rings again, for code that swallowed the first one."""

IDLE = 20
"""How many times the limit may pass on the wall, for a program that waits and uses no processor."""


class TimeUpError(BaseException):
    """The time of a case is over. No ``except Exception`` of a candidate catches it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUpError` in the body once it has used `seconds` of processor time, and again until it ends.

    The alarm is seen between two Python instructions; a single long call into C has to be killed from outside.
    """
    end = time.process_time() + seconds
    last = time.monotonic() + seconds * IDLE

    def ring(_number: int, _frame: FrameType | None) -> None:
        left = end - time.process_time()
        if left > 0 and time.monotonic() < last:
            signal.setitimer(signal.ITIMER_REAL, max(left, 0.001), AGAIN)
        else:
            raise TimeUpError

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        _quiet()


def _quiet() -> None:
    """Stop the alarm; one that rings meanwhile has nothing left to interrupt."""
    while True:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
        except TimeUpError:
            continue
        return
