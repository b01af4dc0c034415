"""What was tried for one call: an account that is kept by whoever asks more than once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final, NoReturn, cast

from ..errors import Attempt, ModelError, StreamBrokenError
from ..messages import Usage
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from ..watching import Watch

_NOTHING: Final = Usage()


class Tries:
    """The failed tries of one call so far, and what they took.

    A model that has tried several times itself tells so in its error or response: its tries are counted, not it.
    """

    __slots__ = ("attempts", "usage")

    def __init__(self) -> None:
        self.attempts: tuple[Attempt, ...] = ()
        self.usage = _NOTHING

    async def failed(
        self,
        name: str,
        error: ModelError,
        seconds: float,
        waited: float = 0.0,
        *,
        watch: Watch | None = None,
    ) -> None:
        """Count a try that failed, and tell of it.

        Args:
            name: Who was asked.
            error: How it failed.
            seconds: How long it took.
            waited: Seconds that were waited before it.
            watch: Told of it, unless it consists of several tries, which were told one by one.
        """
        one = Attempt(model=name, error=error.kind, seconds=seconds, waited=waited)
        self.attempts += _after(waited, error.attempts) if error.attempts else (one,)
        self.usage += error.usage
        if watch is not None and not error.attempts:
            await watch(one, error, self)

    def answered(
        self, name: str, response: ModelResponse, seconds: float, waited: float = 0.0
    ) -> ModelResponse:
        """The response with all tries and what they took together; as it is when there was no other try.

        Its cost was that of the last try alone: it is unknown when others took something too.
        """
        if not self.attempts:
            return response
        one = Attempt(model=name, seconds=seconds)
        attempts = self.attempts + _after(waited, response.attempts or (one,))
        told: dict[str, object] = {"attempts": attempts}
        if self.usage != _NOTHING:
            told |= {"usage": self.usage + response.usage, "cost": None}
        return response.model_copy(update=told)

    def give_up(self, error: ModelError) -> NoReturn:
        """Raise the last error with all tries and what they took together; as it is when there was no other try.

        It is a copy that gets them: a model may raise the same error twice.
        """
        if len(self.attempts) <= 1:
            raise error
        raise error.after(self.attempts, self.usage) from error.__cause__


def opened(model: Model, request: ModelRequest) -> aclosing[AsyncGenerator[StreamEvent, None]]:
    """A model's stream, to be used in an ``async with`` that closes it."""
    return aclosing(cast("AsyncGenerator[StreamEvent, None]", model.stream(request)))


def broken(model: Model) -> StreamBrokenError:
    """The error of a stream that just ends."""
    return StreamBrokenError("the stream ended without its last event", model=model.name)


def _after(waited: float, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    if not waited:
        return attempts
    first, *others = attempts
    return (replace(first, waited=first.waited + waited), *others)
