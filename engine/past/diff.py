"""Where two runs part, and in what.

Records are matched by what they are about, not by their place: parallel activations end in any order, which is no
difference. What counts is what an activation wrote or failed with, the edges it took, what its effects gave (but for the
clock and chance), and what somebody edited. The first such thing that the other run has not, or has otherwise, is where
they part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ..compiler.compile import CompiledGraph
from ..records import (
    ActivationCancelled,
    AttemptFailed,
    EffectKind,
    EffectRecorded,
    ErrorInfo,
    InputEdited,
    NodeFinished,
    Record,
    Routed,
    RunForked,
    RunStarted,
)
from ..state.snapshots import Snapshot
from .report import edges_text, error_text, indented, sides, text_of
from .walk import Walk

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """A field that differs: its values as JSON or, where that has several lines, as text; ``unset`` for none."""

    field: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two runs part.

    Attributes:
        activation: The activation that went another way, as text; empty for an edit of the whole state.
        what: What differs: ``what it wrote``, ``the edges taken``, ``effect 'ask'``, ``an edit``, …
        one: What it was in the first run; None where that has nothing of the kind.
        other: The same for the second run.
        seqs: Numbers of the two records; None where there is none.
        fields: How the states after these records differ, field by field.
    """

    activation: str
    what: str
    one: str | None
    other: str | None
    seqs: tuple[int | None, int | None]
    fields: tuple[FieldDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class RunDiff:
    """How two runs differ. True if they do, as a list of differences would be.

    Attributes:
        runs: Their ids.
        parting: Where they part; None if they do not.
        final: How their last states differ.
        only: The activations that finished in but one of them, for each run.

    Example::

        print(await flow.diff("demo", "demo-2", journal="runs.db"))
    """

    runs: tuple[str, str]
    parting: Parting | None
    final: tuple[FieldDiff, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]

    def __bool__(self) -> bool:
        return self.parting is not None

    def __str__(self) -> str:
        one, other = self.runs
        parting = self.parting
        if parting is None:
            return f"runs {one!r} and {other!r} do not differ"
        places = " and ".join(
            f"record {seq} of {run!r}"
            for seq, run in zip(parting.seqs, self.runs, strict=True)
            if seq is not None
        )
        whose = f"{parting.activation}, " if parting.activation else ""
        lines = [f"runs {one!r} and {other!r} part at {places}: {whose}{parting.what}"]
        lines.append(sides(one, parting.one or "nothing", other, parting.other or "nothing"))
        for title, fields in (("the states there", parting.fields), ("the last states", self.final)):
            if fields:
                lines.append(f"{title}:")
                lines += [
                    f"  {each.field}\n{indented(sides(one, each.one, other, each.other))}" for each in fields
                ]
        for run, activations in zip(self.runs, self.only, strict=True):
            if activations:
                lines.append(f"only {run!r} ran {', '.join(activations)}")
        return "\n".join(lines)


def diff_of(
    graph: CompiledGraph, ids: tuple[str, str], one: Sequence[Record], other: Sequence[Record]
) -> RunDiff:
    """Compare two runs of a graph. Raises one of `recovery.UNFIT` where records do not fit it."""
    walks = Walk(graph, one), Walk(graph, other)
    events = _events(one), _events(other)
    finished = [
        [str(record.activation) for record in run if isinstance(record, NodeFinished)] for run in (one, other)
    ]
    only = (
        tuple(each for each in finished[0] if each not in set(finished[1])),
        tuple(each for each in finished[1] if each not in set(finished[0])),
    )
    parting = _parting(*events)
    if parting is None:
        return RunDiff(ids, None, (), only)
    if parting.seqs[0] is not None and parting.seqs[1] is not None:
        there = [walk.after(seq) for walk, seq in zip(walks, parting.seqs, strict=True) if seq is not None]
        parting = replace(parting, fields=_fields(graph, *there))
    final = _fields(graph, walks[0].after(len(one) - 1), walks[1].after(len(other) - 1))
    return RunDiff(ids, parting, final, only)


class _Event(NamedTuple):
    """Something that happened, as far as it counts."""

    seq: int
    activation: str
    what: str
    told: str


def _events(records: Sequence[Record]) -> dict[Key, _Event]:
    """What happened in a run, by what it is about, in order."""
    found: dict[Key, _Event] = {}
    for place, record in enumerate(records):
        for key, event in _told(record):
            count = 0
            while key[0] in ("effect", "edit") and (*key, str(count)) in found:
                count += 1
            found[(*key, str(count))] = event
        following = records[place + 1] if place + 1 < len(records) else None
        if isinstance(following, RunForked) and following.before is None:  # the edges are looked at again
            found.pop(("edges", str(getattr(record, "activation", "START")), "0"), None)
    return found


def _told(record: Record) -> Iterator[tuple[Key, _Event]]:
    match record:
        case RunStarted(seq, _, inputs, taken):
            yield ("wrote", "START"), _Event(seq, "START", "the inputs", _written(inputs))
            yield ("edges", "START"), _Event(seq, "START", "the edges taken", _edges(taken))
        case NodeFinished(seq, activation, writes=writes, taken=taken, error=error):
            name = str(activation)
            if error is not None:
                yield ("wrote", name), _Event(seq, name, "how it ended", _failed(error))
            else:
                yield ("wrote", name), _Event(seq, name, "what it wrote", _written(writes))
            if taken is not None:
                yield ("edges", name), _Event(seq, name, "the edges taken", _edges(taken))
        case AttemptFailed(seq, activation, error=error, final=True):
            name = str(activation)
            yield ("failed", name), _Event(seq, name, "how it ended", _failed(error))
        case ActivationCancelled(seq, activation):
            yield ("failed", str(activation)), _Event(seq, str(activation), "how it ended", "cancelled")
        case Routed(seq, activation, _, taken):
            name = str(activation)
            yield ("edges", name), _Event(seq, name, "the edges taken", _edges(taken))
        case EffectRecorded() if record.kind is not EffectKind.VALUE:
            name = str(record.activation)
            gave = _failed(record.error) if record.error else text_of(record.result or b"null")
            told = _Event(record.seq, name, f"effect {record.name!r}", gave)
            yield ("effect", name, record.path, record.name, record.digest), told
        case InputEdited(seq, activation, _, edits):
            yield ("edit", str(activation)), _Event(seq, str(activation), "an edit", _written(edits))
        case RunForked(seq, _, edits, before) if edits:
            name = "" if before is None else str(before)
            yield ("edit", name), _Event(seq, name, "an edit", _written(edits))
        case _:
            return


def _parting(one: dict[Key, _Event], other: dict[Key, _Event]) -> Parting | None:
    """The first event of either run that the other has not, or has otherwise."""
    edits = [event.seq for run in (one, other) for key, event in run.items() if key[0] == "edit"]
    first: tuple[tuple[int, bool], Key] | None = None
    for key in {**one, **other}:
        there = [run[key] for run in (one, other) if key in run]
        if len(there) == 2 and there[0].told == there[1].told:
            continue
        soonest, latest = min(event.seq for event in there), max(event.seq for event in there)
        if any(soonest < edit < latest for edit in edits):
            soonest = latest  # these edges were looked at again after an edit, which is where they part
        rank = (soonest, key[0] != "edit")
        if first is None or rank < first[0]:
            first = (rank, key)
    if first is None:
        return None
    left, right = one.get(first[1]), other.get(first[1])
    either = left or right
    assert either is not None
    return Parting(
        either.activation,
        either.what,
        None if left is None else left.told,
        None if right is None else right.told,
        (None if left is None else left.seq, None if right is None else right.seq),
    )


def _fields(graph: CompiledGraph, one: Snapshot, other: Snapshot) -> tuple[FieldDiff, ...]:
    found = []
    for field in graph.schema.fields:
        texts = [
            text_of(graph.schema.encode_value(field, state.read(field))) if state.has(field) else "unset"
            for state in (one, other)
        ]
        if texts[0] != texts[1]:
            found.append(FieldDiff(field, *texts))
    return tuple(found)


def _written(values: Mapping[str, bytes]) -> str:
    if len(values) == 1:
        ((field, raw),) = values.items()
        text = text_of(raw)
        return f"{field}:\n{text}" if "\n" in text else f"{field}={text}"
    return ", ".join(f"{field}={raw.decode()}" for field, raw in sorted(values.items())) or "nothing"


def _edges(taken: tuple[str, ...] | None) -> str:
    return edges_text(None if taken is None else tuple(sorted(taken)))


def _failed(error: ErrorInfo) -> str:
    return error_text(error.type_name, error.message)
