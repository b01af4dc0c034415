"""Where in an activation an effect is asked for: a path that is the same whenever the body runs again.

A branch is a line of execution that asks for one thing after the other. The body is one; each part of a `gather` or a
`first` is another, and so is what is done under a name. In a branch effects are numbered in the order in which they are asked
for: ``2`` is the body's third, ``2.0.1`` the second one in the first part of a `gather` that was its third, ``retry.0`` the
first one under the name ``retry``.

Who asks in a branch without being the one whose line it is (a task that the body made itself) asks *beside* it: nobody can
tell in which order such tasks will ask the next time. Their effects are told apart by name, arguments and occurrence:
``2.~0`` is the first of its kind.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Place(NamedTuple):
    """Where an effect is asked for.

    Attributes:
        branch: Path of the branch; empty for the body.
        number: How many were asked for in the branch before, or, beside it, how many of the same kind.
        beside: Whether it was not the branch's own line that asked.
    """

    branch: str
    number: int
    beside: bool

    @property
    def path(self) -> str:
        """The place as records hold it."""
        return joined(self.branch, f"~{self.number}" if self.beside else str(self.number))


class Branch:
    """One line of execution."""

    __slots__ = ("_asked", "_beside", "actor", "path")

    def __init__(self, path: str, actor: object | None = None) -> None:
        self.path = path
        # The task or thread whose line it is; the first who asks, where nobody said.
        self.actor = actor
        self._asked = 0
        self._beside: Counter[tuple[str, str]] = Counter()

    @property
    def asked(self) -> int:
        """How many effects were asked for, those beside it not counted."""
        return self._asked

    def next(self, actor: object, name: str, digest: str) -> Place:
        """The place of the effect that `actor` asks for now."""
        if self.actor is None:
            self.actor = actor
        if actor is self.actor:
            self._asked += 1
            return Place(self.path, self._asked - 1, beside=False)
        self._beside[name, digest] += 1
        return Place(self.path, self._beside[name, digest] - 1, beside=True)


def joined(branch: str, step: str) -> str:
    """The path of something in a branch.

    >>> joined("", "2"), joined("2.0", "1")
    ('2', '2.0.1')
    """
    return f"{branch}.{step}" if branch else step


def place_of(path: str) -> Place:
    """The place that a record's path names. ValueError when it names none.

    >>> place_of("2.0.~1")
    Place(branch='2.0', number=1, beside=True)
    """
    branch, _, step = path.rpartition(".")
    return Place(branch, int(step.removeprefix("~")), step.startswith("~"))
