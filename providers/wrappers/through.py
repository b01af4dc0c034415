"""Lets a call through to the model inside, and tells exactly once how it ended: the same for whole and streamed answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from ..protocol import (
    Finished,
    Model,
    ModelRequest,
    ModelResponse,
    Piece,
    StreamEvent,
)
from .tries import broken, opened


class Following(Protocol):
    """What a wrapper does about one call; of the two one is called, once."""

    def done(self, response: ModelResponse) -> ModelResponse:
        """It was answered. Gives the answer to hand on."""

    def failed(self, error: BaseException) -> None:
        """There is no answer: an error, a cancelled call, or a stream that was left."""


Enter: TypeAlias = Callable[[ModelRequest], Following]
"""Called first; may refuse the call by an error."""

Wait: TypeAlias = Callable[[Any], Awaitable[None] | None]
"""Called next with what entering gave: what to wait for before the model is asked, if anything."""


async def respond_through(
    model: Model, request: ModelRequest, enter: Enter, *, wait: Wait | None = None
) -> ModelResponse:
    """Ask the model inside for a whole answer; for the arguments see `stream_through`."""
    following = enter(request)
    if wait is not None and (waiting := wait(following)) is not None:
        await waiting
    try:
        response = await model.respond(request)
    except BaseException as error:
        following.failed(error)
        raise
    return following.done(response)


async def stream_through(
    model: Model,
    request: ModelRequest,
    enter: Enter,
    *,
    wait: Wait | None = None,
    came: Callable[[Any, Piece], None] | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """Ask the model inside for an answer piece by piece; leaving early closes what is inside at once.

    Args:
        model: The model inside.
        request: What is asked.
        enter: Called first.
        wait: Says what to wait for before the model is asked, if anything.
        came: Called with what `enter` gave, and each piece.
    """
    following = enter(request)
    if wait is not None and (waiting := wait(following)) is not None:
        await waiting
    answered = False
    try:
        async with opened(model, request) as events:
            async for event in events:
                if isinstance(event, Finished):
                    answered = True
                    yield _finished(event, following.done(event.response))
                    return
                if came is not None:
                    came(following, event)
                yield event
        raise broken(model)
    except BaseException as error:
        if not answered:
            following.failed(error)
        raise


def _finished(event: Finished, response: ModelResponse) -> Finished:
    return event if response is event.response else Finished(response=response)
