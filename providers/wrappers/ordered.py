"""Ask models one after the other until one answers: what fallback and routing have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeAlias

from ..errors import AllFailedError, ModelError
from ..protocol import Finished, Model, ModelRequest, ModelResponse, StreamEvent
from ..watching import Watch
from .tries import Tries, broken, opened

OURS: Final = frozenset({"bad request", "too large", "context length"})
"""Kinds of errors that the request itself is to blame for: another model would most likely say the same."""

Note: TypeAlias = Callable[[Model, float, ModelError | None], None]
"""Told of each try, for the choice of the next: who was asked, how many seconds it took, and how it failed, if it did."""


async def respond_in_order(
    models: Sequence[Model],
    request: ModelRequest,
    *,
    goes_on: Callable[[ModelError], bool],
    now: Callable[[], float],
    note: Note,
    watch: Watch | None,
) -> ModelResponse:
    """The first answer.

    Raises:
        AllFailedError: There is none; of a single model its own error.
    """
    tries = Tries()
    errors: list[ModelError] = []
    for model in models:
        began = now()
        try:
            response = await model.respond(request)
        except ModelError as error:
            errors.append(error)
            seconds = now() - began
            note(model, seconds, error)
            await tries.failed(model.name, error, seconds, watch=watch)
            if not goes_on(error):
                tries.give_up(error)
        else:
            seconds = now() - began
            note(model, seconds, None)
            return _by(model, tries.answered(model.name, response, seconds))
    raise _all(errors, tries)


async def stream_in_order(
    models: Sequence[Model],
    request: ModelRequest,
    *,
    goes_on: Callable[[ModelError], bool],
    now: Callable[[], float],
    note: Note,
    watch: Watch | None,
) -> AsyncIterator[StreamEvent]:
    """The first answer, piece by piece. Once a piece was given out, no other model is asked.

    Raises:
        AllFailedError: There is none; of a single model its own error.
        ModelError: It broke after a piece was given out.
    """
    tries = Tries()
    errors: list[ModelError] = []
    for model in models:
        given = False
        seconds, since = 0.0, now()
        try:
            async with opened(model, request) as events:
                async for event in events:
                    seconds += now() - since  # what the listener takes for a piece is not the model's
                    if isinstance(event, Finished):
                        note(model, seconds, None)
                        whole = tries.answered(model.name, event.response, seconds)
                        yield Finished(response=_by(model, whole))
                        return
                    given = True
                    yield event
                    since = now()
            raise broken(model)
        except ModelError as error:
            errors.append(error)
            seconds += now() - since
            note(model, seconds, error)
            await tries.failed(model.name, error, seconds, watch=watch)
            if given or not goes_on(error):
                tries.give_up(error)
    raise _all(errors, tries)


def _all(errors: list[ModelError], tries: Tries) -> ModelError:
    if len(errors) == 1:
        return errors[0]
    return AllFailedError.of(errors, usage=tries.usage, attempts=tries.attempts)


def _by(model: Model, response: ModelResponse) -> ModelResponse:
    return response if response.by else response.model_copy(update={"by": model.name})
