"""A model whose calls are effects of the node that makes them: journaled, and not paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .model import Model, ModelRequest, ModelResponse


class Effectful(Protocol):
    """What a node's context can do for a model: a durable call."""

    @property
    def step(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Calls a function once and gives what was recorded ever after."""


class RecordedModel:
    """A model as one activation sees it. Models give one of themselves in `for_activation`.

    Example::

        class MyModel:
            def for_activation(self, context):
                return RecordedModel(self, context)
    """

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
