"""Models behind Chat Completions, the API that most providers, gateways and local servers speak, by `openai`'s client.

For OpenAI's own models the Responses API is the better way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ..messages import Usage
from ..protocol import ModelRequest
from .base import WireModel
from .chat_answer import error_in, response_of
from .chat_body import body_of
from .chat_counts import usage_in, usage_of
from .chat_stream import Gathered
from .clients import ANSWER_SECONDS
from .content import Body
from .dialects import Dialect, dialect_of
from .doors import openai_door, openai_streams
from .exchange import Api

if TYPE_CHECKING:
    import httpx2


class ChatModel(WireModel):
    """A model behind an endpoint that speaks Chat Completions.

    Args:
        name: What to call it in messages and records, such as ``mistral:small``.
        model: Its name at the endpoint.
        base_url: The endpoint, without ``/chat/completions``; parameters behind a ``?`` are sent with each request.
        key: The key; `None` where none is needed, such as at a local server.
        headers: Sent with each request.
        timeout: Seconds to wait for a whole answer, and in a stream for the next event that says something.
        dialect: What the endpoint wants otherwise than others; by default what is known of its host.
        http_client: Sends the requests in place of the client's own; its owner closes it.

    Raises:
        MissingKeyError: The key is empty, or no key.

    Example::

        async with ChatModel("ollama:qwen3", model="qwen3", base_url="http://localhost:11434/v1") as model:
            answer = await model.respond(ModelRequest(messages=(Message.of("user", "Hello"),)))
    """

    def __init__(
        self,
        name: str,
        *,
        model: str,
        base_url: str,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_SECONDS,
        dialect: Dialect | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._dialect = spoken = dialect or dialect_of(base_url)
        parts = urlsplit(base_url)
        self._address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        door = openai_door(
            name,
            key=key,
            base_url=base_url,
            headers=headers,
            timeout=timeout,
            http_client=http_client,
            key_header=spoken.key_header,
        )
        api = Api(
            by=name,
            path="/chat/completions",
            streams=openai_streams,
            keys=door.keys,
            read=partial(response_of, dialect=spoken),
            spent=_spent,
            gathering=partial(Gathered, spoken),
            timeout=timeout,
            error_in=error_in,
            goes_on=True,  # what was spent comes behind the reason why the model stopped
            options={"stream_mode": "events"},  # an error in a stream comes as it is, not as an exception
        )
        super().__init__(api, model=model, clients=door.clients)

    def __repr__(self) -> str:
        return f"ChatModel({self.name!r}, model={self._model!r}, base_url={self._address!r})"

    def _said(self, request: ModelRequest, stream: bool) -> tuple[Body, Mapping[str, str]]:
        return body_of(request, model=self._model, dialect=self._dialect, stream=stream), {}


def _spent(body: Body) -> Usage:
    return usage_of(usage_in(body))
