"""Driving a run's schedule from its records once more, and checking each of them against what the graph allows.

No node, no condition and no model is called here. Reducers and field validators are: they belong to the state.

A record is checked just before it is applied, so a mismatch never leads to further ones, but for one that cannot be
applied at all: there the replay ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import recovery
from ..activation import Phase
from ..compiler.compile import CompiledGraph
from ..errors import StepError
from ..execution import outcome
from ..execution.settings import FIRST
from ..plan import Rounds
from ..records import (
    AttemptFailed,
    EffectOpened,
    EffectRecorded,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunStarted,
    RunStatus,
)
from ..schedule import LoopLimit, Schedule
from ..state.snapshots import Snapshot
from .report import Mismatch, edges_text
from .walk import Walk


class Replay:
    """One replay of one run.

    Attributes:
        checked: How many records were checked.
        conditions: How many activations' edges were decided anew.
        stopped: Whether a record could not be applied, so that those after it were not checked.

    Example: ``mismatches = list(Replay(graph, records).steps())``
    """

    def __init__(
        self,
        graph: CompiledGraph,
        records: Sequence[Record],
        *,
        conditions: bool = False,
        resources: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin.

        Args:
            graph: The graph as it is now.
            records: The run's records, all of them.
            conditions: Whether today's conditions are asked, and not only checked that the edges taken are there.
            resources: What conditions are handed.
        """
        self._graph = graph
        self._records = records
        self._walk = Walk(graph, records)
        self._asks = conditions
        self._resources = resources or {}
        self.checked = 0
        self.conditions = 0
        self.stopped = False

    def steps(self) -> Iterator[tuple[Record, recovery.Recovered, list[Mismatch]]]:
        """Each record, the run just before it, and what is wrong with it."""
        for place, record in enumerate(self._records):
            try:
                run = self._walk.at(place)
                found = self._check(place, record, run)
            except recovery.UNFIT as error:
                self.stopped = True
                yield record, self._walk.reached, [_unfit(self._records, error, self._walk.place)]
                return
            self.checked += 1
            yield record, run, found
        try:
            self._walk.at(len(self._records))
        except recovery.UNFIT as error:
            self.stopped = True
            yield self._records[-1], self._walk.reached, [_unfit(self._records, error, self._walk.place)]

    # ------------------------------------------------------------------ one record

    def _check(self, place: int, record: Record, run: recovery.Recovered) -> list[Mismatch]:
        if record.seq != place:
            return [Mismatch(record.seq, "", "number", str(record.seq), str(place))]
        match record:
            case RunStarted():
                return self._routing(record, run.schedule, self._graph.start, (), record.taken)
            case NodeFinished() | AttemptFailed():
                return self._ended(record, run)
            case Routed():
                node, rounds = recovery.key_of(self._graph, record.activation)
                return [
                    *_in_phase(record, run.schedule, node, rounds, Phase.RETURNED),
                    *self._routing(record, run.schedule, node, rounds, record.taken),
                ]
            case RoutingFailed():
                node, rounds = recovery.key_of(self._graph, record.activation)
                return _in_phase(record, run.schedule, node, rounds, Phase.RETURNED)
            case EffectOpened() | EffectRecorded():
                node, rounds = recovery.key_of(self._graph, record.activation)
                if run.schedule.is_cancelled(node, rounds):
                    return []
                return _in_phase(record, run.schedule, node, rounds, Phase.RUNNING)
            case RunEnded():
                return _end(record, run)
            case _:
                return []

    def _ended(self, record: NodeFinished | AttemptFailed, run: recovery.Recovered) -> list[Mismatch]:
        node, rounds = recovery.key_of(self._graph, record.activation)
        if run.schedule.is_cancelled(node, rounds):
            return []  # recorded before it had stopped
        rejected = isinstance(record, AttemptFailed) and run.schedule.phase(node, rounds) is Phase.FAILED
        if not rejected and (wrong := _in_phase(record, run.schedule, node, rounds, Phase.RUNNING)):
            return wrong
        found: list[Mismatch] = []
        attempt = run.tries.get((node, rounds), FIRST).next
        if record.attempt != attempt:
            found.append(_told(record, "attempt", str(record.attempt), str(attempt)))
        if isinstance(record, AttemptFailed):
            return found
        if record.error is not None:
            return [*found, *self._handlers(record, node)]
        return [
            *found,
            *self._writes(record, node),
            *self._routing(record, run.schedule, node, rounds, record.taken),
        ]

    def _handlers(self, record: NodeFinished, node: int) -> list[Mismatch]:
        own = {self._graph.plan.edges[number].id for number in self._graph.nodes[node].error_ways}
        strange = [edge for edge in record.taken or () if edge not in own]
        return (
            [_told(record, "error edges", edges_text(record.taken), edges_text(tuple(own)))]
            if strange
            else []
        )

    def _writes(self, record: NodeFinished, node: int) -> list[Mismatch]:
        spec = self._graph.nodes[node].spec
        assert spec is not None
        found, rules = [], self._graph.rules
        fields = (*spec.fields, *([rules.fans[rules.adders[node]].added] if node in rules.adders else []))
        if any(field not in fields for field in record.writes):
            written, declared = ", ".join(record.writes), ", ".join(spec.fields) or "none"
            found.append(_told(record, "fields written", written, declared))
        for field, raw in record.writes.items():
            now = self._graph.schema.encode(field, self._graph.schema.decode(field, raw))
            if now != raw:
                found.append(_told(record, f"encoding of field {field!r}", raw.decode(), now.decode()))
        return found

    # ------------------------------------------------------------------ edges

    def _routing(
        self,
        record: RunStarted | NodeFinished | Routed,
        schedule: Schedule,
        node: int,
        rounds: Rounds,
        recorded: tuple[str, ...] | None,
    ) -> list[Mismatch]:
        if recorded is None:
            return []
        taken = recovery.numbers_of(self._graph, recorded)
        if self._asks:
            now = self._decided(record, schedule, node, rounds)
            self.conditions += 1
        else:
            now = self._allowed(schedule, node, rounds, taken)
        ids = now if isinstance(now, str) else self._ids(now)
        return [] if ids == self._ids(taken) else [_told(record, "edges", edges_text(recorded), ids)]

    def _decided(
        self, record: RunStarted | NodeFinished | Routed, schedule: Schedule, node: int, rounds: Rounds
    ) -> tuple[int, ...] | str:
        """The edges that today's conditions take, or what they raise."""
        snapshot = self._left(record, schedule, node, rounds)
        try:
            return outcome.route(self._graph, schedule, node, rounds, snapshot, self._resources)
        except StepError as error:
            return f"{type(error).__name__}: {error}"

    def _left(
        self, record: RunStarted | NodeFinished | Routed, schedule: Schedule, node: int, rounds: Rounds
    ) -> Snapshot:
        if isinstance(record, Routed):
            return schedule.snapshot(node, rounds)
        raw = record.inputs if isinstance(record, RunStarted) else record.writes
        return schedule.preview(node, rounds, outcome.decode(self._graph, raw))

    def _allowed(
        self, schedule: Schedule, node: int, rounds: Rounds, taken: tuple[int, ...]
    ) -> tuple[int, ...] | str:
        """The edges that are taken if those conditions held which the record says: others follow from the graph."""
        compiled, edges = self._graph.nodes[node], self._graph.edges
        instead = {way: limited for limited, way in self._graph.otherwise.items()}
        held = {instead.get(number, number) for number in taken}
        held |= {number for number in compiled.ways if edges[number].unconditional}
        now = schedule.route(node, rounds, [number for number in compiled.ways if number in held])
        if isinstance(now, LoopLimit):
            return f"the limit of {now.limit} of {edges[now.edge].id}"
        if not now and compiled.ways and not (compiled.spec is not None and compiled.spec.may_stop):
            return "at least one, since it may not stop"
        return now

    def _ids(self, numbers: tuple[int, ...]) -> str:
        """Edges in an order of their own, as the order in which they are taken does not matter."""
        return edges_text(tuple(self._graph.plan.edges[number].id for number in sorted(numbers)))


def _in_phase(record: Any, schedule: Schedule, node: int, rounds: Rounds, phase: Phase) -> list[Mismatch]:
    now = schedule.phase(node, rounds)
    if now is phase:
        return []
    what = type(record).__name__
    return [_told(record, "the activation", f"{phase.value}, then {what}", now.value if now else "not alive")]


def _end(record: RunEnded, run: recovery.Recovered) -> list[Mismatch]:
    idle = run.schedule.idle
    if record.status not in (RunStatus.COMPLETED, RunStatus.FAILED):
        return []
    if idle == (record.status is RunStatus.COMPLETED):
        return []
    live = [str(run.schedule.activation_id(node, rounds)) for node, rounds, _ in run.schedule.live()]
    now = "nothing is left to run" if idle else f"{', '.join(live)} still to end"
    return [Mismatch(record.seq, "", "the end", record.status.value, now)]


def _told(
    record: RunStarted | NodeFinished | AttemptFailed | Routed, what: str, recorded: str, now: str
) -> Mismatch:
    activation = "START" if isinstance(record, RunStarted) else str(record.activation)
    return Mismatch(record.seq, activation, what, recorded, now)


def _unfit(records: Sequence[Record], error: Exception, place: int) -> Mismatch:
    record = records[place]
    why = f"field {error} is gone" if isinstance(error, KeyError) else str(error)
    activation = str(getattr(record, "activation", ""))
    return Mismatch(record.seq, activation, "does not fit this graph", type(record).__name__, why)
