"""Threads for plain functions: one for each call that goes on, kept a moment for the next.

The event loop's own pool would not do: it is full after a few functions that hang, and the process waits for them at its
end. A run's worker threads end with the run, and a tool belongs to none. A new thread for each call costs milliseconds now
and then.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

T = TypeVar("T")

LINGER: Final = 1.0
"""Seconds that a thread waits for another call."""


class Threads:
    """Calls functions in threads; may be used from several event loops, and needs no closing.

    Example::

        threads = Threads("tool-look")
        value = await threads.call(look)
    """

    __slots__ = ("_idle", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        # Those that wait for a call. Taking one out and putting one in are atomic.
        self._idle: list[_Worker] = []

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns. When this is cancelled its thread is let go of, and goes on until it returns."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = partial(contextvars.copy_context().run, function)
        self._worker().jobs.put((job, partial(_deliver, loop, future)))
        return await future

    def _worker(self) -> _Worker:
        while self._idle:
            try:
                worker = self._idle.pop()
            except IndexError:  # it was the last one, and ended just now
                break
            if worker.thread.is_alive():  # in a process that was forked, none is
                return worker
        return _Worker(self._name, self._idle)


class _Worker:
    """A daemon thread and what it is to do."""

    def __init__(self, name: str, idle: list[_Worker]) -> None:
        self.jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[..., None]]] = queue.SimpleQueue()
        self._idle = idle
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            try:
                job, deliver = self.jobs.get(timeout=LINGER)
            except queue.Empty:
                try:
                    self._idle.remove(self)
                except ValueError:  # somebody took it: there will be something to do
                    continue
                return
            value, error = None, None
            try:
                value = job()
            except BaseException as raised:
                error = raised
            self._idle.append(self)  # before anybody hears of it: who hears of it may want the next
            deliver(value, error)
            del job, deliver, value, error  # nothing is kept alive while idle


def _deliver(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], value: object, error: BaseException | None
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, value, error)
    except RuntimeError:  # the loop is closed: nobody waits for this any more
        return


def _settle(future: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # which a future refuses
        error = RuntimeError(f"the function raised StopIteration({error.value!r})")
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
