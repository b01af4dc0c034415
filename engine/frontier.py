"""Where a run stands, in a few bytes: a cache that spares reading a long past when the run is opened.

A run is its records; a frontier only says what came of those up to one of them, so it may be missing, and is not
believed when the graph is another one. It is cut where the run is *narrow*: one activation is alive and has just been
started, so all there is to know is its snapshot's values and how often feedback edges were taken. Loops pass through
such a point each round, and a fan-out when it has joined.

So that frontiers take at most about a tenth of the space of the records, the next one is due after as many records as
this one is long for: a run with a small state has one every `OFTEN` records, one with a large state has hardly any.
"""

from __future__ import annotations

import json
from typing import Any, Final

from .compiler.compile import CompiledGraph
from .errors import ScheduleError
from .recovery import Recovered, new_schedule
from .schedule import Schedule

OFTEN: Final = 128
"""Records between two frontiers, at least."""
_BYTES_FOR_A_RECORD: Final = 10


class Cutter:
    """Cuts frontiers of one run that goes on, when they are due.

    Attributes:
        due: The first record after which the next frontier is due.

    Example: ``raw = cutter.cut(schedule, seq)``
    """

    __slots__ = ("_graph", "_last", "due")

    def __init__(self, graph: CompiledGraph, seq: int) -> None:
        self._graph = graph
        self._last = seq  # after which record the last one was cut
        self.due = seq + OFTEN

    def cut(self, schedule: Schedule, seq: int) -> bytes | None:
        """The frontier after record `seq`, or None when none is due or it cannot be told in short."""
        if seq < self.due:
            return None
        told = schedule.narrow()
        if told is None:
            return None
        node, rounds, edge, source_rounds, snapshot = told
        schema = self._graph.schema
        values: dict[str, Any] = {}
        try:
            for name, field in schema.fields.items():
                if snapshot.has(name):
                    values[name] = field.value.encode(snapshot.read(name)).decode()
        except (ValueError, UnicodeDecodeError):
            self.due = seq + 64 * OFTEN  # a value that does not come back as it is
            return None
        laps = [
            [self._graph.plan.edges[number].id, [[list(outer), count] for outer, count in counts.items()]]
            for number, counts in schedule.laps.items()
        ]
        limits = [[self._graph.plan.edges[number].id, limit] for number, limit in schedule.limits.items()]
        what = [self._graph.digest, seq, node, rounds, edge, source_rounds, values, laps, limits]
        raw = json.dumps(what, separators=(",", ":")).encode()
        spread = len(raw) // _BYTES_FOR_A_RECORD
        if self._last + spread > seq:
            self.due = self._last + spread
            return None
        self._last, self.due = seq, seq + max(OFTEN, spread)
        return raw


def recovered_at(graph: CompiledGraph, raw: bytes) -> Recovered | None:
    """The run as a frontier tells it, ready for the records after it; None when it is of another graph or unreadable."""
    try:
        digest, seq, node, rounds, edge, source_rounds, values, laps, limits = json.loads(raw)
        if digest != graph.digest:
            return None
        run = Recovered(new_schedule(graph))
        numbers = graph.plan.edge_number
        decoded = graph.schema.decode_values({name: text.encode() for name, text in values.items()})
        run.schedule.limits.update({numbers[name]: limit for name, limit in limits})
        counts = {numbers[name]: {tuple(outer): count for outer, count in taken} for name, taken in laps}
        order = run.schedule.settle(
            (node, tuple(rounds)), (edge, tuple(source_rounds)), graph.schema.restored(decoded), counts
        )
    except (ValueError, KeyError, TypeError, IndexError, ScheduleError):
        return None
    run.orders[node, tuple(rounds)] = order
    run.seq = seq + 1
    return run
