"""The picture in Mermaid's language (.mmd), which GitHub, GitLab and many editors draw by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from . import theme
from .picture import Arrow, ArrowKind, Box, Group, Picture, Ring, Status
from .wording import clean, listed, wrap

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:-_")


def mermaid_source(picture: Picture) -> str:
    """The picture as a Mermaid flowchart."""
    return "\n".join([*_head(picture), *_body(picture)]) + "\n"


def _head(picture: Picture) -> Iterator[str]:
    title = " · ".join(part for part in (picture.title, picture.standing) if part)
    yield "---"
    yield f'title: "{"".join(map(_yaml, clean(title)))}"'
    yield "---"
    for line in picture.lines:
        # A comment; braces there would be taken for a directive.
        yield f"%% {clean(line).replace('{', '(').replace('}', ')')}"
    yield "flowchart TD"


def _body(picture: Picture) -> Iterator[str]:
    numbers = {box.id: number for number, box in enumerate(picture.boxes)}
    rings = {ring.key: f"loop{number}" for number, ring in enumerate(picture.rings)}
    frames = rings | {group.name: f"group{number}" for number, group in enumerate(picture.groups)}
    yield from _scope(picture.scopes(), "", numbers, frames, "  ")
    for arrow in picture.arrows:
        source = frames[arrow.leaves] if arrow.leaves else f"n{numbers[arrow.source]}"
        target = frames[arrow.enters] if arrow.enters else f"n{numbers[arrow.target]}"
        yield f"  {source} {_link(arrow)} {target}"
    yield from _styles(picture, numbers)


def _scope(
    scopes: Mapping[str, Sequence[Box | Ring | Group]],
    scope: str,
    numbers: Mapping[str, int],
    frames: Mapping[str, str],
    indent: str,
) -> Iterator[str]:
    for each in scopes.get(scope, ()):
        if isinstance(each, Box):
            yield f"{indent}n{numbers[each.id]}{_shape(each)}"
            continue
        key, lines = (
            (each.key, [each.title]) if isinstance(each, Ring) else (each.name, [each.title, *each.figures])
        )
        yield f"{indent}subgraph {frames[key]} [{_text(lines)}]"
        yield from _scope(scopes, key, numbers, frames, indent + "  ")
        yield f"{indent}end"


def _shape(box: Box) -> str:
    if box.small:
        symbol = f"{box.status.symbol} " if box.status not in (None, Status.DONE) else ""
        return f"([{_text([symbol + box.title])}])"
    lines = [*wrap(box.title, 40), *wrap(" · ".join(box.traits), 40)]
    for verb, names in (("reads", box.reads), ("writes", box.writes), ("uses", box.uses)):
        lines += wrap(f"{verb} {listed(names)}", 40) if names else ()
    for figure in box.figures:
        lines += wrap(figure, 40, 2)
    return f"[[{_text(lines)}]]" if len(box.members) > 1 else f"({_text(lines)})"


def _link(arrow: Arrow) -> str:
    sign = "↻ " if arrow.kind is ArrowKind.FEEDBACK else ""
    lines = [*(wrap(arrow.label, 32) if arrow.label else ()), *([sign + arrow.tally] if arrow.tally else ())]
    line = "-.->" if arrow.kind in (ArrowKind.FEEDBACK, ArrowKind.ERROR) else "-->"
    line = "-.-x" if arrow.kind is ArrowKind.CANCEL else line
    return f"{line}|{_text(lines)}|" if lines else line


def _styles(picture: Picture, numbers: dict[str, int]) -> Iterator[str]:
    yield f"  classDef plain fill:{theme.PLAIN.ground},stroke:{theme.PLAIN.border},color:{theme.INK}"
    names = {status: status.name.lower() for status in Status}
    for status in Status:
        if any(box.status is status for box in picture.boxes):
            tint = theme.TINTS[status]
            width = ",stroke-width:3px" if status in (Status.RUNNING, Status.FAILED, Status.STOPPED) else ""
            yield f"  classDef {names[status]} fill:{tint.ground},stroke:{tint.border},color:{theme.INK}{width}"
    for box in picture.boxes:
        yield f"  class n{numbers[box.id]} {names[box.status] if box.status else 'plain'}"
    for number, ring in enumerate(picture.rings):
        if ring.framed:
            yield f"  style loop{number} fill:{theme.RING},stroke:{theme.RING_LINE},color:{theme.LOOP}"
    for number in range(len(picture.groups)):
        yield f"  style group{number} fill:{theme.GROUND},stroke:{theme.GROUP_LINE},color:{theme.GROUP}"
    colours = {ArrowKind.FEEDBACK: theme.LOOP, ArrowKind.ERROR: theme.ERROR, ArrowKind.CANCEL: theme.CANCEL}
    for kind, colour in colours.items():
        places = [str(place) for place, arrow in enumerate(picture.arrows) if arrow.kind is kind]
        if places:
            yield f"  linkStyle {','.join(places)} stroke:{colour},stroke-width:2px"


def _text(lines: Sequence[str]) -> str:
    """Quoted; every character that could mean something as its number, be it to Mermaid or to Markdown within it."""
    return f'"{"<br/>".join(map(_literal, lines))}"'


def _literal(line: str) -> str:
    told = "".join(_sign(sign) for sign in clean(line))
    told = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", "#95;", told)
    return re.sub(r"^(\d*)([-.])(?= |$)", lambda found: f"{found[1]}#{ord(found[2])};", told)


def _yaml(sign: str) -> str:
    """In a double-quoted string; a title must not be taken for a directive either."""
    return sign if sign in _PLAIN or ord(sign) > 0x7F else f"\\x{ord(sign):02x}"


def _sign(sign: str) -> str:
    return sign if sign in _PLAIN or ord(sign) > 0x7F else f"#{ord(sign)};"
