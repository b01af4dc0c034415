"""Anthropic's Messages API, through Anthropic's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Self

from ..model import Finished, ModelRequest, ModelResponse, StreamEvent
from ..recorded import Recordable
from .anthropic_answer import Gathering, response_of, usage_of
from .anthropic_body import SAMPLING, body_of
from .clients import ANSWER_SECONDS, anthropic_clients
from .exchange import Call, asking, pieces, whole
from .hiding import hider, secrets_in

if TYPE_CHECKING:
    import httpx2

ANTHROPIC: Final = "https://api.anthropic.com"

MAX_TOKENS: Final = 16_384
"""What an answer may have when the request does not say; every current model takes it."""

LONGEST_UNSTREAMED: Final = 21_333
"""Tokens that are surely written within the ten minutes after which silent connections get cut; longer answers are
streamed, whether their pieces are wanted or not."""

OLD_VERSION: Final = "2023-06-01"
"""The version of the API that knows how much chance an answer may have (``temperature``); later ones refuse that."""


class AnthropicModel(Recordable):
    """A model of Anthropic's, or one at an address that speaks Anthropic's Messages API.

    Args:
        name: What to call it in messages and records, such as ``anthropic:claude-sonnet-5``.
        model: Its name at the address.
        key: The key.
        base_url: The address, without ``/v1/messages``.
        max_tokens: What an answer may have when the request does not say.
        version: The API's version. By default the client's own, but for a request with a temperature (or ``top_p``,
            ``top_k``), which goes under the version of 2023: the newer one refuses these.
        betas: Names of betas to take part in.
        headers: Sent with each request.
        timeout: Seconds to wait for a whole answer, and in a stream for the next event that says something.
        http_client: Sends the requests in place of the client's own; it stays open at `aclose`.

    Raises:
        MissingKeyError: There is no key, or it cannot be one.

    Example::

        async with AnthropicModel("anthropic:claude-sonnet-5", model="claude-sonnet-5", key=key) as model:
            answer = await model.respond(ModelRequest(messages=(Message.of("user", "Hello"),)))
    """

    def __init__(
        self,
        name: str,
        *,
        model: str,
        key: str | None,
        base_url: str = ANTHROPIC,
        max_tokens: int = MAX_TOKENS,
        version: str | None = None,
        betas: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._name = name
        self._model = model
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._version = version
        self._hide = hider(key, *secrets_in(headers or {}))
        joined = ",".join(betas)
        given = {**({"anthropic-beta": joined} if joined else {}), **(headers or {})}
        self._clients = anthropic_clients(
            self._name, key=key, base_url=base_url, headers=given, timeout=timeout, http_client=http_client
        )

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    def __repr__(self) -> str:
        return f"AnthropicModel({self._name!r}, model={self._model!r})"

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
        call = self._call(request)
        if call.body["max_tokens"] <= LONGEST_UNSTREAMED:
            return await whole(call)
        (last,) = [event async for event in pieces(call) if isinstance(event, Finished)]
        return last.response

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
        import anthropic  # loaded by now: there is a client

        with asking(self._name):
            body = body_of(
                request, model=self._model, max_tokens=self._max_tokens, plain=anthropic.transform_schema
            )
        old = self._version is None and any(key in body for key in SAMPLING)
        version = OLD_VERSION if old else self._version
        return Call(
            request=request,
            client=client,
            streams=anthropic.AsyncStream,
            path="/v1/messages",
            body=body,
            by=self._name,
            hide=self._hide,
            read=response_of,
            spent=usage_of,
            gathering=Gathering,
            timeout=self._timeout,
            headers={"anthropic-version": version} if version else {},
        )
