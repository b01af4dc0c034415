"""Subgraphs and maps in a picture: the frames around them, and what a run did in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..compiler.compile import CompiledGraph
from ..definition import END, START, NodeSpec
from ..parts import Part, called, within
from ..plan import Rounds
from .history import RunHistory
from .picture import Arrow, ArrowKind, Group, Status
from .wording import count

_ALIVE = (Status.FAILED, Status.RUNNING, Status.STOPPED, Status.WAITING)
"""What of an instance is told before anything that is over."""

_STATUS_ORDER = tuple(Status)


def group_of(graph: CompiledGraph, part: Part, around: str, history: RunHistory | None) -> Group:
    """The frame around a subgraph or a map; with a history what became of its instances."""
    made = Group(part.name, within(part.name, part.outer), around, part.graph)
    arriving = join_words(part.spec, arrivals(graph, part.entry))
    own = part.mapped
    if own is None:
        return replace(made, traits=arriving)
    traits = [*arriving, *([] if own.into is None else [f"into {own.into}"]), *_enough(part)]
    if own.collect:
        traits.append("errors collected")
    made = replace(
        made,
        over=part.over,
        item=own.item,
        traits=tuple(traits),
        items=f"{part.name}/MAP",
        results=f"{part.name}/JOIN",
    )
    if history is None:
        return made
    instances = _instances(graph, part, history)
    entries = len(history.visits.get(made.items, {}))
    return replace(made, figures=_figures(instances, entries, part), instances=len(instances))


def join_words(spec: NodeSpec, coming: int) -> tuple[str, ...]:
    """How a node joins what arrives, in a few words; nothing where it waits for all.

    Args:
        spec: The node.
        coming: How many edges lead to it.
    """
    if spec.join in (None, "all"):
        return ()
    if spec.join == "each":
        return ("once for each arrival",)
    first = "first" if spec.join == "first" else f"first {spec.join}"
    rest = {"cancel": ", rest cancelled", "wait": ", rest awaited"}.get(spec.rest, "")
    return (f"{first} of {coming}{rest}",)


def arrivals(graph: CompiledGraph, node: str) -> int:
    """How many edges lead to a node, those that start a next round left out."""
    plan = graph.plan
    return sum(1 for number in plan.incoming[plan.number[node]] if plan.edges[number].level is None)


def _enough(part: Part) -> tuple[str, ...]:
    """How many results a map waits for, where it does not wait for all."""
    own = part.mapped
    assert own is not None
    if own.join in (None, "all"):
        return ()
    if own.join == "none":
        return ("nothing waits for them",)
    if callable(own.join):
        told = f"as many results as {called(own.join)} says"
    else:
        told = "first result" if own.join in (1, "first") else f"first {own.join} results"
    return (f"{told}, rest cancelled" if own.rest == "cancel" else told,)


# --------------------------------------------------------------------------- instances


def _instances(graph: CompiledGraph, part: Part, history: RunHistory) -> dict[Rounds, Status]:
    """For each instance of a map where it stands."""
    level = graph.plan.nests[graph.plan.number[part.name]].index(part.region)
    seen: dict[Rounds, dict[str, Status]] = {}
    for node in graph.plan.regions[part.region].body:
        for visit in history.visits.get(node, {}).values():
            known = seen.setdefault(visit.place[: level + 1], {})
            if node not in known or _later(visit.status, known[node]):
                known[node] = visit.status
    return {place: _standing(nodes, part) for place, nodes in seen.items() if len(place) == level + 1}


def _later(one: Status, other: Status) -> bool:
    return _STATUS_ORDER.index(one) > _STATUS_ORDER.index(other)


def _standing(nodes: Mapping[str, Status], part: Part) -> Status:
    """Of an instance: what is alive in it comes first, then how it was left."""
    for status in _ALIVE:
        if status in nodes.values():
            return status
    if f"{part.name}/ERROR" in nodes:
        return Status.HANDLED
    left = f"{part.name}/END" if part.graph else part.name
    if left in nodes:
        return nodes[left]
    return Status.CANCELLED if Status.CANCELLED in nodes.values() else Status.DONE


def _figures(instances: Mapping[Rounds, Status], entries: int, part: Part) -> tuple[str, ...]:
    if not entries:
        return ()
    told = tallied(instances.values(), collected=part.mapped is not None and part.mapped.collect)
    if entries > 1:
        told += f" in {entries:,} rounds"
    return (told,)


def tallied(statuses: Iterable[Status], *, collected: bool = False) -> str:
    """How many of how many stand where.

    >>> tallied([Status.DONE, Status.FAILED, Status.DONE])
    '✓ 2 done · ✗ 1 failed of 3'
    """
    counts = Counter(statuses)
    if not counts:
        return "no items"
    total = sum(counts.values())
    if set(counts) == {Status.DONE}:
        return f"✓ all {total:,} done" if total > 1 else "✓ 1 of 1 done"
    told = [
        f"{status.symbol} {count(counts[status], 'error')} collected"
        if collected and status is Status.HANDLED
        else f"{status.symbol} {counts[status]:,} {status.value}"
        for status in Status
        if counts[status]
    ]
    return f"{' · '.join(told)} of {total:,}"


# --------------------------------------------------------------------------- arrows


def gathered(arrows: Sequence[Arrow], parts: Mapping[str, Part]) -> tuple[Arrow, ...]:
    """The arrows with those in one that leave the same part for the same place: its errors, whatever in it failed."""
    found: dict[tuple[str, ...], Arrow] = {}
    for arrow in arrows:
        key = (arrow.leaves, arrow.target, arrow.label) if arrow.leaves else arrow.ids
        known = found.get(key)
        if known is None:
            found[key] = replace(arrow, source=parts[arrow.leaves].exit) if arrow.leaves else arrow
        else:
            taken = None if known.taken is None else known.taken + (arrow.taken or 0)
            found[key] = replace(known, ids=(*known.ids, *arrow.ids), taken=taken)
    return tuple(found.values())


def seen_from(
    source: str | None, target: str, title: str, home: str | None, parts: Mapping[str, Part]
) -> str:
    """What to call an arrow's target where it begins.

    Args:
        source: The part that it begins in.
        target: The node that it leads to.
        title: What that is called where it stands.
        home: The part that the target is in.
        parts: Subgraphs and maps.
    """
    if home == source or target in (START.name, END.name):
        return title
    if home is not None and parts[home].entry == target:
        return within(home, source)
    return within(target, source)


def leaving(kind: ArrowKind, stops: str, target: str, parts: Mapping[str, Part]) -> str:
    """The part that an error edge leaves wherever something failed in it."""
    if kind is not ArrowKind.ERROR or stops not in parts or target in parts[stops].members:
        return ""
    return stops
