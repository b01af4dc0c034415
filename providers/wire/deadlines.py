"""Waits that end in time, for next to nothing: one timer for all of them, where `asyncio.timeout` makes one for each.

A model waits in the same way for every answer, and in a stream for every event, nearly always in vain for the time to
pass. All waits of one length end in the order in which they began: so they stand in a queue, and the event loop's timer
is set for the first one only. When it rings, those whose time has come are ended, and it is set anew for the next. A wait that
ends well takes itself out of the queue and leaves the timer as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Deadlines:
    """The deadlines of one model's waits, by event loop and length."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[tuple[asyncio.AbstractEventLoop, float], Deadline] = {}

    def after(self, seconds: float) -> Deadline:
        """What ends waits in the running event loop after so many seconds."""
        key = (asyncio.get_running_loop(), seconds)
        found = self._queues.get(key)
        if found is None:
            for other in [other for other in self._queues if other[0].is_closed()]:
                self._queues.pop(other, None)
            found = self._queues[key] = Deadline(*key)
        return found


class _Wait:
    """A task that waits."""

    __slots__ = ("asked", "ended", "task", "until")

    def __init__(self, task: asyncio.Task[object], until: float) -> None:
        self.task = task
        self.until = until
        # How often others had asked the task to end before.
        self.asked = task.cancelling()
        # Its time has come.
        self.ended = False


class Deadline:
    """Ends waits of one length in one event loop.

    Args:
        loop: The event loop.
        seconds: How long a wait may take.
    """

    __slots__ = ("_armed", "_loop", "_seconds", "_waits")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        # Those under way, the oldest first. While there is one, the timer is armed for it or for an earlier one.
        self._waits: dict[_Wait, None] = {}
        self._armed = False

    async def of(self, awaited: Awaitable[T]) -> T:
        """What is awaited gives.

        Raises:
            TimeoutError: It took too long, and was cancelled.
        """
        task = asyncio.current_task(self._loop)
        assert task is not None, "coroutines are awaited in tasks"
        until = self._loop.time() + self._seconds
        wait = _Wait(task, until)
        self._waits[wait] = None
        if not self._armed:
            self._arm(until)
        try:
            found = await awaited
        except BaseException as error:
            if self._over(wait) and isinstance(error, asyncio.CancelledError):
                raise TimeoutError from error
            raise
        self._over(wait)
        return found

    def _over(self, wait: _Wait) -> bool:
        """Whether it was ended, and by nobody else at the same time: as `asyncio.timeout` tells it."""
        if not wait.ended:
            del self._waits[wait]
            return False
        return wait.task.uncancel() <= wait.asked

    def _arm(self, at: float) -> None:
        self._armed = True
        self._loop.call_at(at, self._ring, at)

    def _ring(self, at: float) -> None:
        self._armed = False
        now = max(at, self._loop.time())  # loops call a little early, by the resolution of their clock
        for wait in list(self._waits):
            if wait.until > now:
                self._arm(wait.until)
                return
            del self._waits[wait]
            wait.ended = True
            wait.task.cancel()
