"""The picture as an outline in plain text, for terminals, logs and diffs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .picture import Arrow, ArrowKind, Box, Kind, Picture
from .wording import clean, cut, listed

_SIGNS = {
    ArrowKind.PLAIN: "→",
    ArrowKind.CONDITION: "→",
    ArrowKind.FEEDBACK: "↻",
    ArrowKind.LIMIT: "⇥",
    ArrowKind.ERROR: "✗",
}


def outline(picture: Picture) -> str:
    """The picture as text: each node, what a run did there, and where its edges lead."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield clean(f"{picture.title}  {picture.standing}")
    for line in picture.lines:
        yield clean(line)
    yield ""
    rings = {ring.name: ring for ring in picture.rings}
    titles = {box.id: box.title for box in picture.boxes}
    leaving: dict[str, list[Arrow]] = {name: [] for name in titles}
    for arrow in picture.arrows:
        leaving[arrow.source].append(arrow)
    around: tuple[str, ...] = ()
    for box in picture.boxes:
        for depth, loop in enumerate(box.loops):
            if around[: depth + 1] != box.loops[: depth + 1]:
                yield f"{'  ' * depth}↻ {clean(rings[loop].title)}"
        around = box.loops
        yield from _box(box, leaving[box.id], titles, "  " * len(box.loops))


def _box(box: Box, leaving: Sequence[Arrow], titles: Mapping[str, str], indent: str) -> Iterator[str]:
    symbol = f"{box.status.symbol} " if box.status else ""
    facts = [f"{symbol}{box.title}", *(box.traits if box.kind not in (Kind.START, Kind.END) else ())]
    yield f"{indent}{clean(' · '.join(facts))}"
    about = [
        f"{verb} {listed(names, 8)}"
        for verb, names in (("reads", box.reads), ("writes", box.writes), ("uses", box.uses))
        if names
    ]
    if about:
        yield f"{indent}    {clean('; '.join(about))}"
    if box.figures:
        yield f"{indent}    {cut(' · '.join(box.figures).removeprefix(symbol), 200)}"
    for arrow in leaving:
        yield f"{indent}    {_arrow(arrow, titles[arrow.target])}"


def _arrow(arrow: Arrow, target: str) -> str:
    told = f"{_SIGNS[arrow.kind]} {clean(target)}"
    if arrow.label:
        joint = "" if arrow.kind in (ArrowKind.ERROR, ArrowKind.LIMIT) else "when "
        told += f"  {joint}{cut(arrow.label, 100)}"
    if arrow.tally:
        told += f"  ({arrow.tally})"
    return f"{told}  (not taken)" if arrow.taken == 0 and not arrow.tally else told
