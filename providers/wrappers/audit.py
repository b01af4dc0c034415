"""Tell somebody of every call: a model around a model, with a hook."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from ..around import Around
from ..calls import Call, CallEvent, Hook, Texts
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from ..redaction import MASK, Redact, redact_keys
from .through import respond_through, stream_through

_log: Final = logging.getLogger(__name__)


class Audited(Around):
    """A model each call of which is told to a hook: its start, the pieces of a stream, its tries, and its end.

    What the hook raises does not touch the call. The first time it is logged as an error, with its traceback, under
    ``backedge.providers.wrappers.audit``; then it is only counted.

    Args:
        model: Who is asked.
        hook: Told each event at once, on the event loop: it should return quickly.
        redact: Applied to every text before the hook sees it; by default what looks like a secret is masked. A text that
            it fails on is masked as a whole.
        texts: Whether contents are told at all: of the conversation, the answer, and messages of errors.
        now: The time in seconds since the epoch.
        clock: Seconds, for durations.

    Attributes:
        missed: How often the hook or `redact` raised.

    Example::

        events: list[CallEvent] = []
        model = Audited(model, events.append, texts=False)
    """

    def __init__(
        self,
        model: Model,
        hook: Hook,
        *,
        redact: Redact = redact_keys,
        texts: bool = True,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(model)
        self._guard = _Guard(hook, redact)
        self._texts: Texts = "all" if texts else "none"
        self._now = now
        self._clock = clock

    @property
    def missed(self) -> int:
        """How often the hook or `redact` raised."""
        return self._guard.missed

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, and tell of it."""
        return await respond_through(self._model, request, self._begin)

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece, and tell of it. A stream that is left counts as cancelled."""
        begin = partial(self._begin, streamed=True)
        return stream_through(self._model, request, begin, came=Call.came)

    def _begin(self, request: ModelRequest, *, streamed: bool = False) -> Call:
        guard = self._guard
        call = Call(
            self._name,
            guard.hook,
            redact=guard.redact,
            texts=self._texts,
            labels=self._labels,
            now=self._now,
            clock=self._clock,
        )
        call.started(request, streamed=streamed)
        return call


class _Guard:
    """Keeps what a hook and its redaction raise away from the call."""

    __slots__ = ("_hook", "_redact", "missed")

    def __init__(self, hook: Hook, redact: Redact) -> None:
        self._hook = hook
        self._redact = redact
        self.missed = 0

    def hook(self, event: CallEvent) -> None:
        try:
            self._hook(event)
        except Exception as error:
            self._miss("the hook", error)

    def redact(self, text: str) -> str:
        try:
            return self._redact(text)
        except Exception as error:
            self._miss("redact=", error)
            return MASK

    def _miss(self, what: str, error: Exception) -> None:
        self.missed += 1
        if self.missed == 1:
            _log.error(
                "%s of an audit raised; its calls go on, and further errors are only counted",
                what,
                exc_info=error,
            )
