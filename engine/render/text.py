"""The picture as an outline in plain text, for terminals, logs and diffs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .picture import Arrow, ArrowKind, Box, Group, Picture, Ring
from .wording import clean, cut, listed

_SIGNS = {
    ArrowKind.PLAIN: "→",
    ArrowKind.CONDITION: "→",
    ArrowKind.FEEDBACK: "↻",
    ArrowKind.LIMIT: "⇥",
    ArrowKind.ERROR: "✗",
    ArrowKind.CANCEL: "⊘",
}


def outline(picture: Picture) -> str:
    """The picture as text: each node, what a run did there, and where its edges lead."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield clean(f"{picture.title}  {picture.standing}")
    for line in picture.lines:
        yield clean(line)
    yield ""
    titles = {box.id: box.title for box in picture.boxes}
    leaving: dict[str, list[Arrow]] = {}
    for arrow in picture.arrows:
        leaving.setdefault(arrow.leaves or arrow.source, []).append(arrow)
    for group in picture.groups:  # a node that has a group's name is the group's entry, or what is mapped
        titles.setdefault(group.name, group.label)
    yield from _scope(_Outline(_ordered(picture), leaving, titles), "", "")


class _Outline(NamedTuple):
    """What lies in which frame, which arrows leave what, and what things are called."""

    scopes: Mapping[str, Sequence[Box | Ring | Group]]
    leaving: Mapping[str, Sequence[Arrow]]
    titles: Mapping[str, str]


def _ordered(picture: Picture) -> Mapping[str, Sequence[Box | Ring | Group]]:
    """What lies in which frame, each by its first box."""
    scopes = picture.scopes()
    first: dict[str, int] = {}
    outer = {ring.key: ring.around for ring in picture.rings} | {g.name: g.around for g in picture.groups}
    for place, box in enumerate(picture.boxes):
        frame = box.around
        while frame and frame not in first:
            first[frame] = place
            frame = outer[frame]
    places = {box.id: place for place, box in enumerate(picture.boxes)}

    def order(each: Box | Ring | Group) -> int:
        if isinstance(each, Box):
            return places[each.id]
        return first[each.key if isinstance(each, Ring) else each.name]

    return {frame: sorted(inside, key=order) for frame, inside in scopes.items()}


def _scope(outline: _Outline, scope: str, indent: str) -> Iterator[str]:
    for each in outline.scopes.get(scope, ()):
        if isinstance(each, Box):
            yield from _box(each, outline, indent)
        elif isinstance(each, Ring):
            yield f"{indent}↻ {clean(each.title)}"
            yield from _scope(outline, each.key, f"{indent}  ")
        else:
            yield f"{indent}{'≡' if each.items else '□'} {clean(each.title)}"
            if each.figures:
                yield f"{indent}    {cut(' · '.join(each.figures), 200)}"
            yield from _arrows((a for a in outline.leaving.get(each.name, ()) if a.leaves), outline, indent)
            yield from _scope(outline, each.name, f"{indent}  ")


def _box(box: Box, outline: _Outline, indent: str) -> Iterator[str]:
    symbol = f"{box.status.symbol} " if box.status else ""
    facts = [f"{symbol}{box.title}", *box.traits]
    yield f"{indent}{clean(' · '.join(facts))}"
    about = [
        f"{verb} {listed(names, 8)}"
        for verb, names in (("reads", box.reads), ("writes", box.writes), ("uses", box.uses))
        if names
    ]
    if about and not box.small:
        yield f"{indent}    {clean('; '.join(about))}"
    if box.figures:
        yield f"{indent}    {cut(' · '.join(box.figures).removeprefix(symbol), 200)}"
    yield from _arrows((a for a in outline.leaving.get(box.id, ()) if not a.leaves), outline, indent)


def _arrows(arrows: Iterable[Arrow], outline: _Outline, indent: str) -> Iterator[str]:
    for arrow in arrows:
        yield f"{indent}    {_arrow(arrow, arrow.to or outline.titles[arrow.target])}"


def _arrow(arrow: Arrow, target: str) -> str:
    told = f"{_SIGNS[arrow.kind]} {clean(target)}"
    if arrow.label:
        joint = "" if arrow.kind in (ArrowKind.ERROR, ArrowKind.LIMIT) else "when "
        told += f"  {joint}{cut(arrow.label, 100)}"
    if arrow.tally:
        told += f"  ({arrow.tally})"
    return f"{told}  (not taken)" if arrow.taken == 0 and not arrow.tally else told
