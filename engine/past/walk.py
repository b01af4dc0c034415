"""The states that a run's records led through.

One machine is driven along the records as it is asked for them, so that going through a whole run costs as much as
recovering it once; going back starts over.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import recovery
from ..compiler.compile import CompiledGraph
from ..execution import outcome
from ..plan import Key
from ..records import (
    ActivationCancelled,
    AttemptFailed,
    EffectOpened,
    EffectRecorded,
    InputEdited,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunForked,
    RunStarted,
)
from ..recovery import Recovered
from ..state.snapshots import Snapshot


class Walk:
    """Goes along the records of one run, from its first one.

    Every method raises one of `recovery.UNFIT` where the records are not those of a run of this graph.

    Attributes:
        reached: The run as far as it was gone along.
        place: How many records that is.

    Example: ``Walk(graph, records).after(12)``
    """

    def __init__(self, graph: CompiledGraph, records: Sequence[Record]) -> None:
        self._graph = graph
        self._records = records
        # The machine after the first `place` records.
        self.reached = Recovered(recovery.new_schedule(graph))
        self.place = 0

    def at(self, place: int) -> Recovered:
        """The run just before the record at this place. It is moved on by the next call of any method."""
        if place < self.place:
            self.reached, self.place = Recovered(recovery.new_schedule(self._graph)), 0
        while self.place < place:
            following = self._records[self.place + 1] if self.place + 1 < len(self._records) else None
            recovery.advance(self._graph, self.reached, self._records[self.place], following)
            self.place += 1
        return self.reached

    def before(self, place: int) -> Snapshot:
        """What the record's activation ran on; for a record about the run itself the state just before it."""
        match record := self._records[place]:
            case RunStarted():
                return self._graph.schema.initial()
            case NodeFinished() | AttemptFailed() | RoutingFailed() | Routed() | InputEdited():
                return self._ran_on(place, self._key(record))
            case EffectOpened() | EffectRecorded() | ActivationCancelled():
                return self._ran_on(place, self._key(record))
            case _:
                return self.after(place - 1)

    def after(self, place: int) -> Snapshot:
        """What the record's activation left, or ran on where it did not finish; END's for the run's end."""
        match record := self._records[place]:
            case RunStarted():
                values = outcome.decode(self._graph, record.inputs)
                return self.at(place).schedule.preview(self._graph.start, (), values)
            case NodeFinished():
                key, schedule = self._key(record), self.at(place).schedule
                if schedule.is_cancelled(*key):
                    return self._ran_on(place, key)
                return schedule.preview(*key, outcome.decode(self._graph, record.writes))
            case AttemptFailed() | RoutingFailed() | Routed() | EffectOpened() | EffectRecorded():
                return self._ran_on(place, self._key(record))
            case ActivationCancelled():
                return self._ran_on(place, self._key(record))
            case InputEdited():
                return self._ran_on(place + 1, self._key(record))
            case RunForked() if record.before is not None:
                return self._ran_on(place + 1, recovery.key_of(self._graph, record.before))
            case RunForked():
                schema = self._graph.schema
                return self.after(place - 1).edited(schema.edit(schema.decode_values(record.edits)))
            case _:
                result = self.at(place).schedule.result
                return result if result is not None else self.after(place - 1)

    def _ran_on(self, place: int, key: Key) -> Snapshot:
        schedule = self.at(place).schedule
        return schedule.snapshot_or_none(*key) or self._graph.schema.initial()

    def _key(
        self,
        record: NodeFinished
        | ActivationCancelled
        | AttemptFailed
        | RoutingFailed
        | Routed
        | InputEdited
        | EffectOpened
        | EffectRecorded,
    ) -> Key:
        return recovery.key_of(self._graph, record.activation)
