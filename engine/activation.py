"""A live activation as the schedule keeps it: where it stands, and what came to it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from .plan import Key, Rounds
from .records import ErrorInfo
from .rules import Joining
from .state.snapshots import Snapshot


class Phase(Enum):
    """Where a live activation stands."""

    WAITING = "waiting"
    RUNNING = "running"
    RETURNED = "returned"
    FAILED = "failed"


class Token(NamedTuple):
    """What a taken edge carries."""

    edge: int
    source_rounds: Rounds
    snapshot: Snapshot
    error: ErrorInfo | None


class Activation:
    """A live activation."""

    __slots__ = ("edited", "edits", "node", "phase", "preview", "rounds", "snapshot", "tokens", "watched")

    def __init__(self, node: int, rounds: Rounds) -> None:
        self.node = node
        self.rounds = rounds
        self.phase = Phase.WAITING
        # At most one per edge and source activation; kept while it lives, so that a retry can merge again.
        self.tokens: list[Token] = []
        # The merged tokens while RUNNING, what goes out while RETURNED; None while WAITING or rejected.
        self.snapshot: Snapshot | None = None
        # What `preview` made of the updates, so that it is made once; None unless RUNNING.
        self.preview: Snapshot | None = None
        # The live activation that blocks this one; None unless WAITING.
        self.watched: Key | None = None
        # What takes the place of merged values, as somebody edited them, and how many edits that was.
        self.edits: dict[str, object] | None = None
        self.edited = 0


def enough(joining: Joining, tokens: Sequence[Token]) -> bool:
    """Whether as many have come as the join needs."""
    need, count = joining.need, len(tokens)
    for token in tokens:
        if token.edge == joining.aside:
            count -= 1
            if joining.field:
                found = token.snapshot.read(joining.field)
                assert isinstance(found, int)
                need = found
    return need is not None and count >= need


def by_edge(tokens: Sequence[Token]) -> list[list[Snapshot]]:
    """The snapshots of sorted tokens, one group per edge, each in order of rounds."""
    groups: dict[int, list[Snapshot]] = {}
    for token in tokens:
        groups.setdefault(token.edge, []).append(token.snapshot)
    return list(groups.values())
