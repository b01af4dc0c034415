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


Enter: TypeAlias = Callable[[ModelRequest], Awaitable[Following]]
"""Called first; may wait, and may refuse the call by an error."""


async def respond_through(model: Model, request: ModelRequest, enter: Enter) -> ModelResponse:
    """Ask the model inside for a whole answer."""
    following = await enter(request)
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
    came: Callable[[Any, Piece], None] | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """Ask the model inside for an answer piece by piece; leaving early closes what is inside at once.

    Args:
        model: The model inside.
        request: What is asked.
        enter: Called first.
        came: Called with what `enter` gave, and each piece.
    """
    following = await enter(request)
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
