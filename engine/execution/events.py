"""What a run tells those who watch it, while it goes on.

Events are told after what they tell of was committed; only `ActivationsReady`, `ActivationStarted`, `ActivationSuspended` and
`CustomEvent` have no record of their own.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ..records import ActivationId, ErrorInfo, RunStatus
from .desk import Question


class ActivationsReady(NamedTuple):
    """Nothing keeps these from running any more, except that slots may be short: each begins as soon as there are some.

    Attributes:
        activations: All that one end made ready, together.
        at: When, in seconds since the epoch.
        after: The activation by whose end they became ready; None where they go on, as in a run that is resumed.
    """

    activations: tuple[ActivationId, ...]
    at: float
    after: ActivationId | None = None


class ActivationStarted(NamedTuple):
    """A node begins. `at` is in seconds since the epoch."""

    activation: ActivationId
    attempt: int
    at: float


class ActivationFinished(NamedTuple):
    """A node finished; or its routing, which had failed before, was made up for: then `attempt` is 0, and nothing new was written.

    Attributes:
        at: When, in seconds since the epoch.
        seconds: How long it took.
        updates: What it wrote, by field: a copy, which all listeners share.
        taken: Ids of the edges taken.
    """

    activation: ActivationId
    attempt: int
    at: float
    seconds: float
    updates: Mapping[str, object]
    taken: tuple[str, ...]


class ActivationFailed(NamedTuple):
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


class ActivationSuspended(NamedTuple):
    """A node was let go of, since all it can do is wait. It begins again, with the same attempt, once it need not.

    Attributes:
        waits: For what: answers, signals, timers.
    """

    activation: ActivationId
    attempt: int
    at: float
    waits: tuple[Question, ...]


class ActivationCancelled(NamedTuple):
    """A running activation was stopped, since another one's end made it needless."""

    activation: ActivationId
    at: float


class CustomEvent(NamedTuple):
    """What a node handed to `Context.emit`."""

    activation: ActivationId
    data: object


class RunFinished(NamedTuple):
    """The run came to rest. The last event."""

    run_id: str
    status: RunStatus
    at: float


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """The listener was too slow: this many events before the next one are missing."""

    count: int


Event: TypeAlias = (
    ActivationsReady
    | ActivationStarted
    | ActivationFinished
    | ActivationFailed
    | ActivationSuspended
    | ActivationCancelled
    | CustomEvent
    | RunFinished
    | EventsDropped
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
        # Set when there may be something for those who wait.
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Add an event; never waits. Once the queue was closed nothing comes in."""
        if self._closed:
            return
        if len(self._events) >= self._size:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self._news.set()

    def close(self) -> None:
        """Let the iteration end once what is queued was taken."""
        self._closed = True
        self._news.set()

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
            self._news.clear()
            await self._news.wait()


class Announcer:
    """Tells events to all listeners of one run; nobody need make any while `listeners` is empty.

    A listener counts for as long as somebody holds its queue: who stops listening lets go of it.
    """

    __slots__ = ("__weakref__", "_loop", "_thread", "listeners")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self.listeners: tuple[weakref.ref[EventQueue], ...] = ()

    def listen(self, size: int) -> EventQueue:
        """A new listener, told everything from now on."""
        queue = EventQueue(size)
        self.listeners = (*self.listeners, weakref.ref(queue, self._forget))
        return queue

    def _forget(self, gone: weakref.ref[EventQueue]) -> None:
        self.listeners = tuple([listener for listener in self.listeners if listener is not gone])

    def tell(self, event: Event) -> None:
        """Tell an event. On the event loop's thread."""
        for queue in self._queues():
            queue.put(event)

    def tell_from_anywhere(self, event: Event) -> None:
        """Tell an event from any thread. What is told by one thread stays in order."""
        if threading.get_ident() == self._thread:
            self.tell(event)
            return
        with suppress(RuntimeError):  # the loop is closed: the run is over, and the thread was let go of
            self._loop.call_soon_threadsafe(self.tell, event)

    def close(self) -> None:
        """Let all listeners come to their end."""
        for queue in self._queues():
            queue.close()

    def _queues(self) -> list[EventQueue]:
        return [queue for listener in self.listeners if (queue := listener()) is not None]
