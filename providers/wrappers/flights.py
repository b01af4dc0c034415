"""Equal calls that are made at the same time become one: the first is made, the others wait for its answer.

The call goes on as long as anybody waits for it. When the last one is cancelled, so is the call, and whoever was cancelled
waits until its connection is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LeftError(Exception):
    """Whoever made the call left before its end, and nobody else can go on with it: make it anew."""


@dataclass(slots=True, eq=False)
class Flight(Generic[T]):
    """A call under way.

    Attributes:
        result: Its end.
        ours: Whether it is a task that ends when nobody waits; else somebody makes it for itself.
        waiting: How many wait for it.
        claimed: Whether somebody has taken the result for the one that was paid for.
    """

    result: asyncio.Future[T]
    ours: bool
    waiting: int = 0
    claimed: bool = False

    def claim(self) -> bool:
        """Whether one is the first to take the result."""
        first, self.claimed = not self.claimed, True
        return first


class Flights(Generic[T]):
    """Calls under way, by key."""

    def __init__(self) -> None:
        # Also by event loop: one cannot wait for the tasks of another.
        self._flights: dict[Hashable, Flight[T]] = {}

    def find(self, key: str) -> Flight[T] | None:
        """The call under way for this key."""
        return self._flights.get(_place(key))

    def begin(self, key: str, call: Coroutine[Any, Any, T]) -> Flight[T]:
        """Make a call, on behalf of all who wait for it."""
        flight = Flight(asyncio.ensure_future(call), ours=True)
        return self._add(key, flight)

    def lead(self, key: str) -> Flight[T]:
        """Others wait for a call that one makes oneself. `land` or `crash` must end it."""
        flight: Flight[T] = Flight(asyncio.get_running_loop().create_future(), ours=False)
        return self._add(key, flight)

    def land(self, key: str, flight: Flight[T], result: T) -> None:
        """The call one makes oneself is over."""
        self._drop(_place(key), flight)
        flight.result.set_result(result)

    def crash(self, key: str, flight: Flight[T], error: BaseException) -> None:
        """The call one makes oneself failed, or one left it. Ignored when it is over."""
        if flight.result.done():
            return
        self._drop(_place(key), flight)
        flight.result.set_exception(error if isinstance(error, Exception) else LeftError())
        flight.result.exception()  # nobody need wait for it

    async def wait(self, key: str, flight: Flight[T]) -> T:
        """Wait for the end of a call.

        Raises:
            LeftError: Whoever made it left it.
        """
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.result)
        finally:
            flight.waiting -= 1
            if flight.ours and not flight.waiting and not flight.result.done():
                self._drop(_place(key), flight)
                flight.result.cancel()
                with suppress(asyncio.CancelledError):
                    await flight.result

    def _add(self, key: str, flight: Flight[T]) -> Flight[T]:
        place = _place(key)
        self._flights[place] = flight
        if flight.ours:
            flight.result.add_done_callback(lambda _: self._drop(place, flight))
        return flight

    def _drop(self, place: Hashable, flight: Flight[T]) -> None:
        if self._flights.get(place) is flight:
            del self._flights[place]


def _place(key: str) -> Hashable:
    return (asyncio.get_running_loop(), key)
