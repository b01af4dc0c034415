"""What a run tells those who watch it, while it goes on.

Events are told after what they tell of was committed; only `ActivationStarted` and `CustomEvent` have no record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .records import ActivationId, ErrorInfo, RunStatus


@dataclass(frozen=True, slots=True)
class ActivationStarted:
    """A node begins. `at` is in seconds since the epoch."""

    activation: ActivationId
    attempt: int
    at: float


@dataclass(frozen=True, slots=True)
class ActivationFinished:
    """A node finished.

    Attributes:
        at: When, in seconds since the epoch.
        seconds: How long it took.
        updates: What it wrote, by field.
        taken: Ids of the edges taken; empty while its routing is owed.
    """

    activation: ActivationId
    attempt: int
    at: float
    seconds: float
    updates: Mapping[str, object]
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActivationFailed:
    """An attempt failed, or a merge or a routing did. `final` means that no retry follows.

    An error that an error edge takes on is told as well; `taken` names the edge then.
    """

    activation: ActivationId
    attempt: int
    at: float
    seconds: float
    error: ErrorInfo
    final: bool
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """What a node handed to `Context.emit`."""

    activation: ActivationId
    data: object


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run came to rest. The last event."""

    run_id: str
    status: RunStatus
    at: float


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """The listener was too slow: this many events before the next one are missing."""

    count: int


Event: TypeAlias = (
    ActivationStarted | ActivationFinished | ActivationFailed | CustomEvent | RunFinished | EventsDropped
)


class EventQueue:
    """Events for one listener, bounded: the oldest fall out, and their number is told.

    Iterate over it with ``async for``; it ends after `RunFinished`.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: deque[Event] = deque()
        # How many fell out since the last one that was taken.
        self._dropped = 0
        # Nothing more will come.
        self._closed = False
        # Whoever waits for the next event, or None.
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Add an event; never waits."""
        if len(self._events) >= self._size:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self._wake()

    def close(self) -> None:
        """Let the iteration end once what is queued was taken."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        while True:
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return EventsDropped(count)
            if self._events:
                return self._events.popleft()
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class Announcer:
    """Tells events to all listeners of one run; makes none when nobody listens."""

    __slots__ = ("_loop", "listeners")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.listeners: tuple[EventQueue, ...] = ()

    def listen(self, size: int) -> EventQueue:
        """A new listener, told everything from now on."""
        queue = EventQueue(size)
        self.listeners = (*self.listeners, queue)
        return queue

    def tell(self, event: Event) -> None:
        """Tell an event. On the event loop's thread."""
        for listener in self.listeners:
            listener.put(event)

    def tell_from_thread(self, event: Event) -> None:
        """Tell an event from any thread."""
        if self.listeners:
            self._loop.call_soon_threadsafe(self.tell, event)

    def close(self) -> None:
        """Let all listeners come to their end."""
        for listener in self.listeners:
            listener.close()
