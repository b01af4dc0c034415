"""Anthropic's Messages API, through Anthropic's own client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..messages import Usage
from ..protocol import Finished, ModelRequest, ModelResponse
from .anthropic_answer import Gathering, response_of, usage_of
from .anthropic_body import SAMPLING, body_of
from .base import WireModel
from .clients import ANSWER_SECONDS
from .content import Body
from .doors import anthropic_door, anthropic_streams
from .exchange import Api, pieces, whole

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


class AnthropicModel(WireModel):
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
        self._max_tokens = max_tokens
        self._version = version
        joined = ",".join(betas)
        given = {**({"anthropic-beta": joined} if joined else {}), **(headers or {})}
        door = anthropic_door(
            name, key=key, base_url=base_url, headers=given, timeout=timeout, http_client=http_client
        )
        api = Api(
            by=name,
            path="/v1/messages",
            streams=anthropic_streams,
            keys=door.keys,
            read=response_of,
            spent=_spent,
            gathering=Gathering,
            timeout=timeout,
        )
        super().__init__(api, model=model, clients=door.clients)

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            ModelError: There is no answer; its type says why.
        """
        call = self._call(request, stream=False)
        if call.body["max_tokens"] <= LONGEST_UNSTREAMED:
            return await whole(call)
        streamed = replace(call, body={**call.body, "stream": True})
        (last,) = [event async for event in pieces(streamed) if isinstance(event, Finished)]
        return last.response

    def _said(self, request: ModelRequest, stream: bool) -> tuple[Body, Mapping[str, str]]:
        import anthropic

        body = body_of(
            request, model=self._model, max_tokens=self._max_tokens, plain=anthropic.transform_schema
        )
        old = self._version is None and any(key in body for key in SAMPLING)
        version = OLD_VERSION if old else self._version
        return {**body, "stream": True} if stream else body, {"anthropic-version": version} if version else {}


def _spent(body: Body) -> Usage:
    return usage_of(body.get("usage"))
