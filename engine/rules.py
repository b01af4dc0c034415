"""What a graph says beyond edges and loops: how nodes join, where maps fan out, what cancels what.

Nodes and edges are the plan's numbers. `compiler` makes it, `schedule` goes by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from .state.snapshots import Edit

Rest: TypeAlias = Literal["drop", "cancel", "wait"]
"""What becomes of those that come to a join too late."""

_NONE: Final[Mapping[int, Any]] = MappingProxyType({})


class Joining(NamedTuple):
    """A node that does not wait for all that is alive.

    Attributes:
        need: How many arrivals are enough; None where `field` says so.
        rest: What becomes of later ones: they are dropped; what could only lead there is cancelled; or they are dropped
            and the node's next round waits until all have come.
        field: The field that holds how many are enough.
        aside: The edge that brings no arrival, but what the others have in common; None where there is none.
    """

    need: int | None
    rest: Rest = "drop"
    field: str = ""
    aside: int | None = None


class Fan(NamedTuple):
    """The edge of a map that is taken once for each item.

    Attributes:
        over: The field that holds the items.
        item: The field in which each instance finds its own.
        added: The update in which an instance says what items it adds.
        join: The node where the instances meet.
    """

    over: str
    item: str
    added: str
    join: int


class Cancelling(NamedTuple):
    """What an edge cancels.

    Attributes:
        nodes: The nodes of which what is alive is cancelled.
        depth: How many of the source's rounds it must have in common with it.
    """

    nodes: frozenset[int]
    depth: int


class Rules(NamedTuple):
    """All of them, for one graph.

    Attributes:
        joins: By node.
        fans: By edge.
        adders: For each node that may add items to a map the edge that fans out.
        cancels: By edge.
        errors: The edges that carry errors on.
        sheds: For each node where a map's instances meet what takes the place of the fields that each had for itself.
        resets: For each node the fields, and their values, that begin anew where it writes.
    """

    joins: Mapping[int, Joining] = _NONE
    fans: Mapping[int, Fan] = _NONE
    adders: Mapping[int, int] = _NONE
    cancels: Mapping[int, Cancelling] = _NONE
    errors: frozenset[int] = frozenset()
    sheds: Mapping[int, Edit] = _NONE
    resets: Mapping[int, Mapping[str, object]] = _NONE


NO_RULES: Final = Rules()
"""Those of a graph that has nothing but edges and loops."""
