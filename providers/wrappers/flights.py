"""Equal calls that are made at the same time become one: whoever comes first makes it, the others wait for its answer.

The first makes it in its own task, which costs nothing when it stays alone. So when it is cancelled, or leaves a stream,
the call ends at once, and one of the others makes it anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class LeftError(Exception):
    """Whoever made the call left before its end, and nobody else can go on with it: make it anew."""


class Flight(Generic[T]):
    """A call under way. `Flights` makes them."""

    __slots__ = ("_error", "_place", "_result", "_waiting", "over")

    def __init__(self, place: Hashable) -> None:
        self._place = place
        self.over = False
        # Its end, when it is over.
        self._result: T
        self._error: BaseException | None = None
        # Those who wait are woken through these, in the order they came, and then look at the end.
        self._waiting: list[asyncio.Future[None]] = []

    async def end(self) -> T:
        """Wait for the end: the result, or the error raised.

        Raises:
            LeftError: Whoever made the call left it.
        """
        if not self.over:
            woken = asyncio.get_running_loop().create_future()
            self._waiting.append(woken)
            await woken
        if self._error is not None:
            raise self._error
        return self._result


class Flights(Generic[T]):
    """Calls under way, by key."""

    def __init__(self) -> None:
        # Also by event loop: one cannot wait for the tasks of another.
        self._flights: dict[Hashable, Flight[T]] = {}

    def take(self, key: str) -> tuple[Flight[T], bool]:
        """The call under way for this key, and whether it is one that the caller must make as there was none.

        `land` or `crash` must end one that is to be made.
        """
        place = (asyncio.get_running_loop(), key)
        found = self._flights.get(place)
        if found is not None:
            return found, False
        made = self._flights[place] = Flight(place)
        return made, True

    def land(self, flight: Flight[T], result: T) -> None:
        """The call is over."""
        flight._result = result
        self._over(flight, None)

    def crash(self, flight: Flight[T], error: BaseException) -> None:
        """The call failed, or whoever made it left it. Ignored when it is over."""
        if not flight.over:
            self._over(flight, error if isinstance(error, Exception) else LeftError())

    def _over(self, flight: Flight[T], error: BaseException | None) -> None:
        flight.over, flight._error = True, error
        del self._flights[flight._place]
        for woken in flight._waiting:
            if not woken.done():
                woken.set_result(None)
