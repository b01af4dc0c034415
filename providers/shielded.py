"""Models that can be closed, and that keep what their clients know to themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Protocol, Self

from .errors import ModelError
from .protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .recorded import Recordable


class NamedModel(Model, Protocol):
    """A model that can be closed."""

    async def aclose(self) -> None:
        """Close its connections; the next call opens others."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


class Shielded(Recordable):
    """A model whose errors leave the frames behind in which they arose.

    There a client's request and what a server sent stand in local variables, keys among them, and some print a
    traceback with these. What is known of an error stands in the error.
    """

    def __init__(self, model: NamedModel) -> None:
        self._model = model
        self._name = model.name

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self._name

    def __repr__(self) -> str:
        return repr(self._model)

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request. Raises ModelError."""
        try:
            return await self._model.respond(request)
        except ModelError as error:
            failed = error.with_traceback(None)
        raise failed

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece. Raises ModelError."""
        try:
            async with aclosing(self._model.stream(request)) as events:  # type: ignore[type-var]  # all of ours close
                async for event in events:
                    yield event
            return
        except ModelError as error:
            failed = error.with_traceback(None)
        raise failed

    async def aclose(self) -> None:
        """Close the model inside."""
        await self._model.aclose()
