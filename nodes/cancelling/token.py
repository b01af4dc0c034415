"""Tokens: by which one cancels, and what runs learns that it is cancelled. They form trees.

A token belongs to its process and is not stored; what it led to is, by whoever runs something under it (see `parts`).
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final, Literal, TypeAlias

from .policy import AT_ONCE, Cancel, Guard, Policy, policy, strictest

Callback: TypeAlias = Callable[[Cancel], object]
"""Told of a cancellation. It should be short, and raise nothing."""

_AROUND: Final[ContextVar[tuple[tuple[CancelToken, Policy], ...]]] = ContextVar(
    "backedge_cancelling_around", default=()
)
"""The guards around what runs now, and whose they are, the outermost first."""


class CancelToken:
    """Cancels what runs under it, and under its children; children do not cancel their parent.

    A token is cancelled once, and stays so. What is cancelled and is to begin again is given another one.

    All of it is for the thread of the event loop; from another say ``loop.call_soon_threadsafe(token.cancel, "why")``.

    Attributes:
        name: What to call it.
        due: For what runs under it: whether it is about to be cut off.

    Args:
        name: What to call it.

    Example:
        >>> whole = CancelToken("whole")
        >>> web, files = whole.child("web"), whole.child("files")
        >>> web.cancel("nothing there"), web.cancel("again")
        (True, False)
        >>> whole.cancel("enough", how="graceful", deadline=5)
        True
        >>> web.reason, files.reason
        ('nothing there', 'enough')
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_children",
        "_entered",
        "_guards",
        "_parent",
        "_request",
        "_shelter",
        "_watchers",
        "due",
        "name",
    )

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._parent: CancelToken | None = None
        self._request: Cancel | None = None
        # In the order in which they were made; those that were closed are gone.
        self._children: dict[int, CancelToken] = {}
        self._callbacks: dict[object, Callback] = {}
        # The guards that what runs under this one, or under those beneath it, is in.
        self._guards: Counter[Policy] = Counter()
        # The strictest of those that it as a whole is in.
        self._shelter = AT_ONCE
        self._entered = 0
        # Whether what runs under it is about to be cut off; None where nobody would do that.
        self.due: Callable[[], bool] | None = None
        # Told whenever the request or the guards change.
        self._watchers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        state = "" if self._request is None else f" cancelled: {self._request.reason!r}"
        return f"<token {self.name!r}{state}>"

    # ------------------------------------------------------------------ cancelling

    def cancel(
        self,
        reason: str = "",
        *,
        how: Literal["at once", "graceful"] = "at once",
        deadline: float | None = None,
    ) -> bool:
        """Ask all that runs under it to stop.

        A second time the first reason stays; all that a later request can do is to make it more urgent.

        Args:
            reason: Why.
            how: ``"at once"`` in the middle of whatever it awaits, or ``"graceful"``: at its next checkpoint.
            deadline: Seconds after which a graceful one is one at once.

        Returns:
            Whether it was the first time.

        Raises:
            ValueError: There is no such policy, or the reason is no text.
            ExceptionGroup: Callbacks failed. All others were called, and all is cancelled.
        """
        if not isinstance(reason, str):
            raise ValueError(f"reason= is a text, not {reason!r}")
        wanted: Policy = policy(how, deadline)  # tells in one line what is wrong
        if wanted.never:
            raise ValueError('how= is "at once" or "graceful"; "never" is for guards')
        if deadline is not None and math.isinf(deadline):
            raise ValueError('deadline= is a number of seconds; for none say how="graceful" alone')
        return self.apply(Cancel(reason=reason, how=how, deadline=deadline))

    def apply(self, request: Cancel) -> bool:
        """As `cancel`, with a request that was made elsewhere."""
        errors: list[Exception] = []
        first = self._apply(request, errors)
        if errors:
            raise ExceptionGroup(f"callbacks of {self!r} failed", errors)
        return first

    def _apply(self, request: Cancel, errors: list[Exception]) -> bool:
        first = self._request is None
        waiting = [self]
        while waiting:  # its own callbacks, then those of its first child and of all beneath that, and so on
            token = waiting.pop()
            waiting += reversed(token._children.values())
            callbacks = token._callbacks if token._request is None else {}
            token._callbacks = {}
            token._request = request if token._request is None else token._request.hastened(request)
            for callback in callbacks.values():
                try:
                    callback(token._request)
                except Exception as error:
                    errors.append(error)
            token.changed()
        return first

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._request is not None

    @property
    def request(self) -> Cancel | None:
        """What was asked for."""
        return self._request

    @property
    def reason(self) -> str:
        """Why; empty as long as nobody asked."""
        return "" if self._request is None else self._request.reason

    # ------------------------------------------------------------------ trees

    def child(self, name: str = "") -> CancelToken:
        """A token that is cancelled with this one, or alone; at once, if this one is cancelled already.

        A token that lives long should not gather children for ever: `close` those that are done with.
        """
        made = CancelToken(name or self.name)
        made._parent = self
        made._request = self._request
        self._children[id(made)] = made
        return made

    def close(self) -> None:
        """Part from its parent, which cancels it no more."""
        parent, self._parent = self._parent, None
        if parent is not None:
            parent._children.pop(id(self), None)
            for held in self._guards.elements():
                parent._leave(held)

    # ------------------------------------------------------------------ being told

    def on_cancel(self, callback: Callback) -> Callable[[], None]:
        """Call back once, when it is cancelled; here and now, if it is.

        Returns:
            What takes the callback back.
        """
        if self._request is not None:
            callback(self._request)
            return lambda: None
        key = object()
        self._callbacks[key] = callback

        def forget() -> None:
            self._callbacks.pop(key, None)

        return forget

    async def wait(self) -> Cancel:
        """Wait until it is cancelled."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[Cancel] = loop.create_future()

        def came(request: Cancel) -> None:
            if not coming.done():
                coming.set_result(request)

        forget = self.on_cancel(came)
        try:
            return await coming
        finally:
            forget()

    # ------------------------------------------------------------------ guards

    @asynccontextmanager
    async def guard(self, how: Guard, *, deadline: float | None = None) -> AsyncIterator[None]:
        """What runs in the ``async with`` block lets through only so much of a cancellation.

        It protects from cancellations of this token and of those around it. Of guards in each other, and of what was asked
        for, the strictest counts, which is the one that waits longest. What had to wait for the block arrives at its end.

        Args:
            how: ``"never"`` for what must not be torn apart; ``"graceful"`` to be stopped at a checkpoint at the earliest.
            deadline: Seconds, from the cancellation on, after which a graceful one is one at once.

        Raises:
            ValueError: There is no such policy.
        """
        held = policy(how, deadline)
        self._enter(held)
        around = _AROUND.set((*_AROUND.get(), (self, held)))
        try:
            yield
        finally:
            _AROUND.reset(around)
            self._leave(held)
        if self._about_to_be_cut():
            await asyncio.get_running_loop().create_future()  # it is cut off here

    @property
    def held(self) -> Policy:
        """The strictest guard that anything under it is in, or that is around it."""
        return strictest([self._shelter, *self._guards])

    @property
    def entered(self) -> int:
        """How many guards were entered under it so far."""
        return self._entered

    def shelter(self, own: Policy) -> None:
        """All that runs under it runs where this is called: in the guards around that hold its parents, and in its own."""
        above: list[CancelToken] = []
        token = self._parent
        while token is not None:
            above.append(token)
            token = token._parent
        self._shelter = strictest([own, *(held for token, held in _AROUND.get() if token in above)])

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever it is cancelled or a guard is entered or left; gives what takes the callback back."""
        self._watchers.append(callback)

        def forget() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return forget

    def _about_to_be_cut(self) -> bool:
        token: CancelToken | None = self
        while token is not None:
            if token.due is not None and token.due():
                return True
            token = token._parent
        return False

    def _enter(self, held: Policy) -> None:
        token: CancelToken | None = self
        while token is not None:
            token._guards[held] += 1
            token._entered += 1
            token.changed()
            token = token._parent

    def _leave(self, held: Policy) -> None:
        token: CancelToken | None = self
        while token is not None:
            token._guards -= Counter([held])
            token.changed()
            token = token._parent

    def changed(self) -> None:
        """Tell those who watch it."""
        for watcher in list(self._watchers):
            watcher()
