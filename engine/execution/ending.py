"""How a run comes to its end: why nothing new starts, when it has come to rest, and who waits for that.

A run ends by itself: whoever waits for it may go away, and closing it is nobody's task that could be cancelled for
good. So an ending is always complete, whatever is cancelled on the way, and however often.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any, TypeAlias

from ..errors import BackedgeError
from ..records import RunStatus

_log = logging.getLogger("backedge")

Close: TypeAlias = Callable[[bool], Coroutine[Any, Any, None]]
"""Lets go of everything; told whether an earlier call was cancelled, so that it has to hurry."""


class Stop(Enum):
    """Why nothing new is started any more."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"  # the journal failed, or this driver did: nothing more can be said of the run


_STATUS = {
    Stop.FAILED: RunStatus.FAILED,
    Stop.CANCELLED: RunStatus.CANCELLED,
    Stop.INTERRUPTED: RunStatus.INTERRUPTED,
    Stop.BROKEN: RunStatus.INTERRUPTED,
}


class Ending:
    """The end of one run, from the first reason to stop until nothing is left of it.

    Attributes:
        stop: Why nothing new is started; None while things go well.
        error: What whoever waits is to be told instead of a status, or None.
        rested: Nothing runs and nothing will; what comes in later is ignored.
        over: All is let go of, and who waited was told.
    """

    __slots__ = ("_closing", "_loop", "_timers", "_waiters", "_waits", "error", "over", "rested", "stop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: tuple[asyncio.Future[None], ...] = ()
        self._timers: tuple[asyncio.TimerHandle, ...] = ()
        self._closing: asyncio.Task[None] | None = None
        self.stop: Stop | None = None
        # SUSPENDED or IN_DOUBT, once the run rests without being done.
        self._waits: RunStatus | None = None
        self.error: BaseException | None = None
        self.rested = False
        self.over = False

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        if self.stop is not None:
            return _STATUS[self.stop]
        if self._waits is not None:
            return self._waits
        return RunStatus.COMPLETED if self.rested else RunStatus.RUNNING

    def waits(self, status: RunStatus) -> None:
        """Nothing more can be done until something comes from outside."""
        self._waits = status

    def halt(self, reason: Stop) -> None:
        """Let nothing new start. Only CANCELLED and BROKEN replace an earlier reason; nothing does after the rest."""
        if reason is Stop.BROKEN or (
            not self.rested
            and (self.stop is None or (reason is Stop.CANCELLED and self.stop is not Stop.BROKEN))
        ):
            self.stop = reason

    def broken(self, error: BaseException) -> None:
        """The first such error is what whoever waits is told.

        A program that is being ended (Ctrl-C, `sys.exit`) breaks nothing: the run is interrupted.
        """
        if self.error is None:
            self.error = error
            if isinstance(error, asyncio.CancelledError):  # whoever waits would take it for his own
                self.error = BackedgeError("something the run called cancelled itself")
                self.error.__cause__ = error
        self.halt(Stop.INTERRUPTED if isinstance(error, KeyboardInterrupt | SystemExit) else Stop.BROKEN)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after so many seconds, unless the run is over by then."""
        if not self.over:
            self._timers = (*self._timers, self._loop.call_later(seconds, callback))

    def until_over(self) -> asyncio.Future[None]:
        """Done when all is over; one of its own for each who waits. Cancelling it changes nothing for the run."""
        waiter = self._loop.create_future()
        if self.over:
            waiter.set_result(None)
        else:
            self._waiters = (*[each for each in self._waiters if not each.done()], waiter)
        return waiter

    def outcome(self) -> RunStatus:
        """Where the run stood when all was over. Raises what broke it."""
        if self.error is not None:
            raise self.error
        return self.status

    async def wait_on(self) -> None:
        """Wait until all is over, even when cancelled meanwhile; for who passes a cancellation on afterwards.

        What broke the run is logged and not raised, unless the program is being ended.
        """
        while not self.over:
            with suppress(asyncio.CancelledError):
                await self.until_over()
        if isinstance(self.error, KeyboardInterrupt | SystemExit):
            raise self.error
        if self.error is not None:
            _log.error("a run broke while it was interrupted: %s", self.error)

    def rest(self, close: Close | None, last: Callable[[], None]) -> None:
        """The run has come to rest: close it, then call `last`, then tell who waits."""
        self.rested = True
        if close is None:
            self._finish(last)
        else:
            self._close(close, last, hurry=False)

    def _close(self, close: Close, last: Callable[[], None], *, hurry: bool) -> None:
        self._closing = self._loop.create_task(close(hurry))
        self._closing.add_done_callback(partial(self._closed, close, last))

    def _closed(self, close: Close, last: Callable[[], None], task: asyncio.Task[None]) -> None:
        if (
            task.cancelled()
        ):  # whoever ends a loop cancels all of its tasks; this one must be done all the same
            self._close(close, last, hurry=True)
            return
        error = task.exception()
        if error is not None:
            self.broken(error)
        self._closing = None
        self._finish(last)

    def _finish(self, last: Callable[[], None]) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = ()
        last()
        self.over = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = ()
