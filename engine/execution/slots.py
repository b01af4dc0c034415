"""Who may start when places are short: named counters, and a queue that serves the longest remaining path first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Generic, TypeVar

from ..shares import Share, pools_of

T = TypeVar("T")

Needs = tuple[str, ...]


class Slots(Generic[T]):
    """Named slots of limited number, and those who wait for them.

    Somebody needs one of each slot in his `needs`, all at once. Of those who wait and could be served, the one with
    the lowest priority value is; of those who need shares of one pool, one who needs the share whose turn it is. A small,
    pure thing: it starts nothing, it says who may.

    Example::

        slots = Slots({"sandbox": 2})
        if slots.acquire(("sandbox",)):
            ...
            for next_one in slots.release(("sandbox",)):
                ...
    """

    def __init__(self, capacity: Mapping[str, int], shares: Mapping[str, Share] | None = None) -> None:
        # Free slots by name; below 0 only where more were seized than there are.
        self._free = dict(capacity)
        # Those who wait, by what they need: (priority, ticket, who). No queue is empty.
        self._waiting: dict[Needs, list[tuple[tuple[int, ...], int, T]]] = {}
        # Told apart by arrival when the priority is equal.
        self._tickets = 0
        # The pools of those slots that are shares, which have no number of their own.
        self._pools = pools_of(shares, capacity) if shares else {}

    @property
    def lends(self) -> bool:
        """Whether any slot has its places from a pool: then those who come together are better served together."""
        return bool(self._pools)

    def acquire(self, needs: Needs) -> bool:
        """Take one of each slot, or none at all."""
        if not self._fits(needs):
            return False
        self.seize(needs)
        return True

    def seize(self, needs: Needs) -> None:
        """Take one of each slot, though there may be none: for what had them before the run was left."""
        for name in needs:
            if name in self._pools:
                self._pools[name].take(name)
            else:
                self._free[name] -= 1

    def wait(self, needs: Needs, priority: tuple[int, ...], who: T) -> None:
        """Queue somebody whose `acquire` failed, or who is to be served together with others by `serve`."""
        self._tickets += 1
        heapq.heappush(self._waiting.setdefault(needs, []), (priority, self._tickets, who))

    def release(self, needs: Needs) -> list[T]:
        """Give slots back. Those who may start now come back, their slots taken for them."""
        self.give(needs)
        return self.serve()

    def give(self, needs: Needs) -> None:
        """Give slots back, and leave it to `serve` who gets them."""
        for name in needs:
            if name in self._pools:
                self._pools[name].give(name)
            else:
                self._free[name] += 1

    def serve(self) -> list[T]:
        """Those who waited and may start now, their slots taken for them."""
        served: list[T] = []
        while possible := [wants for wants in self._waiting if self._fits(wants)]:
            if self._pools and len(possible) > 1:
                possible = self._in_turn(possible) or possible
            wants = min(possible, key=lambda each: self._waiting[each][0][:2])
            served.append(heapq.heappop(self._waiting[wants])[2])
            if not self._waiting[wants]:
                del self._waiting[wants]
            self.seize(wants)
        return served

    def _fits(self, needs: Needs) -> bool:
        pools, free = self._pools, self._free
        if not pools:
            return all(free[name] > 0 for name in needs)
        return all(pools[name].may(name) if name in pools else free[name] > 0 for name in needs)

    def _in_turn(self, possible: list[Needs]) -> list[Needs]:
        """Of those who need a share those whose turn it is in its pool, and those who need none."""
        work = dict.fromkeys(self._pools, 0)
        for wants in possible:
            for name in wants:
                if name in work:
                    work[name] += len(self._waiting[wants])
        turns = {pool.next(work) for pool in set(self._pools.values())}
        return [wants for wants in possible if all(name in turns or name not in work for name in wants)]

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
