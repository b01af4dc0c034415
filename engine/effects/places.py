"""Where in an activation an effect is asked for: a path that is the same whenever the body runs again.

A branch is a line of execution that asks for one thing after the other. The body is one; each part of a `gather` or a
`first` is another, and so is what is done under a name. In a branch effects are numbered in the order in which they are asked
for: ``2`` is the body's third, ``2.0.1`` the second one in the first part of a `gather` that was its third, ``retry.0`` the
first one under the name ``retry``.

Who asks in a branch without being the one whose line it is (a task that the body made itself) asks *beside* it: nobody can
tell in which order such tasks will ask the next time. Their effects are told apart by name, arguments and occurrence:
``2.~5f0c12ab`` is the first one of its kind, ``2.~5f0c12ab-1`` the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from ..errors import InputError


class Place(NamedTuple):
    """Where an effect is asked for.

    Attributes:
        branch: Path of the branch; empty for the body.
        number: How many were asked for in the branch before, or, beside it, how many of the same kind.
        kind: Beside the branch a short digest of name and arguments; empty in its line.
    """

    branch: str
    number: int
    kind: str = ""

    @property
    def path(self) -> str:
        """The place as records hold it."""
        if not self.kind:
            return f"{self.branch}.{self.number}" if self.branch else str(self.number)
        return joined(self.branch, f"~{self.kind}-{self.number}" if self.number else f"~{self.kind}")


class Branch:
    """One line of execution.

    Attributes:
        path: Where in the activation it is.
        actor: The task or thread whose line it is; the first who asks, where nobody said.
    """

    __slots__ = ("_asked", "_beside", "_open", "actor", "path")

    def __init__(self, path: str, actor: object | None = None) -> None:
        self.path = path
        self.actor = actor
        self._asked = 0
        self._beside: Counter[str] = Counter()
        # How often it was entered by name and not left.
        self._open = 0

    @property
    def asked(self) -> int:
        """How many effects were asked for, those beside it not counted."""
        return self._asked

    def next(self, actor: object, name: str, digest: str) -> Place:
        """The place of the effect that `actor` asks for now."""
        if self.actor is None:
            self.actor = actor
        if actor is self.actor or actor == self.actor:
            self._asked += 1
            return Place(self.path, self._asked - 1)
        kind = blake2b(f"{name}\0{digest}".encode(), digest_size=4).hexdigest()
        self._beside[kind] += 1
        return Place(self.path, self._beside[kind] - 1, kind)

    def enter(self, actor: object) -> None:
        """Somebody asks in the branch by its name. Raises InputError while somebody else does."""
        if self._open and actor != self.actor:
            raise InputError(f"two tasks use the branch {self.path!r} at once: give each a name of its own")
        self.actor = actor
        self._open += 1

    def leave(self) -> None:
        """He does so no longer."""
        self._open -= 1


def joined(branch: str, step: str) -> str:
    """The path of something in a branch.

    >>> joined("", "2"), joined("2.0", "1")
    ('2', '2.0.1')
    """
    return f"{branch}.{step}" if branch else step


def place_of(path: str) -> Place:
    """The place that a record's path names. ValueError when it names none.

    >>> place_of("2.0.~5f0c12ab-1")
    Place(branch='2.0', number=1, kind='5f0c12ab')
    """
    branch, _, step = path.rpartition(".")
    if not step.startswith("~"):
        return Place(branch, int(step))
    kind, _, number = step[1:].partition("-")
    return Place(branch, int(number or 0), kind)


def around(path: str) -> Iterator[str]:
    """The places of the `gather` and `first` that an effect is a part of, outermost first.

    >>> list(around("2.0.retry.1.3.0")), list(around("2"))
    (['2', '2.0.retry.1'], [])
    """
    steps = path.split(".")
    place = 0
    while place < len(steps) - 1:
        if steps[place].isidentifier():
            place += 1  # the name of a branch
            continue
        yield ".".join(steps[: place + 1])
        place += 2  # and the number of the part
