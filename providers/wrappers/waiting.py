"""The queue of those who wait: by priority, and fair between callers inside one. Pure; every step costs O(1).

A higher priority goes before all of a lower one. Inside a priority callers take turns, one each, in the order in which
they came; one caller's own go first come, first served. So a caller with one waits for at most one of each other caller,
however many these have, as long as nobody of a higher priority comes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

Priority: TypeAlias = Literal["low", "normal", "high", "critical"]

ORDER: Final[tuple[Priority, ...]] = ("critical", "high", "normal", "low")
"""Who goes first. Critical ones pass at once and are never in the queue."""


class Waiter(Protocol):
    """Someone who waits; compared by identity."""

    @property
    def priority(self) -> Priority:
        """How urgent it is."""

    @property
    def caller(self) -> str:
        """Whom it is for."""


W = TypeVar("W", bound=Waiter)


class Queue(Generic[W]):
    """Those who wait, in the order of their turns."""

    __slots__ = ("_count", "_waiting")

    def __init__(self) -> None:
        # For each priority the callers who wait, whose turn is next first; of each those who wait, oldest first. Never
        # an empty one. Ordered dicts, because these find and drop both the first and any other one in O(1).
        self._waiting: dict[Priority, OrderedDict[str, OrderedDict[int, W]]] = {
            priority: OrderedDict() for priority in ORDER
        }
        # How many wait.
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def waiting(self) -> dict[Priority, int]:
        """How many wait, by priority."""
        return {
            priority: sum(len(own) for own in callers.values()) for priority, callers in self._waiting.items()
        }

    def add(self, waiter: W) -> None:
        """Join the queue, behind the caller's others."""
        self._waiting[waiter.priority].setdefault(waiter.caller, OrderedDict())[id(waiter)] = waiter
        self._count += 1

    def first(self) -> W | None:
        """Whose turn it is; None when nobody waits."""
        for callers in self._waiting.values():
            if callers:
                return next(iter(next(iter(callers.values())).values()))
        return None

    def served(self, waiter: W) -> None:
        """Leave the queue, having had one's turn: the caller's next one is behind those of all others."""
        self.remove(waiter)
        callers = self._waiting[waiter.priority]
        if waiter.caller in callers:
            callers.move_to_end(waiter.caller)

    def remove(self, waiter: W) -> None:
        """Leave the queue without a turn; the caller's turn stays where it is."""
        callers = self._waiting[waiter.priority]
        own = callers[waiter.caller]
        del own[id(waiter)]
        self._count -= 1
        if not own:
            del callers[waiter.caller]
