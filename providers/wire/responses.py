"""OpenAI's Responses API, which xAI, OpenRouter, Azure, LM Studio and others speak, too, through OpenAI's own client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..messages import Usage
from ..protocol import ModelRequest
from .base import WireModel
from .clients import ANSWER_SECONDS
from .content import Body
from .doors import openai_door, openai_streams
from .exchange import Api
from .responses_answer import Gathering, response_of, usage_of
from .responses_body import body_of, thinks

if TYPE_CHECKING:
    import httpx2

OPENAI: Final = "https://api.openai.com/v1"


class ResponsesModel(WireModel):
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
        self._encrypted = thinks(model) if encrypted is None else encrypted
        door = openai_door(
            name,
            key=key,
            base_url=base_url,
            headers=headers,
            timeout=timeout,
            http_client=http_client,
            ambient=base_url == OPENAI,
        )
        api = Api(
            by=name,
            path="/responses",
            streams=openai_streams,
            keys=door.keys,
            read=response_of,
            spent=_spent,
            gathering=Gathering,
            timeout=timeout,
        )
        super().__init__(api, model=model, clients=door.clients)

    def _said(self, request: ModelRequest, stream: bool) -> tuple[Body, Mapping[str, str]]:
        body = body_of(request, model=self._model, encrypted=self._encrypted)
        return {**body, "stream": True} if stream else body, {}


def _spent(body: Body) -> Usage:
    return usage_of(body.get("usage"))
