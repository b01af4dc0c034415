"""A model whose calls are effects of the node that makes them: journaled, and not paid for twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, Protocol, Self

from .errors import StreamBrokenError
from .labels import labels_of
from .model import (
    Finished,
    Model,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)


class Effectful(Protocol):
    """What a node's context can do for a model: a durable call."""

    @property
    def step(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Calls a function once and gives what was recorded ever after."""


class Recordable:
    """Base of models that nodes use as resources: each activation gets one whose calls are journaled."""

    def for_activation(self: Self, context: Effectful) -> RecordedModel:
        """The model as one activation of a node uses it; what it wraps is told the run, the node and the activation."""
        return RecordedModel(self.labelled(**labels_of(context)), context)  # type: ignore[arg-type]  # whoever derives from this is a model

    def labelled(self, **labels: str) -> Self:
        """The same model, told whom its calls are for: any of ``run``, ``node``, ``activation`` and ``agent``.

        Of wrappers that count by these, and of those around them, a copy that shares all else; others are given as
        they are.
        """
        return self


class RecordedModel:
    """A model as one activation sees it; `Recordable` makes them."""

    def __init__(self, model: Model, context: Effectful) -> None:
        self._model = model
        self._context = context

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._model.name

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, or give the recorded answer."""
        response: ModelResponse = await self._context.step(
            self.name, self._model.respond, request, returns=ModelResponse, kind="model"
        )
        return response

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; a recorded answer comes in few pieces."""
        pieces: asyncio.Queue[StreamEvent | None] = asyncio.Queue()
        live = False

        async def call(request: ModelRequest) -> ModelResponse:
            nonlocal live
            live = True
            async with aclosing(self._model.stream(request)) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, Finished):
                        return event.response
                    pieces.put_nowait(event)
            raise StreamBrokenError("the stream ended without its last event", model=self.name)

        step = self._context.step(self.name, call, request, returns=ModelResponse, kind="model")
        task = asyncio.ensure_future(step)
        task.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (event := await pieces.get()) is not None:
                yield event
            response = await task
            for event in () if live else pieces_of(response):
                yield event
            yield Finished(response=response)
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def pieces_of(response: ModelResponse) -> list[StreamEvent]:
    """A whole answer as a stream's pieces, the end left out."""
    found: list[StreamEvent] = []
    calls = 0
    for part in response.message.parts:
        if part.kind in ("text", "code"):
            found.append(TextDelta(text=part.text))
        elif part.kind == "reasoning" and part.text:
            found.append(ReasoningDelta(text=part.text))
        elif part.kind == "tool_call":
            found.append(ToolCallDelta(index=calls, id=part.id, name=part.name, arguments=part.arguments))
            calls += 1
    return found
