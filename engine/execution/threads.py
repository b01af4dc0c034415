"""Worker threads for ``def`` nodes: as many as are asked for, none left behind.

The standard pool would do but for two things. It joins its threads when the interpreter exits, so that one stuck node
keeps the process from ending; and it cannot give up on a thread whose node was timed out. A thread cannot be killed:
what is stuck is let go of, and told about.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any


class WorkerThreads:
    """Threads of one run. Made when first needed, reused, ended by `close`.

    Example::

        threads = WorkerThreads("demo")
        value = await threads.call(work, 1, 2)
        await threads.close(grace=1.0)
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[_Worker] = []
        # Those that work on something, given up on or not.
        self._busy: set[_Worker] = set()
        self._made = 0
        # Done when nobody is busy any more; made by `close`.
        self._drained: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def busy(self) -> int:
        """How many threads still work, those that were given up on included."""
        return len(self._busy)

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Call `function` in a thread, in a copy of the current context.

        Cancelling the future gives up on the thread: it goes on until the function returns, then it ends or is reused.
        """
        if self._closed:
            raise RuntimeError("the run is over: no thread is started for it any more")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._idle:
            worker = self._idle.pop()
        else:
            self._made += 1
            worker = _Worker(f"{self._name}-{self._made}")
        self._busy.add(worker)
        job = partial(contextvars.copy_context().run, function, *args, **kwargs)
        worker.jobs.put((job, partial(self._deliver, loop, future, worker)))
        return future

    async def close(self, grace: float) -> int:
        """End all threads, waiting up to `grace` seconds for busy ones; returns how many are still busy.

        Those end by themselves when their functions return. When this was cancelled, call it again.
        """
        self._closed = True
        if self._busy and grace > 0:
            self._drained = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._drained], timeout=grace)
        for worker in self._idle:
            worker.jobs.put(None)
        for worker in self._idle:
            worker.thread.join()
        self._idle.clear()
        left = list(self._busy)
        for worker in left:
            worker.jobs.put(None)
        return len(left)

    def _deliver(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        worker: _Worker,
        value: Any,
        error: BaseException | None,
    ) -> None:
        """Runs in the worker's thread: hands the outcome to the event loop."""
        try:
            loop.call_soon_threadsafe(self._settle, future, worker, value, error)
        except RuntimeError:  # the loop is closed: nobody waits for this any more
            self._busy.discard(worker)

    def _settle(
        self, future: asyncio.Future[Any], worker: _Worker, value: Any, error: BaseException | None
    ) -> None:
        self._busy.discard(worker)
        self._idle.append(worker)
        if self._drained is not None and not self._busy and not self._drained.done():
            self._drained.set_result(None)
        if future.cancelled():
            return
        if isinstance(error, StopIteration):  # a future refuses it
            error = RuntimeError(f"the node raised StopIteration({error.value!r})")
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)


class _Worker:
    """A daemon thread and its queue of jobs; None ends it."""

    def __init__(self, name: str) -> None:
        self.jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[..., None]] | None] = (
            queue.SimpleQueue()
        )
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while (item := self.jobs.get()) is not None:
            job, deliver = item
            value, error = None, None
            try:
                value = job()
            except BaseException as raised:
                error = raised
            deliver(value, error)
            del item, job, deliver, value, error  # nothing is kept alive while idle
