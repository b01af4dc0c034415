"""Running a coroutine to its end from code that is not async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

_LOOK: Final = 0.5  # seconds


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, in a thread of its own if an event loop runs here already (as in a notebook).

    When waiting for that thread is broken off by Ctrl-C, the work is cancelled, and its end is waited for.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _Elsewhere(work).join()


def _wait(event: threading.Event) -> None:
    """Wait, and look up from time to time: a signal that comes just before a thread blocks does not wake it."""
    while not event.wait(_LOOK):
        pass


class _Elsewhere(Generic[T]):
    """A coroutine that runs in a thread of its own."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._values: list[T] = []
        self._errors: list[BaseException] = []
        # Its loop and task, once they are there.
        self._at_work: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._thread = threading.Thread(target=self._run, name="backedge run_sync")
        self._began = threading.Event()
        # Waited for instead of the thread: a join that is broken off takes the thread for ended.
        self._ended = threading.Event()

    def join(self) -> T:
        """Start it, wait for its end, and give or raise what came of it."""
        try:
            try:
                self._thread.start()
            except RuntimeError:  # the system gives no more threads
                self._work.close()
                self._began.set()
                self._ended.set()
                raise
            _wait(self._ended)
        except BaseException:
            self._cancel()
            _wait(self._ended)
            raise
        finally:
            if self._thread.is_alive():
                self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._values[0]

    def _cancel(self) -> None:
        _wait(self._began)
        if self._at_work is not None:
            loop, task = self._at_work
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

    def _run(self) -> None:
        try:
            self._values.append(asyncio.run(self._observed()))
        except BaseException as error:
            self._errors.append(error)
        finally:
            self._began.set()
            self._ended.set()

    async def _observed(self) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._at_work = asyncio.get_running_loop(), task
        self._began.set()
        return await self._work
