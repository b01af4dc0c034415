"""What the models behind official clients have in common: all but the words in which they are spoken to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from ..protocol import ModelRequest, ModelResponse, StreamEvent
from ..recorded import Recordable
from .clients import Clients
from .exchange import Call, pieces, whole


class WireModel(Recordable, ABC):
    """A model behind an official client.

    Args:
        name: What to call it in messages and records.
        model: Its name at the provider.
        clients: The clients of its provider.
        timeout: Seconds to wait for a whole answer, and in a stream for the next event that says something.
    """

    def __init__(self, name: str, *, model: str, clients: Clients[Any], timeout: float) -> None:
        self._name = name
        self._model = model
        self._clients = clients
        self._timeout = timeout

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, model={self._model!r})"

    async def aclose(self) -> None:
        """Close the connections that the running event loop has; the next call opens others."""
        await self._clients.aclose()

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            ModelError: There is no answer; its type says why.
        """
        return await whole(self._call(request, stream=False))

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; the last event is a `Finished` with the whole answer.

        Leaving early closes the connection.

        Raises:
            ModelError: There is no answer, or it broke off; its type says why.
        """
        async with aclosing(pieces(self._call(request, stream=True))) as events:
            async for event in events:
                yield event

    @abstractmethod
    def _call(self, request: ModelRequest, *, stream: bool) -> Call:
        """The call that a request makes.

        Raises:
            MissingPackageError: The client is not installed.
            UnsupportedError: The request cannot be said this way.
        """
