"""Ask the next model when one cannot answer: a model around several models."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence

from ..around import Among
from ..errors import ModelError
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .ordered import OURS, respond_in_order, stream_in_order


class Fallback(Among):
    """The first of several models that answers.

    The response says `by` whom it is, and holds the failed tries before it. A stream goes to the next model only while
    nothing of it was given out.

    Args:
        models: Who is asked, in this order.
        kinds: Go on to the next model after these kinds of errors only, by `ModelError.kind`; by default after all.
        but: Never go on after these. By default those that the request itself is to blame for. With ``{"bad request"}``
            a conversation that is too long goes on to the next model, which may read more.
        name: What to call it; by default as the first model is called.
        now: The time in seconds.

    Raises:
        ValueError: There is no model.

    Example::

        model = Fallback([large, small], kinds={"overloaded", "rate limit", "circuit open"})
        (await model.respond(request)).by
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        kinds: Collection[str] | None = None,
        but: Collection[str] = OURS,
        name: str = "",
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not models:
            raise ValueError("a fallback wants one model at least")
        super().__init__(models, name=name or models[0].name)
        self._kinds = None if kinds is None else frozenset(kinds)
        self._but = frozenset(but)
        self._now = now

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The first answer.

        Raises:
            AllFailedError: There is none. A single model's error, and one that is not gone on after, comes as it is.
        """
        return await respond_in_order(
            self._models,
            request,
            goes_on=self._goes_on,
            now=self._now,
            note=_unnoted,
            watch=self._watch,
        )

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """The first answer, piece by piece.

        Raises:
            AllFailedError: There is none; see `respond`.
        """
        return stream_in_order(
            self._models,
            request,
            goes_on=self._goes_on,
            now=self._now,
            note=_unnoted,
            watch=self._watch,
        )

    def _goes_on(self, error: ModelError) -> bool:
        if error.kind in self._but:
            return False
        return self._kinds is None or error.kind in self._kinds


def _unnoted(model: Model, seconds: float, error: ModelError | None) -> None:
    """Nobody wants to know."""
