"""Which frame lies in which: those around loops, and those around subgraphs and maps.

Loops nest, and so do subgraphs and maps; but a loop may hold a part of a subgraph only (the way out of it lies
outside, where its errors lead back to its entry). Frames on paper must nest, so that of a loop is drawn around the
whole of what it cuts. Where that makes two loops overlap the later one gets no frame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..parts import Part


class Frames(NamedTuple):
    """How frames nest. A frame's key is ``loop NAME`` or a part's name.

    Attributes:
        outer: For each frame that is drawn the one right around it, or "".
        around: For each node the innermost frame around it, or "".
    """

    outer: Mapping[str, str]
    around: Mapping[str, str]


def loop_key(loop: str) -> str:
    """The key of a loop's frame; no node's name holds a space."""
    return f"loop {loop}"


def nest(nodes: Collection[str], loops: Mapping[str, Collection[str]], parts: Mapping[str, Part]) -> Frames:
    """Find out which frames to draw in which.

    Args:
        nodes: All nodes.
        loops: Each loop's body, outer loops before inner ones.
        parts: Subgraphs and maps, outer ones before inner ones.
    """
    inside = {name: frozenset(part.members) for name, part in parts.items()}
    frames: dict[str, frozenset[str]] = {}
    for name, body in loops.items():
        grown = _grown(frozenset(body), inside)
        if not inside or all(_nested(grown, other) for other in frames.values()):
            frames[loop_key(name)] = grown
    frames |= inside
    around = dict.fromkeys(nodes, "")
    outer: dict[str, str] = {}
    for key, members in sorted(
        frames.items(), key=lambda frame: -len(frame[1])
    ):  # of equals the loop comes first
        outer[key] = around[next(iter(members))]
        for node in members:
            around[node] = key
    return Frames(outer, around)


def _grown(body: frozenset[str], parts: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The body and all of each part of which it holds some, unless it lies in that part."""
    cut = [members for members in parts.values() if not body <= members and not body.isdisjoint(members)]
    return body.union(*cut)


def _nested(one: frozenset[str], other: frozenset[str]) -> bool:
    return one.isdisjoint(other) or one <= other or other <= one
