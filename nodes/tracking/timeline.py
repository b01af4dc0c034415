"""Who ran when: each stretch on a lane of its own, so that no two on one lane overlap, and the times when nothing ran.

Lanes are given in the order of beginnings, the lowest free one first: then there are as many as ever ran at once, and no
fewer would do.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .story import Span, State, Tale

_MARKS: Final = {State.RUNNING: ">", State.FAILED: "!", State.RETRYING: "!", State.HANDLED: "!"}
_SOONEST: Final = 1e-9  # seconds; what is shorter is no gap but how floats are


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch in which an activation ran.

    Attributes:
        activation: Whose.
        node: Its node.
        attempt: Which attempt.
        lane: Which lane, from 0.
        began: When, in seconds since the epoch.
        ended: When; the timeline's end while it runs.
        outcome: How it ended; RUNNING while it runs.
    """

    activation: str
    node: str
    attempt: int
    lane: int
    began: float
    ended: float
    outcome: State


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run's stretches, in the order in which they began.

    Attributes:
        rows: The stretches.
        lanes: How many lanes there are: as many as ran at once.
        gaps: Times between its beginning and its end in which nothing ran: from, to.
        began: When the first began, in seconds since the epoch.
        ended: When the last ended, or the moment that was asked for.
        older: How many activations are left out, since they were forgotten.
    """

    rows: tuple[Bar, ...]
    lanes: int
    gaps: tuple[tuple[float, float], ...]
    began: float
    ended: float
    older: int = 0

    @property
    def idle(self) -> float:
        """Seconds in which nothing ran."""
        return sum(until - since for since, until in self.gaps)

    def bars(self, width: int = 60, most: int = 50) -> str:
        """The stretches as lines of text, the last `most` of them.

        ``#`` is time that it ran, ``>`` at its end that it still runs, ``!`` that it failed.
        """
        shown = self.rows[max(len(self.rows) - most, 0) :]
        whole = max(self.ended - self.began, _SOONEST)
        wide = max((len(bar.activation) for bar in shown), default=0)
        hidden = len(self.rows) - len(shown) + self.older
        lines = [f"(not shown: {hidden} earlier)"] if hidden else []
        for bar in shown:
            first = min(int((bar.began - self.began) / whole * width), width - 1)
            last = max(min(round((bar.ended - self.began) / whole * width), width), first + 1)
            mark = _MARKS.get(bar.outcome, "#")
            line = " " * first + "#" * (last - first - 1) + mark + " " * (width - last)
            lines.append(f"{bar.activation:<{wide}} |{line}| {bar.ended - bar.began:.2f} s")
        return "\n".join(lines)


def timeline_of(tales: Iterable[Tale], now: float, *, older: int = 0) -> Timeline:
    """The stretches of some activations up to `now`."""
    spans = [(span, tale) for tale in tales for span in tale.spans]
    spans.sort(key=lambda each: (each[0].began, _end(each[0], now)))
    if not spans:
        return Timeline((), 0, (), now, now, older)
    free: list[int] = []  # lanes given back
    busy: list[tuple[float, int]] = []  # lanes, by when they are given back
    rows: list[Bar] = []
    gaps: list[tuple[float, float]] = []
    covered = spans[0][0].began
    for span, tale in spans:
        while busy and busy[0][0] <= span.began:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        end = _end(span, now)
        heapq.heappush(busy, (end, lane))
        if span.began - covered > _SOONEST:
            gaps.append((covered, span.began))
        covered = max(covered, end)
        rows.append(Bar(str(tale.id), tale.id.node, span.attempt, lane, span.began, end, span.outcome))
    lanes = 1 + max(bar.lane for bar in rows)
    return Timeline(tuple(rows), lanes, tuple(gaps), rows[0].began, covered, older)


def _end(span: Span, now: float) -> float:
    return max(now, span.began) if span.ended is None else span.ended
