"""OpenAI's Responses API, which xAI, OpenRouter, Azure, LM Studio and others speak, too, through OpenAI's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..model import ModelRequest, ModelResponse, StreamEvent
from ..recorded import Recordable
from .clients import ANSWER_SECONDS, openai_clients
from .exchange import Call, asking, pieces, whole
from .hiding import hider, secrets_in
from .responses_answer import Gathering, response_of, usage_of
from .responses_body import body_of

if TYPE_CHECKING:
    import httpx2

OPENAI: Final = "https://api.openai.com/v1"


class ResponsesModel(Recordable):
    """A model at OpenAI, or at another address that speaks the Responses API.

    Args:
        name: What to call it in messages and records, such as ``openai:gpt-5.5``.
        model: Its name at the address.
        key: The key; `None` for an address that takes none.
        base_url: The address, without ``/responses``; parameters behind a ``?`` are sent with each request.
        encrypted: Whether to ask for its thoughts in encrypted form, so that they can be sent back to it, which
            models that do not think refuse; by default for those whose name says that they think.
        headers: Sent with each request.
        timeout: Seconds to wait for a whole answer, and in a stream for the next event that says something.
        http_client: Sends the requests in place of the client's own; it stays open at `aclose`.

    Raises:
        MissingKeyError: The key is empty, or cannot be one.

    Example::

        async with ResponsesModel("openai:gpt-5.5", model="gpt-5.5", key=key) as model:
            answer = await model.respond(ModelRequest(messages=(Message.of("user", "Hello"),)))
    """

    def __init__(
        self,
        name: str,
        *,
        model: str,
        key: str | None,
        base_url: str = OPENAI,
        encrypted: bool | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._name = name
        self._model = model
        self._timeout = timeout
        self._encrypted = encrypted
        parts = urlsplit(base_url)
        query = dict(parse_qsl(parts.query))
        self._hide = hider(key, parts.password, *secrets_in(headers or {}), *secrets_in(query))
        self._clients = openai_clients(
            name,
            key=key,
            base_url=urlunsplit((*parts[:3], "", "")),
            headers=headers,
            query=query,
            timeout=timeout,
            http_client=http_client,
            ambient=base_url == OPENAI,
        )

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    def __repr__(self) -> str:
        return f"ResponsesModel({self._name!r}, model={self._model!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that the running event loop has; the next call opens others."""
        await self._clients.aclose()

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            ModelError: There is no answer; its type says why.
        """
        return await whole(self._call(request))

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; the last event is a `Finished` with the whole answer.

        Raises:
            ModelError: There is no answer, or it broke off; its type says why.
        """
        async with aclosing(pieces(self._call(request))) as events:
            async for event in events:
                yield event

    def _call(self, request: ModelRequest) -> Call:
        client = self._clients.here()
        import openai  # loaded by now: there is a client

        with asking(self._name):
            body = body_of(request, model=self._model, encrypted=self._encrypted)
        return Call(
            request=request,
            client=client,
            streams=openai.AsyncStream,
            path="/responses",
            body=body,
            by=self._name,
            hide=self._hide,
            read=response_of,
            spent=usage_of,
            gathering=Gathering,
            timeout=self._timeout,
        )
