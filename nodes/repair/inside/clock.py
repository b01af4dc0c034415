"""Time limits in processor time: a busy machine does not fail a candidate, an endless loop does not last."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.02
"""Seconds until the alarm rings again, for code that swallowed the first one."""


class TimeUpError(BaseException):
    """The time of a case is over. No ``except Exception`` of a candidate catches it."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeUpError


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUpError` in the body once it has used `seconds` of processor time, and again until it ends.

    The alarm is seen between two Python instructions; a single long call into C has to be killed from outside.
    """
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        _quiet()


def _quiet() -> None:
    """Stop the alarm; one that rings meanwhile has nothing left to interrupt."""
    while True:
        try:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, signal.SIG_IGN)
        except TimeUpError:
            continue
        return
