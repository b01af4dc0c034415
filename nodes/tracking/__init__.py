r"""Tracking: where a run is, from its events alone.

A `Tracker` is fed with events, live or out of a journal, and tells how far the run is, who runs, waits or is stuck, what
takes so long, and when it will be done. It has no clock, asks nobody and changes nothing.

Example::

    tracker = Tracker(flow)
    async with flow.start(inputs, journal="runs.db") as run:
        async for event in run.events():
            tracker.feed(event)
    print(tracker.progress(), tracker.bottlenecks(), tracker.timeline().bars(), sep="\n")
"""

from __future__ import annotations

from .bottlenecks import Bottlenecks, Leg, SlowNode
from .past import events_of, tracked
from .progress import DeadlineStatus, Eta, NodeProgress, Progress, Sure, Waiting
from .story import State
from .timeline import Bar, Timeline
from .tracker import Tracker

__all__ = [
    "Bar",
    "Bottlenecks",
    "DeadlineStatus",
    "Eta",
    "Leg",
    "NodeProgress",
    "Progress",
    "SlowNode",
    "State",
    "Sure",
    "Timeline",
    "Tracker",
    "Waiting",
    "events_of",
    "tracked",
]
