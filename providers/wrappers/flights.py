"""Equal calls that are made at the same time become one: the first is made, the others wait for its answer.

The call goes on as long as anybody waits for it. When the last one is cancelled, so is the call, and whoever was cancelled
waits until its connection is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LeftError(Exception):
    """Whoever made the call left before its end, and nobody else can go on with it: make it anew."""


class Flight(Generic[T]):
    """A call under way. `Flights` makes them."""

    __slots__ = ("_claimed", "error", "over", "result", "task", "waiting")

    def __init__(self) -> None:
        self.over = False
        # Its end, when it is over.
        self.result: T
        self.error: BaseException | None = None
        # Those who wait, in the order they came, are woken through these, and then look at the end.
        self.waiting: dict[asyncio.Future[None], None] = {}
        # Makes the call; None where somebody makes it for itself.
        self.task: asyncio.Task[None] | None = None
        self._claimed = False

    def claim(self) -> bool:
        """Whether one is the first to take the result: the one for whom it was paid."""
        first, self._claimed = not self._claimed, True
        return first

    def end(self) -> T:
        """The result, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.result


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
        flight = self.lead(key)

        async def make() -> None:
            try:
                result = await call
            except BaseException as error:
                self._over(key, flight, error)
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                self.land(key, flight, result)

        flight.task = asyncio.ensure_future(make())
        return flight

    def lead(self, key: str) -> Flight[T]:
        """Others wait for a call that one makes oneself. `land` or `crash` must end it."""
        flight: Flight[T] = Flight()
        self._flights[_place(key)] = flight
        return flight

    def land(self, key: str, flight: Flight[T], result: T) -> None:
        """The call is over."""
        flight.result = result
        self._over(key, flight, None)

    def crash(self, key: str, flight: Flight[T], error: BaseException) -> None:
        """The call one makes oneself failed, or one left it. Ignored when it is over."""
        if not flight.over:
            self._over(key, flight, error if isinstance(error, Exception) else LeftError())

    async def wait(self, key: str, flight: Flight[T]) -> T:
        """Wait for the end of a call.

        Raises:
            LeftError: Whoever made it left it.
        """
        if flight.over:
            return flight.end()
        woken = asyncio.get_running_loop().create_future()
        flight.waiting[woken] = None
        try:
            await woken
        finally:
            del flight.waiting[woken]
            if flight.task is not None and not flight.waiting and not flight.over:
                self._drop(key, flight)
                flight.task.cancel()
                with suppress(asyncio.CancelledError):
                    await flight.task
        return flight.end()

    def _over(self, key: str, flight: Flight[T], error: BaseException | None) -> None:
        flight.over, flight.error = True, error
        self._drop(key, flight)
        for woken in flight.waiting:
            if not woken.done():
                woken.set_result(None)

    def _drop(self, key: str, flight: Flight[T]) -> None:
        place = _place(key)
        if self._flights.get(place) is flight:
            del self._flights[place]


def _place(key: str) -> Hashable:
    return (asyncio.get_running_loop(), key)
