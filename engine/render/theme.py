"""Colours and fonts, for light and for dark viewers.

Colour always says something that a symbol, a word or a line's style says too: the status of a node, a loop and its
feedback edges, an error edge. Each colour has one role and so one counterpart in the dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .picture import Status

FONT: Final = "Helvetica,Arial,sans-serif"

PAPER: Final = "#fffffe"  # not quite white, so that no other white is taken for it
INK: Final = "#1f2430"
MUTED: Final = "#5b6473"
FAINT: Final = "#b9c0cb"
LINE: Final = "#6b7484"
LOOP: Final = "#6d3fc4"
RING: Final = "#f6f3fd"
RING_LINE: Final = "#c9b8ee"
ERROR: Final = "#c4271d"
GROUP: Final = "#3d5a80"
GROUND: Final = "#f7fafd"
GROUP_LINE: Final = "#aebfd3"
CANCEL: Final = "#8a919e"


@dataclass(frozen=True, slots=True)
class Tint:
    """Colours of a box: its ground, its border, and the text of its figures."""

    ground: str
    border: str
    text: str


PLAIN: Final = Tint("#f4f6f9", "#a3adbd", MUTED)

TINTS: Final[Mapping[Status, Tint]] = {
    Status.IDLE: Tint("#fafbfc", "#cdd3dc", "#737b89"),
    Status.DONE: Tint("#eaf7ef", "#2f9e5b", "#1c7440"),
    Status.HANDLED: Tint("#fdf1e3", "#d9822b", "#9c5510"),
    Status.WAITING: Tint("#eef2f7", "#7688a3", "#4b5d7a"),
    Status.CANCELLED: Tint("#f1eef3", "#a79bb0", "#6a5d75"),
    Status.STOPPED: Tint("#fbf3d0", "#b08d00", "#7a6200"),
    Status.RUNNING: Tint("#e6f0fe", "#2a6fdb", "#1d57b3"),
    Status.FAILED: Tint("#fdebea", "#d4372c", "#ad241a"),
}

DARK: Final[Mapping[str, str]] = {
    PAPER: "#14171d",
    INK: "#e8ebf0",
    MUTED: "#a4adbb",
    FAINT: "#4a5260",
    LINE: "#8f99a9",
    LOOP: "#b497f5",
    RING: "#1e1a2b",
    RING_LINE: "#57468a",
    ERROR: "#ff7b70",
    GROUP: "#9fb8d6",
    GROUND: "#181d26",
    GROUP_LINE: "#44566d",
    CANCEL: "#7f8896",
    "#f1eef3": "#26222a",
    "#a79bb0": "#6b5f75",
    "#6a5d75": "#b9adc4",
    "#f4f6f9": "#222730",
    "#a3adbd": "#5a6475",
    "#fafbfc": "#1a1e25",
    "#cdd3dc": "#3b424e",
    "#737b89": "#8b94a3",
    "#eaf7ef": "#12301f",
    "#2f9e5b": "#3fb970",
    "#1c7440": "#79d9a0",
    "#fdf1e3": "#3a2610",
    "#d9822b": "#e69a4a",
    "#9c5510": "#f2b878",
    "#eef2f7": "#232b38",
    "#7688a3": "#7d90ad",
    "#4b5d7a": "#a9bad4",
    "#fbf3d0": "#352d0a",
    "#b08d00": "#cfae2e",
    "#7a6200": "#ecd36a",
    "#e6f0fe": "#12284a",
    "#2a6fdb": "#5b9bff",
    "#1d57b3": "#9cc3ff",
    "#fdebea": "#3b1613",
    "#d4372c": "#f2655b",
    "#ad241a": "#ff9e96",
}
"""For each colour what takes its place in a dark viewer."""


def tint(status: Status | None) -> Tint:
    """The colours of a box."""
    return PLAIN if status is None else TINTS[status]
