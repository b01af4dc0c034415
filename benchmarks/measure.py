"""How things are measured here: side by side, in turn, several times; what counts is the median of the ratios."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was measured, ours and the yardstick in seconds, their ratio and the bar for it."""

    what: str
    ours: float
    yardstick: float
    ratio: float
    bar: float

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.bar else "ABOVE"
        ours, yardstick = spell(self.ours), spell(self.yardstick)
        return (
            f"{self.what:<58} {ours:>9} {yardstick:>9} {self.ratio:>6.2f} x  (bar {self.bar:g} x) {verdict}"
        )


HEAD = f"{'':<58} {'ours':>9} {'yardstick':>9} {'ratio':>8}"


def compare(what: str, ours: Work, yardstick: Work, *, bar: float, per: int = 1, rounds: int = 7) -> Row:
    """Run both in turn and compare them; times are divided by `per`."""
    mine, theirs = [], []
    with asyncio.Runner() as runner:
        runner.run(_timed(ours))
        runner.run(_timed(yardstick))
        for _ in range(rounds):
            theirs.append(runner.run(_timed(yardstick)))
            mine.append(runner.run(_timed(ours)))
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return Row(what, statistics.median(mine) / per, statistics.median(theirs) / per, ratio, bar)


async def _timed(work: Work) -> float:
    gc.collect()
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def spell(seconds: float) -> str:
    """A duration with a fitting unit.

    >>> spell(0.00000123), spell(0.5)
    ('1.2 us', '500 ms')
    """
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
