"""What changed in a graph since a run was made, and what that means for this run.

A run remembers the shape of its graph: nodes and their declared versions, edges, field types, reducers. Its records tell
the rest: what has run, what was taken and written, and so whether a change matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import recovery
from .compiler.compile import CompiledGraph
from .records import NodeFinished, Record, Routed, RunForked, RunHeader, RunResumed, RunStarted
from .shown import shown


class Change(NamedTuple):
    """One difference between two shapes of a graph.

    Attributes:
        sort: ``node``, ``field`` or ``edge``.
        name: Which one.
        what: ``gone``, ``new``, or the aspect that is another one: ``version``, ``writes``, ``type``, ``reducer``.
        told: In a sentence, without what it means.
    """

    sort: str
    name: str
    what: str
    told: str


class Meaning(NamedTuple):
    """What changed and what it means for a run, a sentence each; and whether the run can go on."""

    told: tuple[str, ...]
    possible: bool


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """What differs between two shapes of a graph."""
    found: list[Change] = []
    for part, sort in (("nodes", "node"), ("fields", "field")):
        old, new = before.get(part, {}), now[part]
        found += [Change(sort, name, "gone", f"{sort} {name!r} is gone") for name in old if name not in new]
        found += [Change(sort, name, "new", f"{sort} {name!r} is new") for name in new if name not in old]
        for name in sorted(set(old) & set(new)):
            found += [
                Change(
                    sort,
                    name,
                    aspect,
                    f"{sort} {name!r}: {aspect} was {old[name].get(aspect)!r}, is {value!r}",
                )
                for aspect, value in new[name].items()
                if old[name].get(aspect) != value
            ]
    old_edges, new_edges = set(before.get("edges", ())), set(now["edges"])
    found += [Change("edge", edge, "gone", f"edge {edge} is gone") for edge in sorted(old_edges - new_edges)]
    found += [Change("edge", edge, "new", f"edge {edge} is new") for edge in sorted(new_edges - old_edges)]
    return found


def digest_of(header: RunHeader, records: Sequence[Record]) -> str:
    """The digest of the graph that a run went on with last."""
    return _last(header, records)[1]


def records_before(header: RunHeader, records: Sequence[Record], digest: str) -> int:
    """How many of the records, from the first on, were made with another graph than the one of this digest."""
    seq, last = _last(header, records)
    return seq if last == digest else len(records)


def meaning(found: Sequence[Change], graph: CompiledGraph, records: Sequence[Record]) -> Meaning:
    """What the changes mean for a run with these records."""
    run = _Told(graph, records)
    told = [f"{change.told}: {run.meaning(change)}" for change in found]
    try:
        recovered = recovery.recover(graph, records)
    except recovery.UNFIT as error:
        why = f"field {error} is gone" if isinstance(error, KeyError) else str(error)
        return Meaning((*told, f"so the run cannot go on with this graph: {why}"), possible=False)
    live = [
        str(recovered.schedule.activation_id(node, rounds)) for node, rounds, _ in recovered.schedule.live()
    ]
    return Meaning(
        (*told, f"so the run can go on, with {', '.join(live) or 'nothing left to run'}"), possible=True
    )


def _last(header: RunHeader, records: Sequence[Record]) -> tuple[int, str]:
    """Where the run began to go on with the graph that it went on with last, and that one's digest.

    A fork without a digest goes on with the graph that its parent was made with.
    """
    forks = [record for record in records if isinstance(record, RunForked) and record.digest]
    made = "" if forks else header.digest
    since, current = 0, made
    for record in records:
        if isinstance(record, RunForked):
            made = record.digest or made
            if record.digest or made != current:
                since, current = record.seq, made
        elif isinstance(record, RunResumed) and record.digest not in ("", current):
            since, current = record.seq, record.digest
    return since, current


class _Told:
    """What a run's records tell of nodes, edges and fields, by their names."""

    def __init__(self, graph: CompiledGraph, records: Sequence[Record]) -> None:
        self._graph = graph
        self._records = records
        self._finished: dict[str, list[str]] = {}
        self._taken: dict[str, int] = {}
        for record in records:
            if isinstance(record, NodeFinished):
                self._finished.setdefault(record.activation.node, []).append(str(record.activation))
            if isinstance(record, RunStarted | NodeFinished | Routed):
                for edge in record.taken or ():
                    self._taken.setdefault(edge, record.seq)

    def meaning(self, change: Change) -> str:
        """What a change means for this run."""
        return {"node": self._node, "field": self._field, "edge": self._edge}[change.sort](change)

    def _node(self, change: Change) -> str:
        name = change.name
        finished = _some(self._finished.get(name, []))
        led = [edge for edge in self._taken if edge.partition("->")[2].partition("!")[0] == name]
        match change.what:
            case "new":
                return "it runs when an edge to it is taken from now on"
            case "gone" if finished:
                return f"it ran as {finished}, which its records cannot do without"
            case "gone" if led:
                return f"it was about to run, since {led[0]} was taken"
            case "gone":
                return "it has not run in this run"
            case _ if finished:
                return f"{finished} finished and stay as they are, what runs from now on is the new one"
            case _:
                return "it has not run in this run, and will as the new one"

    def _edge(self, change: Change) -> str:
        edge = change.name.removesuffix(" (feedback)")
        finished = self._finished.get(edge.partition("->")[0], [])
        if change.what == "gone":
            if edge in self._taken:
                return f"record {self._taken[edge]} took it"
            return "it was not taken in this run"
        if finished:
            return f"it counts from now on, and not for {_some(finished)}, which took their edges before"
        return "it counts from now on"

    def _field(self, change: Change) -> str:
        written = list(self._values(change.name))
        match change.what:
            case "new":
                has = self._graph.schema.fields[change.name].has_default
                return "it has its default" if has else "it is unset until a node writes it"
            case "gone" if written:
                return f"record {written[0][0]} wrote it; migrate={{{change.name!r}: None}} drops it"
            case "gone":
                return "nothing wrote it in this run"
            case "reducer":
                return f"{len(written)} recorded updates are folded by the new one"
            case _:
                return self._fits(change.name, written)

    def _fits(self, name: str, written: Sequence[tuple[int, bytes]]) -> str:
        for seq, raw in written:
            try:
                self._graph.schema.decode(name, raw)
            except ValueError:
                value = shown(raw.decode(errors="replace"))
                return f"record {seq} wrote {value}, which is not of the new type; hand a function over: migrate={{{name!r}: …}}"
        return (
            f"the {len(written)} values recorded are of the new type, too"
            if written
            else "nothing wrote it in this run"
        )

    def _values(self, name: str) -> Iterator[tuple[int, bytes]]:
        for record in self._records:
            values = record.inputs if isinstance(record, RunStarted) else getattr(record, "writes", {})
            if name in values:
                yield record.seq, values[name]


def _some(activations: Sequence[str]) -> str:
    most = 4
    rest = len(activations) - most
    return ", ".join(activations[:most]) + (f" and {rest} more" if rest > 0 else "")
