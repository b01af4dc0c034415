"""Ask models one after the other until one answers: what fallback and routing have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeAlias

from ..errors import AllFailedError, ModelError
from ..protocol import Finished, Model, ModelRequest, ModelResponse, StreamEvent
from .tries import Tries, broken, opened

OURS: Final = frozenset({"bad request", "too large", "context length"})
"""Kinds of errors that the request itself is to blame for: another model would most likely say the same."""

Watch: TypeAlias = Callable[[Model, float, ModelError | None], None]
"""Told of each try: who was asked, how many seconds it took, and how it failed, if it did."""


async def respond_in_order(
    models: Sequence[Model],
    request: ModelRequest,
    *,
    goes_on: Callable[[ModelError], bool],
    now: Callable[[], float],
    watch: Watch,
) -> ModelResponse:
    """The first answer.

    Raises:
        AllFailedError: There is none; of a single model its own error.
    """
    tries, errors = Tries(), list[ModelError]()
    for model in models:
        began = now()
        try:
            response = await model.respond(request)
        except ModelError as error:
            _failed(tries, errors, model, error, now() - began, watch)
            if not goes_on(error):
                tries.give_up(error)
        else:
            seconds = now() - began
            watch(model, seconds, None)
            return _by(model, tries.answered(model.name, response, seconds))
    raise _all(errors, tries)


async def stream_in_order(
    models: Sequence[Model],
    request: ModelRequest,
    *,
    goes_on: Callable[[ModelError], bool],
    now: Callable[[], float],
    watch: Watch,
) -> AsyncIterator[StreamEvent]:
    """The first answer, piece by piece. Once a piece was given out, no other model is asked.

    Raises:
        AllFailedError: There is none; of a single model its own error.
        ModelError: It broke after a piece was given out.
    """
    tries, errors = Tries(), list[ModelError]()
    for model in models:
        given = False
        seconds, since = 0.0, now()
        try:
            async with opened(model, request) as events:
                async for event in events:
                    seconds += now() - since  # what the listener takes for a piece is not the model's
                    if isinstance(event, Finished):
                        watch(model, seconds, None)
                        whole = tries.answered(model.name, event.response, seconds)
                        yield Finished(response=_by(model, whole))
                        return
                    given = True
                    yield event
                    since = now()
            raise broken(model)
        except ModelError as error:
            _failed(tries, errors, model, error, seconds + now() - since, watch)
            if given or not goes_on(error):
                tries.give_up(error)
    raise _all(errors, tries)


def _failed(
    tries: Tries, errors: list[ModelError], model: Model, error: ModelError, seconds: float, watch: Watch
) -> None:
    errors.append(error)
    watch(model, seconds, error)
    tries.failed(model.name, error, seconds)


def _all(errors: list[ModelError], tries: Tries) -> ModelError:
    if len(errors) == 1:
        return errors[0]
    return AllFailedError.of(errors, usage=tries.usage, attempts=tries.attempts)


def _by(model: Model, response: ModelResponse) -> ModelResponse:
    return response if response.by else response.model_copy(update={"by": model.name})
