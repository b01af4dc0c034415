"""Keeps a run in touch with what comes from outside: letters and the clock, as long as the run is alive.

The journal says when letters may have come (`RunLog.watch`); until then nothing is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

from ..effects.recall import DEEDS
from ..facts import StartNode
from ..records import Awaited, EffectKind, EffectOpened, Letter, LetterKind, RunStatus
from .desk import Desk

Inbox: TypeAlias = Callable[[], Awaitable[Sequence[Letter]]]

_SLICE: Final = 60.0  # seconds at most until timers are looked at again: the machine may have slept


class Run(Protocol):
    """The run that is kept in touch."""

    def wake(self, order: StartNode) -> None:
        """What this activation waits for is there."""

    def cancelled(self, letter: Letter) -> None:
        """Somebody cancels the run."""

    def broken(self, error: BaseException) -> None:
        """The journal could not be read."""

    def rest(self) -> None:
        """Perhaps there is nothing more to wait for."""


class Reception:
    """Looks for letters while a run is alive, and for timers that are due.

    Attributes:
        desk: What the run's activations have done and wait for.
    """

    __slots__ = ("_again", "_alarm", "_inbox", "_looked", "_loop", "_patience", "_run", "_task", "desk")

    def __init__(self, desk: Desk, run: Run, inbox: Inbox | None, patience: float) -> None:
        """Begin.

        Args:
            desk: Where letters go.
            run: Who is told.
            inbox: Reads the letters that the journal holds; None without one.
            patience: Seconds that the run stays for a timer with nothing else to do.
        """
        self.desk = desk
        self._run = run
        self._inbox = inbox
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        # Whether the inbox was read since the last activation was let go of.
        self._looked = False
        # Whether more may have come while it was read.
        self._again = False

    @property
    def status(self) -> RunStatus:
        """The status of a run that has nothing to do but wait."""
        doubt = any(question.kind in DEEDS for question in self.desk.questions())
        return RunStatus.IN_DOUBT if doubt else RunStatus.SUSPENDED

    @property
    def awaited(self) -> Awaited:
        """What would let a run go on that has nothing to do but wait."""
        letters = set()
        for question in self.desk.questions():
            if question.kind is EffectKind.SIGNAL:
                letters |= {(LetterKind.SIGNAL, question.text), (LetterKind.SIGNAL, question.id)}
            elif question.kind is not EffectKind.TIMER:
                letters |= {(LetterKind.ANSWER, question.id), (LetterKind.ANSWER, question.activation)}
        due = min((it.due for it in self.desk.questions() if it.due is not None), default=None)
        return Awaited(due, frozenset(letters))

    def let_go(self) -> None:
        """An activation waits: what it waits for may have come already."""
        self._looked = False

    def holds(self) -> bool:
        """Whether the run is to stay, although nothing of it runs: `Run.rest` is called when that is over."""
        if self._task is not None:
            return True
        if not self._looked and self._inbox is not None:
            self.look()
            return True
        remaining = self.desk.remaining()
        if remaining is None or remaining > self._patience:
            return False
        self.arm()
        return True

    def expects(self, opened: EffectOpened) -> None:
        """An effect waits. Only a timer that is due before all others moves the alarm: the others are not looked at."""
        seconds = self.desk.rings_in(opened)
        if seconds is None:
            return
        seconds = min(max(seconds, 0), _SLICE)
        if self._alarm is not None:
            if self._alarm.when() <= self._loop.time() + seconds:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_later(seconds, self._ring)

    def arm(self) -> None:
        """Look at the clock when the next timer is due."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        remaining = self.desk.remaining()
        if remaining is not None:
            self._alarm = self._loop.call_later(min(max(remaining, 0), _SLICE), self._ring)

    def close(self) -> None:
        """The run is over."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._task is not None:
            self._task.cancel()

    def deliver(self, letters: Sequence[Letter]) -> None:
        """Letters have come."""
        for letter in letters:
            if letter.kind is LetterKind.CANCEL:
                self._run.cancelled(letter)
                return
        for order in self.desk.deliver(letters):
            self._run.wake(order)

    def _ring(self) -> None:
        self._alarm = None
        self.deliver(())
        self.arm()
        self._run.rest()

    def look(self) -> None:
        """Letters may have come."""
        if self._task is not None:
            self._again = True
        elif self._inbox is not None:
            self._task = self._loop.create_task(self._read(self._inbox))

    async def _read(self, inbox: Inbox) -> None:
        try:
            letters = await inbox()
            self._looked = True
            self._task = None
            if self._again:
                self._again = False
                self.look()
            self.deliver(letters)
        except Exception as error:
            self._task = None
            self._run.broken(error)
        self._run.rest()
