"""Draws many nodes of the same shape as one stack, so that a fan-out of a thousand stays a picture.

Which nodes may stand for each other is found by colour refinement (1-dimensional Weisfeiler-Leman): nodes start with
a colour for how they look, status included, and are told apart by the colours of their neighbours until nothing
changes. So equal branches of any length stack, and a branch in which something failed stands apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from .picture import Arrow, ArrowKind, Box, Kind, Picture, Status
from .wording import count, seconds

STACK_FROM = 9
"""How many nodes of the same shape make a stack; fewer are drawn one by one."""

ROUNDS = 60
"""Refinement that has not settled by then is given up: nothing is stacked."""


def stack(picture: Picture) -> Picture:
    """The same picture with nodes of the same shape stacked."""
    colours = _refined(picture)
    if colours is None:
        return picture
    groups: dict[int, list[Box]] = defaultdict(list)
    for box in picture.boxes:
        groups[colours[box.id]].append(box)
    lead: dict[str, str] = {}
    boxes: list[Box] = []
    for group in groups.values():
        together = len(group) >= STACK_FROM
        for box in group:
            lead[box.id] = group[0].id if together else box.id
        boxes += [_stacked(group)] if together else group
    if len(boxes) == len(picture.boxes):
        return picture
    order = {box.id: place for place, box in enumerate(picture.boxes)}
    boxes.sort(key=lambda box: order[box.id])
    return replace(picture, boxes=tuple(boxes), arrows=_merged(picture.arrows, lead))


def _refined(picture: Picture) -> Mapping[str, int] | None:
    depth = _depths(picture)
    colours = _numbered({box.id: _looks(box, depth[box.id]) for box in picture.boxes})
    neighbours: dict[str, list[tuple[str, Hashable]]] = {box.id: [] for box in picture.boxes}
    for arrow in picture.arrows:
        what = (arrow.kind, arrow.label, arrow.limit)
        neighbours[arrow.source].append((arrow.target, ("to", *what)))
        neighbours[arrow.target].append((arrow.source, ("from", *what)))
    for _ in range(ROUNDS):
        sizes = Counter(colours.values())
        if max(sizes.values()) < STACK_FROM:
            return None
        seen: dict[str, Hashable] = {}
        for name, around in neighbours.items():
            if sizes[colours[name]] == 1:  # nothing left to tell apart
                seen[name] = (colours[name],)
                continue
            views = Counter((what, colours[other]) for other, what in around)
            seen[name] = (colours[name], frozenset(views.items()))
        finer = _numbered(seen)
        if len(set(finer.values())) == len(sizes):
            return colours
        colours = finer
    return None


def _looks(box: Box, depth: int) -> Hashable:
    if box.kind in (Kind.START, Kind.END, Kind.PORT):
        return box.id
    same = (box.kind, box.traits, box.reads, box.writes, box.uses)
    return (*same, box.loops, box.around, box.header, box.status, depth)


def _depths(picture: Picture) -> dict[str, int]:
    """How far from START along forward edges; boxes come in a topological order of those."""
    depth = dict.fromkeys((box.id for box in picture.boxes), 0)
    leaving: dict[str, list[str]] = defaultdict(list)
    for arrow in picture.arrows:
        if arrow.kind not in (ArrowKind.FEEDBACK, ArrowKind.CANCEL):
            leaving[arrow.source].append(arrow.target)
    for box in picture.boxes:
        for target in leaving[box.id]:
            depth[target] = max(depth[target], depth[box.id] + 1)
    return depth


def _numbered(looks: Mapping[str, Hashable]) -> dict[str, int]:
    numbers: dict[Hashable, int] = {}
    return {name: numbers.setdefault(look, len(numbers)) for name, look in looks.items()}


def _stacked(group: Sequence[Box]) -> Box:
    """One box for all of them; details tell each one's own."""
    first = group[0]
    return replace(
        first,
        members=tuple(box.id for box in group),
        label=f"{first.title} … {group[-1].title}",
        traits=(count(len(group), "node"), *first.traits),
        runs=sum(box.runs for box in group),
        failures=sum(box.failures for box in group),
        seconds=sum(box.seconds for box in group),
        figures=tuple(_figures(group)),
        details=tuple(line for box in group for line in box.details),
    )


def _figures(group: Sequence[Box]) -> Iterator[str]:
    first = group[0]
    if first.status is None:
        return
    yield f"{first.status.symbol} {first.status.value}: all {len(group):,}"
    if runs := sum(box.runs for box in group):
        slowest = max(group, key=lambda box: box.seconds)
        yield f"{runs:,}× · {seconds(sum(box.seconds for box in group))}"
        yield f"slowest {slowest.title} {seconds(slowest.seconds)}"
    if failures := sum(box.failures for box in group):
        yield count(failures, "failed attempt")
    if first.status is Status.FAILED:
        yield from first.figures[-1:]


def _merged(arrows: Sequence[Arrow], lead: Mapping[str, str]) -> tuple[Arrow, ...]:
    groups: dict[Hashable, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        ends = (lead[arrow.source], lead[arrow.target], arrow.leaves, arrow.enters)
        key = (*ends, arrow.kind, arrow.label, arrow.limit)
        groups[key].append(arrow)
    return tuple(_one(group, lead) for group in groups.values())


def _one(group: Sequence[Arrow], lead: Mapping[str, str]) -> Arrow:
    first = group[0]
    return replace(
        first,
        ids=tuple(edge for arrow in group for edge in arrow.ids),
        source=lead[first.source],
        target=lead[first.target],
        to=first.to if len(group) == 1 else "",
        taken=None if first.taken is None else sum(arrow.taken or 0 for arrow in group),
        laps=max(arrow.laps for arrow in group),
        entries=max(arrow.entries for arrow in group),
    )
