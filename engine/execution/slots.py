"""Who may start when places are short: named counters, and a queue that serves the longest remaining path first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

Needs = tuple[str, ...]


class Slots(Generic[T]):
    """Named slots of limited number, and those who wait for them.

    Somebody needs one of each slot in his `needs`, all at once. Of those who wait and could be served, the one with
    the lowest priority value is. A small, pure thing: it starts nothing, it says who may.

    Example::

        slots = Slots({"sandbox": 2})
        if slots.acquire(("sandbox",)):
            ...
            for next_one in slots.release(("sandbox",)):
                ...
    """

    def __init__(self, capacity: Mapping[str, int]) -> None:
        # Free slots by name; below 0 only where more were seized than there are.
        self._free = dict(capacity)
        # Those who wait, by what they need: (priority, ticket, who). No queue is empty.
        self._waiting: dict[Needs, list[tuple[tuple[int, ...], int, T]]] = {}
        # Told apart by arrival when the priority is equal.
        self._tickets = 0

    def acquire(self, needs: Needs) -> bool:
        """Take one of each slot, or none at all."""
        free = self._free
        if not all(free[name] > 0 for name in needs):
            return False
        self.seize(needs)
        return True

    def seize(self, needs: Needs) -> None:
        """Take one of each slot, though there may be none: for what had them before the run was left."""
        for name in needs:
            self._free[name] -= 1

    def wait(self, needs: Needs, priority: tuple[int, ...], who: T) -> None:
        """Queue somebody whose `acquire` failed."""
        self._tickets += 1
        heapq.heappush(self._waiting.setdefault(needs, []), (priority, self._tickets, who))

    def release(self, needs: Needs) -> list[T]:
        """Give slots back. Those who may start now come back, their slots taken for them."""
        for name in needs:
            self._free[name] += 1
        served: list[T] = []
        while self._waiting:
            possible = [wants for wants in self._waiting if all(self._free[name] > 0 for name in wants)]
            if not possible:
                break
            wants = min(possible, key=lambda each: self._waiting[each][0][:2])
            served.append(heapq.heappop(self._waiting[wants])[2])
            if not self._waiting[wants]:
                del self._waiting[wants]
            self.acquire(wants)
        return served

    def forget(self, who: T) -> bool:
        """Somebody waits no longer. Whether he did."""
        for needs, queue in self._waiting.items():
            left = [each for each in queue if each[2] is not who]
            if len(left) < len(queue):
                heapq.heapify(left)
                self._waiting[needs] = left
                if not left:
                    del self._waiting[needs]
                return True
        return False

    def clear(self) -> None:
        """Forget those who wait."""
        self._waiting.clear()
