"""What the models behind official clients have in common: all but the words in which they are spoken to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from ..errors import UnsupportedError
from ..protocol import ModelRequest, ModelResponse, StreamEvent
from ..recorded import Recordable
from .clients import Clients
from .content import Body
from .exchange import Api, Call, pieces, whole


class WireModel(Recordable, ABC):
    """A model behind an official client.

    Args:
        api: How it is spoken to; says who it is, too.
        model: Its name at the provider.
        clients: The clients of its provider.
    """

    def __init__(self, api: Api, *, model: str, clients: Clients[Any]) -> None:
        self._api = api
        self._model = model
        self._clients = clients

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._api.by

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, model={self._model!r})"

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

    def _call(self, request: ModelRequest, *, stream: bool) -> Call:
        """The call that a request makes.

        Raises:
            MissingPackageError: The client is not installed.
            UnsupportedError: The request cannot be said this way.
        """
        client = self._clients.here()
        try:
            return Call(self._api, request, client, *self._said(request, stream))
        except UnsupportedError as error:
            error.model = self.name
            raise

    @abstractmethod
    def _said(self, request: ModelRequest, stream: bool) -> tuple[Body, Mapping[str, str]]:
        """What to post for a request, and the headers of this call. The client's package is loaded by then.

        Raises:
            UnsupportedError: The request cannot be said this way.
        """
