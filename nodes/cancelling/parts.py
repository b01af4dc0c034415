"""Parts of a node that may be cancelled: what `cancellable` runs, and how it comes to its end.

Two things run side by side, as the parts of a `Context.first`: the work, and its ending, which waits for somebody to cancel.
So it is a recorded choice whether the work was done or was cancelled, and a body that runs again takes the same way. In the
ending each step is recorded before the next one: that it was asked for and why, then what had been kept. A process that dies
in between goes on with ending it; the work, which then runs again from its records, is let go as far as it had come first.

A checkpoint is a recorded step, so that work which runs again passes those that it had passed and stops at the next one.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, JsonValue

from backedge.engine.context import Context
from backedge.engine.errors import InputError

from .policy import AT_ONCE, NEVER, Cancel, Guard, Policy, Told, policy
from .result import Outcome
from .token import CancelToken

T = TypeVar("T")

CANCELLED: Final = "cancelled"
"""How the record is called that says what a part was cancelled with."""

ENDING: Final = "ending"
"""The branch in which a part is ended: the first part of the `Context.first` that it is."""

CHECKPOINT: Final = "checkpoint"
"""How the records of checkpoints are called that were passed."""

PARTIAL: Final = "partial result"
"""How the record is called that holds what it had kept."""

TURNS: Final = 100
"""Turns of the event loop in which work comes to where it was when it was let go of: it does not wait on its way there."""


class Asked(BaseModel):
    """The record of a cancellation.

    Attributes:
        part: Whose.
        cancel: What was asked for.
        after: How many checkpoints the work had passed and guards it had entered: so far it is let go when it runs again.
    """

    part: str
    cancel: Cancel
    after: int


async def cancellable(
    ctx: Context,
    work: Callable[[Part], Awaitable[T]],
    token: CancelToken | None = None,
    *,
    name: str = "part",
    signal: str = "",
    guard: Guard = "at once",
    keeps: Any = JsonValue,
) -> Outcome[T]:
    """Run work that may be cancelled, inside a node.

    Whether it was cancelled is recorded, with the reason and what it had kept: when the body runs again it is not begun anew.
    A cancellation of the whole run, or of the node, goes through it as through all else.

    Args:
        ctx: The node's context.
        work: Given the `Part`, does it. It may take steps, ask agents, wait.
        token: What cancels it, from this process.
        name: What it is called in records and errors; an identifier.
        signal: A signal that cancels it too, from any process; its value is a reason, or see `Told`.
        guard: What all of it lets through, as a guard around it would: ``"graceful"`` for work that is stopped at
            checkpoints only, ``"never"`` for work that is not stopped at all.
        keeps: The type of what it keeps; by default whatever JSON can carry as it is.

    Returns:
        What it returned, or that it was cancelled and what it had kept.

    Raises:
        InputError: Nothing could cancel it, the token is none, or the work is no async function.
        Exception: Whatever the work raises.

    Example::

        async def search(part: Part) -> list[str]:
            found: list[str] = []
            for source in sources:
                await part.checkpoint()                       # a good place to stop
                found += await ctx.step("look", look, source)
                part.keep(found)
            return found

        outcome = await cancellable(ctx, search, token, name="search", signal="stop", keeps=list[str])
        found = outcome.partial if outcome.cancelled else outcome.value
    """
    if token is None and not signal:
        raise InputError(f"{ctx.activation}: say what may cancel {name!r}: a token, or a signal=")
    if token is not None and not isinstance(token, CancelToken):
        raise InputError(f"{ctx.activation}: token= of {name!r} is a CancelToken, not {token!r}")
    own = policy(guard)
    child = CancelToken(name) if token is None else token.child(name)
    child.shelter(own)
    try:
        with ctx.branch(name):
            return await Part(ctx, child, name, signal, keeps, alone=token is None).run(work)
    finally:
        child.close()


class Part:
    """Work that may be cancelled, as it sees itself; `cancellable` makes it.

    Attributes:
        token: Its own token: parts inside of it take it as theirs.
    """

    def __init__(
        self, ctx: Context, token: CancelToken, name: str, signal: str, keeps: Any, *, alone: bool
    ) -> None:
        """Prepare it; `alone` says that nobody else has a token that would cancel it."""
        self.token = token
        self._alone = alone
        self._ctx = ctx
        self._name = name
        self._signal = signal
        self._keeps = keeps
        self._partial: Any = None
        # Whether somebody waits for it to be cancelled. What runs the work, from when it began; and whether that was told to stop.
        self._watched = False
        self._task: asyncio.Task[Any] | None = None
        self._cut = False
        self._begun = False  # whether the work has begun to run here
        # What it is cancelled with, once that is on record.
        self._recorded: Asked | None = None
        # How many lines of the work stop at checkpoints, how many stand at one, and how many were passed.
        self._lines = 0
        self._standing = 0
        self._passed = 0
        self._looked = asyncio.Event()
        self._stopped = asyncio.Event()

    # ------------------------------------------------------------------ what work does

    @property
    def asked(self) -> Cancel | None:
        """What it was asked to stop with, if it was: work may come to an end by itself."""
        return self.token.request

    def keep(self, partial: Any) -> None:
        """Keep a partial result: the last one is what is left of it when it is cancelled."""
        self._partial = partial

    async def checkpoint(self) -> None:
        """A good place to stop: when it was cancelled, it goes no further than here."""
        await self._ctx.step(CHECKPOINT, self._pass, self._ctx.attempt, returns=bool)
        self._passed += 1
        self.token.changed()

    def guard(self, how: Guard, *, deadline: float | None = None) -> AbstractAsyncContextManager[None]:
        """See `CancelToken.guard`."""
        return self.token.guard(how, deadline=deadline)

    @contextmanager
    def line(self) -> Iterator[None]:
        """What runs in the ``with`` block comes to checkpoints: only when all such lines stand at one is the work ended.

        Work that does several things at once has each of them in one; `Agent.run` is one by itself.
        """
        self._lines += 1
        try:
            yield
        finally:
            self._lines -= 1
            self.token.changed()

    async def _pass(self, attempt: int) -> bool:
        if self.token.cancelled and not self.token.held.never:
            self._standing += 1
            self.token.changed()
            try:
                await _for_ever()
            finally:
                self._standing -= 1
        return True

    # ------------------------------------------------------------------ how it runs

    async def run(self, work: Callable[[Part], Awaitable[T]]) -> Outcome[T]:
        """Run it, see `cancellable`."""
        try:
            which, came = await self._ctx.first(self._end(), self._work(work))
        finally:
            self.token.due = None
        if which == 1:
            return Outcome(name=self._name, value=came)
        cancel, kept = came
        return Outcome(name=self._name, cancel=cancel, partial=kept)

    async def _work(self, work: Callable[[Part], Awaitable[T]]) -> T:
        task = self._task = asyncio.current_task()
        assert task is not None
        try:
            if self._watched:  # else the record says that it was done
                await self._looked.wait()
            self._begun = True
            begun: object = work(self)
            if not inspect.isawaitable(begun):
                told = f"the work of {self._name!r} is an async function of its part; it gave {begun!r}"
                raise InputError(f"{self._ctx.activation}: {told}")
            value: T = await begun
        except asyncio.CancelledError:
            if not self._cut or task.uncancel() > 0:
                raise
        else:
            if not self._cut:
                return value
            if task.uncancel() > 0:  # it caught what told it to stop
                raise asyncio.CancelledError
        self._stopped.set()
        return await _for_ever()

    async def _end(self) -> tuple[Cancel, Any]:
        """Wait until it is cancelled, and see it to its end."""
        self._watched = True
        self.token.due = self._is_due
        await asyncio.sleep(0)  # the work has its task by then, unless the record says how this ended
        with self._ctx.branch(ENDING):
            asked = self._recorded = await self._request()
            if self._task is not None:  # else the record says that it was cancelled
                await self._wait_for_place(asked)
                await self._come_back()
                self._cut = True
                self._task.cancel()
                await self._stopped.wait()
            with self._ctx.branch("kept"):
                kept = await self._ctx.step(
                    PARTIAL, self._kept, self._ctx.attempt, returns=self._keeps | None
                )
        return asked.cancel, kept

    async def _request(self) -> Asked:
        """What it is cancelled with: recorded, and before anything follows from it."""
        if self._alone:  # nobody has its token; what was recorded is there before the work may begin
            asyncio.get_running_loop().call_soon(self._looked.set)
            asked = await self._sent()
        else:
            live = False

            async def letter() -> Asked:
                nonlocal live
                live = True
                return await (self._sent() if self._signal else _for_ever())

            async def told() -> Asked:
                if live:  # else the record says that the token was cancelled, and with what
                    if not self.token.cancelled:
                        self._looked.set()  # the work may begin
                    await self.token.wait()
                return await self._noted(self.token.request)

            _, asked = await self._ctx.first(letter(), told())
        self.token.apply(asked.cancel)
        self._looked.set()
        return asked

    async def _sent(self) -> Asked:
        cancel: Cancel = await self._ctx.receive(self._signal, schema=Told)
        self.token.apply(cancel)  # it is on record: the work goes no further from here
        return await self._noted(cancel)

    async def _noted(self, cancel: Cancel | None) -> Asked:
        async def note(attempt: int) -> Asked:
            assert cancel is not None  # only what is recorded is asked for without one
            return Asked(part=self._name, cancel=cancel, after=self._progress)

        asked: Asked = await self._ctx.step(CANCELLED, note, self._ctx.attempt, returns=Asked)
        return asked

    async def _kept(self, attempt: int) -> Any:
        return self._partial

    # ------------------------------------------------------------------ when it is stopped

    @property
    def _progress(self) -> int:
        return self._passed + self.token.entered

    def _is_due(self) -> bool:
        """Whether nothing holds back any more that it is cut off."""
        request, known = self.token.request, self._recorded
        caught_up = known is None or self._progress >= known.after
        return request is not None and request.how == "at once" and caught_up and self.token.held == AT_ONCE

    def _stands(self) -> bool:
        return self._standing >= max(1, self._lines)

    async def _wait_for_place(self, asked: Asked) -> None:
        """Wait until the work may be cut off."""
        past = max(0.0, (datetime.now(UTC) - asked.cancel.at).total_seconds())
        since = asyncio.get_running_loop().time() - past
        seconds = asked.cancel.policy.seconds
        graceful = self._until(lambda: self.token.request.policy if self.token.request else AT_ONCE, since)
        if 0 < seconds < math.inf:  # a timer of the node's: it may be suspended meanwhile
            await self._ctx.first(graceful, self._ctx.sleep(seconds))
        else:
            await graceful
        await self._until(
            lambda: AT_ONCE if self._stands() or self._progress >= asked.after else NEVER, since
        )
        await self._until(lambda: self.token.held, since)

    async def _come_back(self) -> None:
        """Let work that has not begun yet run again from its records to where it was, so that what it kept is there."""
        if not self._begun and self._signal:
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def _until(self, held: Callable[[], Policy], since: float) -> None:
        """Wait until a policy lets the work be cut off: where it stands at a checkpoint, or has had its time.

        The policy may change meanwhile.
        """
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        forget = self.token.watch(changed.set)
        try:
            while True:
                now = held()
                left = now.seconds - (loop.time() - since)
                if not now.never and (left <= 0 or self._stands()):
                    return
                changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if now.never or left == math.inf else left):
                        await changed.wait()
        finally:
            forget()


async def _for_ever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody ends this but by cancelling it")
