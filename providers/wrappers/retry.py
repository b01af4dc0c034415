"""Try again what may succeed later: a model around a model, with tenacity's policies.

The first try costs next to nothing; tenacity is loaded when one fails.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from ..around import Around
from ..errors import ModelError
from ..protocol import Finished, Model, ModelRequest, ModelResponse, StreamEvent
from .tries import Tries, broken, opened

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState
    from tenacity.stop import stop_base


class Retrying(Around):
    """A model that is asked again when it fails in a way that may pass.

    A response holds all `attempts` and what they took together; so does the error that is raised in the end, the last
    one. A stream is begun again only while nothing of it was given out.

    Args:
        model: Who is asked.
        attempts: The most tries of one call, the first one counted.
        within: Seconds for the call and its waits: a wait that would pass them is not begun. What is under way is not
            cut short.
        kinds: Kinds of errors to try again after, by `ModelError.kind`; by default those that are `retryable`.
        wait: A wait of tenacity's, such as ``wait_fixed(1)``. By default 0.5 seconds, doubled each time up to 30, of
            which a random part of at most half is left out.
        stop: A further reason to stop, such as tenacity's ``stop_when_event_set(event)``.
        most_asked: The most seconds to wait because the provider asks for it. It is never waited less than `wait` says.
        seed: Makes the random parts of the waits the same each time.
        now: The time in seconds.
        sleep: Waits so many seconds.

    Raises:
        ValueError: `attempts` is not positive, or a number of seconds is negative.

    Example::

        model = Retrying(model, attempts=5, kinds={"overloaded", "rate limit"}, wait=wait_fixed(2))
    """

    def __init__(
        self,
        model: Model,
        *,
        attempts: int = 4,
        within: float = 120.0,
        kinds: Collection[str] | None = None,
        wait: Callable[[RetryCallState], float] | None = None,
        stop: stop_base | None = None,
        most_asked: float = 60.0,
        seed: int | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        if attempts < 1 or within < 0 or most_asked < 0:
            raise ValueError(
                "attempts= is 1 at least, within= and most_asked= are seconds from 0, "
                f"not {attempts!r}, {within!r} and {most_asked!r}"
            )
        super().__init__(model)
        self._attempts = attempts
        self._within = within
        self._kinds = None if kinds is None else frozenset(kinds)
        self._wait = wait
        self._stop = stop
        self._most_asked = most_asked
        self._chance = random.Random(seed)  # noqa: S311  # spreads waits, keeps no secret
        self._now = now
        self._sleep = sleep

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, trying again where that makes sense."""
        call = _Call(self)
        while True:
            call.begin()
            try:
                response = await self._model.respond(request)
            except ModelError as error:
                await call.again(error)
            else:
                return call.answered(response)

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece, trying again as long as there was no piece."""
        call = _Call(self)
        while True:
            call.begin()
            given = False
            try:
                async with opened(self._model, request) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            yield Finished(response=call.answered(event.response))
                            return
                        given = True
                        yield event
                raise broken(self._model)
            except ModelError as error:
                await call.again(error, last=given)

    def _goes_on(self, state: RetryCallState) -> bool:
        error = _error_of(state)
        return error.retryable if self._kinds is None else error.kind in self._kinds

    def _policy(self) -> AsyncRetrying:
        from tenacity import AsyncRetrying, stop_after_attempt, stop_any, stop_before_delay, wait_exponential

        stops: list[stop_base] = [stop_after_attempt(self._attempts), stop_before_delay(self._within)]
        if self._stop is not None:
            stops.append(self._stop)
        doubled = wait_exponential(multiplier=0.5, max=30)

        def wait(state: RetryCallState) -> float:
            asked = _error_of(state).retry_after
            if self._wait is not None:
                planned = float(self._wait(state))
            else:
                planned = doubled(state) * self._chance.uniform(0.5, 1.0)
            return planned if asked is None else max(planned, min(asked, self._most_asked))

        return AsyncRetrying(
            retry=self._goes_on,
            wait=wait,
            stop=stop_any(*stops),
            reraise=True,
        )


class _Call:
    """One call on its way: its tries, and tenacity's state once one has failed."""

    __slots__ = ("_asker", "_began", "_first", "_policy", "_state", "_tries", "_waited")

    def __init__(self, asker: Retrying) -> None:
        self._asker = asker
        self._tries = Tries()
        self._first = self._began = asker._now()
        self._waited = 0.0
        self._policy: AsyncRetrying | None = None
        self._state: RetryCallState | None = None

    def begin(self) -> None:
        """A try begins."""
        self._began = self._asker._now()

    def answered(self, response: ModelResponse) -> ModelResponse:
        """The try succeeded."""
        seconds = self._asker._now() - self._began
        return self._tries.answered(self._asker.name, response, seconds, self._waited)

    async def again(self, error: ModelError, *, last: bool = False) -> None:
        """The try failed: wait for the next one, or raise the error when there is none."""
        ended = self._asker._now()
        took, watch = ended - self._began, self._asker._watch
        await self._tries.failed(self._asker.name, error, took, self._waited, watch=watch)
        if last:
            self._tries.give_up(error)
        self._waited = await self._next_wait(error, ended)
        await self._asker._sleep(self._waited)

    async def _next_wait(self, error: ModelError, ended: float) -> float:
        from tenacity import RetryCallState

        if self._policy is None or self._state is None:
            self._policy = self._asker._policy()
            self._policy.begin()
            self._state = RetryCallState(self._policy, fn=None, args=(), kwargs={})
            self._state.start_time = self._first
        state = self._state
        state.set_exception((type(error), error, error.__traceback__))
        state.outcome_timestamp = ended
        try:
            wait = float(await self._policy.iter(state))  # type: ignore[arg-type]  # a failure gives no `DoAttempt`
        except ModelError:
            state.outcome = (
                None  # an error that holds what holds it would live on until the garbage is collected
            )
            self._tries.give_up(error)
        state.prepare_for_next_attempt()
        return wait


def _error_of(state: RetryCallState) -> ModelError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ModelError), "only these are handed over"
    return error
