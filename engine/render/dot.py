"""The picture in Graphviz's language: what .dot holds, and what the `dot` program lays out for .svg, .png and .pdf."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple, Self

from . import theme
from .picture import Arrow, ArrowKind, Box, Group, Kind, Picture, Ring, Status
from .wording import clean, count, cut, listed, wrap

LARGE = 400
"""From so many arrows on the layout is told to hurry."""

GAP = '<TR><TD HEIGHT="3"></TD></TR>'
"""A row without text."""

_LEGEND = {
    ArrowKind.FEEDBACK: (theme.LOOP, "╌╌ feedback, the next round"),
    ArrowKind.ERROR: (theme.ERROR, "···· on an error"),
    ArrowKind.CANCEL: (theme.CANCEL, "···× cancels"),
}


def dot_source(picture: Picture, *, tooltips: bool = True) -> str:
    """The picture as a program for `dot`.

    Args:
        picture: What to draw.
        tooltips: Whether boxes and arrows carry their details, which interactive viewers show.
    """
    from graphviz import Digraph

    numbers = _Numbers.of(picture)
    compound = {"compound": "true"} if any(a.leaves or a.enters for a in picture.arrows) else {}
    hurry = {"nslimit": "2", "mclimit": "0.3", "splines": "true"} if len(picture.arrows) >= LARGE else {}
    graph = Digraph(
        comment=None,
        graph_attr={
            "bgcolor": theme.PAPER,
            "pad": "0.3",
            "nodesep": "0.35",
            "ranksep": "0.45",
            "label": _legend(picture),
            "labelloc": "b",
            "fontname": theme.FONT,
            **compound,
            **hurry,
        },
        node_attr={"fontname": theme.FONT, "fontsize": "13", "shape": "box", "style": "rounded,filled"},
        edge_attr={"fontname": theme.FONT, "fontsize": "10", "arrowsize": "0.7"},
    )
    with graph.subgraph(name="cluster_all") as whole:
        whole.attr(label=_heading(picture), labelloc="t", labeljust="l", peripheries="0", margin="4")
        _fill(whole, picture.scopes(), "", numbers, tooltips=tooltips)
        for number, arrow in enumerate(picture.arrows):
            _draw_arrow(whole, number, arrow, numbers, tooltips=tooltips)
    return str(graph.source)


class _Numbers(NamedTuple):
    """What boxes and frames are called in the program (their places in the picture), and what boxes say of frames."""

    boxes: Mapping[str, int]
    rings: Mapping[str, int]
    groups: Mapping[str, int]
    notes: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, picture: Picture) -> Self:
        """The numbers of a picture."""
        return cls(
            {box.id: number for number, box in enumerate(picture.boxes)},
            {ring.name: number for number, ring in enumerate(picture.rings)},
            {group.name: number for number, group in enumerate(picture.groups)},
            _notes(picture),
        )


def _fill(
    graph: Any,
    scopes: Mapping[str, Sequence[Box | Ring | Group]],
    scope: str,
    numbers: _Numbers,
    *,
    tooltips: bool,
) -> None:
    """The boxes that lie in a frame and in none further in, then the frames inside it."""
    for each in scopes.get(scope, ()):
        if isinstance(each, Box):
            _draw_box(graph, numbers.boxes[each.id], each, numbers.notes.get(each.id, ()), tooltips=tooltips)
        elif isinstance(each, Ring):
            number = numbers.rings[each.name]
            with graph.subgraph(name=f"cluster_{number}") as inner:
                _frame(inner, f"loop{number}", [f"↻ {each.title}"], _LOOP)
                _fill(inner, scopes, each.key, numbers, tooltips=tooltips)
        else:
            number = numbers.groups[each.name]
            with graph.subgraph(name=f"cluster_g{number}") as inner:
                _frame(inner, f"group{number}", _heads(each), _MAP if each.items else _GROUP)
                _fill(inner, scopes, each.name, numbers, tooltips=tooltips)


_LOOP = {"fillcolor": theme.RING, "color": theme.RING_LINE, "fontcolor": theme.LOOP, "labeljust": "r"}
"""Edges enter on the left rather, so a loop says on the right what it is; the others can then say it on the left."""

_GROUP = {"fillcolor": theme.GROUND, "color": theme.GROUP_LINE, "fontcolor": theme.GROUP, "labeljust": "l"}
_MAP = {**_GROUP, "penwidth": "2.2"}


def _heads(group: Group) -> list[str]:
    """What stands at the frame: of a map little, since edges cross it; the rest stands in its first and last box."""
    return [group.heading] if group.items else [group.title]


def _notes(picture: Picture) -> Mapping[str, Sequence[str]]:
    """What is written in the boxes of maps: over what, what became of the instances, what becomes of the results."""
    notes: dict[str, Sequence[str]] = {}
    for group in picture.groups:
        if group.items:
            notes[group.items] = (group.goes_over, *group.figures)
            notes[group.results] = (" · ".join(group.traits) or "results",)
    return notes


def _frame(graph: Any, name: str, lines: Sequence[str], looks: Mapping[str, str]) -> None:
    colour = looks["fontcolor"]
    texts = [_font(text, 10, colour) for line in lines for text in wrap(line, 48)]
    if looks is not _LOOP:
        texts[0] = f"<B>{texts[0]}</B>"
    label = _lines(texts) if looks is _LOOP else _rows(texts)
    graph.attr(
        id=name, label=label, labelloc="t", peripheries="1", style="rounded,filled", margin="12", **looks
    )


# --------------------------------------------------------------------------- boxes


def _draw_box(graph: Any, number: int, box: Box, notes: Sequence[str], *, tooltips: bool) -> None:
    tint = theme.tint(box.status)
    style = {"fillcolor": tint.ground, "color": tint.border, "fontcolor": theme.INK}
    if box.kind is Kind.PORT:
        lines = _port(box, notes, tint)
        label = _rows(lines) if len(lines) > 1 else _lines(lines)
        style |= {"height": "0.2", "width": "0.4", "margin": "0.07,0.03", "penwidth": "0.7"}
    elif box.kind in (Kind.START, Kind.END):
        label = _lines([_font(_named(box), 9, theme.INK)])
        style |= {"height": "0.25", "width": "0.6", "margin": "0.08,0.02"}
    else:
        label = _table(box, tint)
        style |= {"margin": "0.12,0.07"}
    if box.status in (Status.RUNNING, Status.FAILED, Status.STOPPED):
        style["penwidth"] = "2.4"
    if len(box.members) > 1:
        style |= {"peripheries": "3", "penwidth": "1.2"}
    elif box.status in (Status.WAITING, Status.STOPPED):
        style["style"] = "rounded,filled,dashed"
    if tooltips:
        style["tooltip"] = _tooltip(box_details(box))
    graph.node(f"n{number}", label=label, id=f"node{number}", **style)


def _port(box: Box, notes: Sequence[str], tint: theme.Tint) -> list[str]:
    """What stands in the small box of a way in or out: what it is, and what the run did behind it."""
    first, *figures = notes or [_named(box)]
    told = [_font(line, 8, theme.MUTED) for line in wrap(first, 40)]
    return told + [f"<B>{_font(line, 9, tint.text)}</B>" for figure in figures for line in wrap(figure, 40)]


def _named(box: Box) -> str:
    if box.status in (None, Status.DONE) or (box.status is Status.IDLE and box.kind is Kind.PORT):
        return box.title
    return f"{_symbol(box)} {box.title}"


def _symbol(box: Box) -> str:
    return box.status.symbol if box.status else ""


def _table(box: Box, tint: theme.Tint) -> str:
    rows = [f"<B>{_safe(line)}</B>" for line in wrap(box.title, 30)]
    rows += [_font(line, 9, theme.MUTED) for line in _about(box)]
    rows += [GAP] if box.figures else []
    for place, figure in enumerate(box.figures):
        lines = [_font(line, 10, tint.text) for line in wrap(figure, 34, 2)]
        rows += [f"<B>{line}</B>" for line in lines] if place == 0 else lines
    return _rows(rows)


def _about(box: Box) -> Iterable[str]:
    yield from wrap(" · ".join(box.traits), 38, 2)
    if box.reads:
        yield from wrap(f"reads {listed(box.reads)}", 38, 2)
    if box.writes:
        yield from wrap(f"writes {listed(box.writes)}", 38, 2)
    if box.uses:
        yield from wrap(f"uses {listed(box.uses)}", 38, 2)


def box_details(box: Box) -> list[str]:
    """All there is to say about a box, a line each."""
    lines = (
        [box.id]
        if len(box.members) == 1
        else [f"{count(len(box.members), 'node')}: {listed(box.members, 12)}"]
    )
    lines += [" · ".join(box.traits)] if box.traits else []
    for verb, names in (("reads", box.reads), ("writes", box.writes), ("uses", box.uses)):
        lines += [f"{verb} {', '.join(names)}"] if names else []
    if box.small and box.status is not None and (box.status in (Status.IDLE, Status.DONE) or not box.figures):
        lines.append(box.status.value)
    lines += box.figures
    return [cut(line, 300) for line in [*lines, *_some(box.details)]]


def _some(lines: Sequence[str]) -> list[str]:
    """The first and the last ones of many."""
    if len(lines) <= 24:
        return list(lines)
    return [*lines[:6], f"… {len(lines) - 18:,} more …", *lines[-12:]]


# --------------------------------------------------------------------------- arrows


_CROSS = f'<<FONT POINT-SIZE="13" COLOR="{theme.CANCEL}"><B>×</B></FONT>>'
"""What a cancelling edge ends with."""


def _draw_arrow(graph: Any, number: int, arrow: Arrow, numbers: _Numbers, *, tooltips: bool) -> None:
    untaken = arrow.taken == 0
    colour = theme.FAINT if untaken else _colour(arrow.kind)
    style = {"color": colour, "penwidth": "1.0" if untaken else "1.3", "weight": "8"}
    tail, head = f"n{numbers.boxes[arrow.source]}", f"n{numbers.boxes[arrow.target]}"
    if arrow.kind is ArrowKind.FEEDBACK:
        style |= {"style": "dashed", "penwidth": "1.2" if untaken else "1.8", "weight": "1"}
        if arrow.source != arrow.target:
            # Laid out from the header down, so that the rows stay in the order of the forward edges.
            tail, head = head, tail
            style |= {"dir": "back"}
    elif arrow.kind is ArrowKind.ERROR:
        style |= {"style": "dotted", "penwidth": "1.8", "weight": "2"}
    elif arrow.kind is ArrowKind.CANCEL:
        # It says nothing about what comes first, so it has no say in where things are put.
        style |= {"style": "dotted", "constraint": "false", "arrowhead": "none"}
    if arrow.leaves:
        style["ltail"] = f"cluster_g{numbers.groups[arrow.leaves]}"
    if arrow.enters:
        style["lhead"] = f"cluster_g{numbers.groups[arrow.enters]}"
    if arrow.kind is ArrowKind.CANCEL:
        style["headlabel"] = _CROSS
    # Where an edge ends at a frame `dot` puts its label where the whole of the edge would have been.
    if not arrow.enters and (label := _arrow_label(arrow)):
        style["label"] = label
    if tooltips:
        style["tooltip"] = style["labeltooltip"] = _tooltip(arrow_details(arrow))
    graph.edge(tail, head, id=f"edge{number}", **style)


def _colour(kind: ArrowKind) -> str:
    if kind is ArrowKind.ERROR:
        return theme.ERROR
    if kind is ArrowKind.CANCEL:
        return theme.CANCEL
    return theme.LOOP if kind is ArrowKind.FEEDBACK else theme.LINE


def _arrow_label(arrow: Arrow) -> str:
    text = theme.MUTED if arrow.taken == 0 else theme.INK
    rows = [_font(line, 10, text) for line in wrap(arrow.label, 28, 4)] if arrow.label else []
    if arrow.tally:
        colour = theme.MUTED if arrow.taken == 0 else _tally_colour(arrow.kind)
        sign = "↻ " if arrow.kind is ArrowKind.FEEDBACK else ""
        tally = _font(sign + arrow.tally, 10, colour)
        rows.append(f"<B>{tally}</B>" if sign else tally)
    return _rows(rows, pad=2) if rows else ""


def _tally_colour(kind: ArrowKind) -> str:
    return theme.MUTED if _colour(kind) == theme.LINE else _colour(kind)


def arrow_details(arrow: Arrow) -> list[str]:
    """All there is to say about an arrow, a line each."""
    lines = [listed(arrow.ids, 3)]
    if arrow.kind is not ArrowKind.PLAIN:
        lines.append(arrow.kind.value if not arrow.label else f"{arrow.kind.value}: {arrow.label}")
    if arrow.taken == 0:
        lines.append("not taken")
    if arrow.tally:
        lines.append(arrow.tally)
    return [cut(line, 600) for line in lines]


# --------------------------------------------------------------------------- texts


def _heading(picture: Picture) -> str:
    title = "<BR/>".join(f"<B>{_safe(line)}</B>" for line in wrap(picture.title, 60))
    rows = [f'<FONT POINT-SIZE="17" COLOR="{theme.INK}">{title}</FONT>']
    if picture.status is not None:
        rows.append(f"<B>{_font(picture.standing, 12, theme.tint(picture.status).text)}</B>")
    rows += [_font(part, 10, theme.MUTED) for line in picture.lines for part in wrap(line, 90)]
    return _rows(rows)


def _legend(picture: Picture) -> str:
    entries = [
        (theme.tint(each).text, f"{each.symbol} {each.value}") if isinstance(each, Status) else _LEGEND[each]
        for each in picture.legend
    ]
    if not entries:
        return ""
    cells = "".join(f"<TD>{_font(text, 9, colour)}</TD>" for colour, text in entries)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="8" CELLPADDING="1"><TR>{cells}</TR></TABLE>>'


def _rows(rows: Sequence[str], *, pad: int = 1) -> str:
    """A label of lines that begin at its left."""
    cells = "".join(row if row == GAP else f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{pad}">{cells}</TABLE>>'


def _lines(rows: Sequence[str]) -> str:
    return f"<{'<BR/>'.join(rows)}>"


def _font(text: str, size: int, colour: str) -> str:
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{_safe(text)}</FONT>'


def _safe(text: str) -> str:
    """For an HTML-like label. Two things mean something there for all its escaping: a backslash, and an entity."""
    apart = re.sub(r"&(?=#?\w+;)", "&\N{ZERO WIDTH SPACE}", clean(text).replace("\\", "\\\\"))
    return escape(apart) or " "


def _tooltip(lines: Sequence[str]) -> str:
    """A backslash becomes a sign that looks like it: versions of `dot` differ in how often they take one off."""
    from graphviz import nohtml

    text = "\n".join(map(clean, lines)).replace("&", "&amp;").replace("\n", "&#10;")
    quoted: str = nohtml(text.replace("\\", "\N{SET MINUS}"))
    return quoted
