"""Models behind Chat Completions, the API that most providers, gateways and local servers speak, by `openai`'s client.

For OpenAI's own models the Responses API is the better way. The client's general door (``client.post``) is used, not
its method for this API: endpoints send and want more than that method's types know.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..checking import checked
from ..errors import BadAnswerError, ModelError, StreamBrokenError, UnsupportedError
from ..messages import Usage
from ..model import Finished, ModelRequest, ModelResponse, StreamEvent
from ..recorded import Recordable, pieces_of
from .bounds import next_event
from .chat_answer import error_in, response_of
from .chat_body import body_of
from .chat_counts import usage_in, usage_of
from .chat_stream import Gathered
from .clients import ANSWER_SECONDS, limit_headers, openai_clients, patience, usable_key
from .content import Body
from .dialects import Dialect, dialect_of
from .failures import failure, failure_in, translated
from .hiding import hider, secrets_in
from .reading import read_body, reason_of

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

_PATH = "/chat/completions"


class ChatModel(Recordable):
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
        self._name = name
        self._model = model
        self._timeout = timeout
        self._dialect = dialect or dialect_of(base_url)
        parts = urlsplit(base_url)
        self._address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        secret = usable_key(key, name)
        given = dict(headers or {})
        if self._dialect.key_header and secret:
            given[self._dialect.key_header] = secret
        query = dict(parse_qsl(parts.query))
        self._hide = hider(secret, parts.password, *secrets_in(given), *secrets_in(query))
        self._clients = openai_clients(
            name,
            key=None if self._dialect.key_header else secret,
            base_url=urlunsplit((*parts[:3], "", "")),
            headers=given,
            query=query,
            timeout=timeout,
            http_client=http_client,
        )

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    def __repr__(self) -> str:
        return f"ChatModel({self._name!r}, model={self._model!r}, base_url={self._address!r})"

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
        client = self._clients.here()
        import httpx2  # the official client brings it along

        body = self._body(request, stream=False)
        posted = client.post(_PATH, cast_to=httpx2.Response, body=body, options=_options())
        response = await translated(posted, self._failed, within=patience(self._timeout))
        return checked(self._whole(response), request)

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece. Leaving early closes the connection.

        Raises:
            ModelError: There is no answer, or it broke off; its type says why.
        """
        client = self._clients.here()
        from openai import AsyncStream

        body = self._body(request, stream=True)
        posted = client.post(
            _PATH, cast_to=object, body=body, options=_options(), stream=True, stream_cls=AsyncStream[object]
        )
        async with await translated(posted, self._failed, within=patience(self._timeout)) as chunks:
            if _is_whole(chunks.response.headers):
                await translated(chunks.response.aread(), self._failed, within=self._timeout)
                response = self._whole(chunks.response)
                for event in pieces_of(response):
                    yield event
            else:
                gathered = Gathered(self._dialect)
                async with aclosing(self._pieces(chunks, gathered)) as events:
                    async for event in events:
                        yield event
                response = self._read(gathered.response, self._name, spent=lambda: gathered.usage)
                response = _with_headers(response, chunks.response.headers)
        yield Finished(response=checked(response, request))

    async def _pieces(self, chunks: Any, gathered: Gathered) -> AsyncGenerator[StreamEvent, None]:
        """The pieces of a stream until its end, at which the model must have said why it stopped."""
        begun = False

        def failed(error: Exception) -> ModelError:
            return self._failed(error, streaming=begun, usage=gathered.usage)

        while True:
            chunk = await translated(next_event(chunks), failed, within=self._timeout)
            if chunk is None:
                break
            begun = True
            if not isinstance(chunk, dict):
                raise BadAnswerError(
                    f"a piece of the stream is no JSON object but {type(chunk).__name__}",
                    model=self._name,
                    usage=gathered.usage,
                )
            for event in self._read(gathered.take, chunk, spent=lambda: gathered.usage):
                yield event
            if gathered.failure is not None:
                raise failure_in(
                    gathered.failure,
                    status=200,
                    headers=chunks.response.headers,
                    model=self._name,
                    hide=self._hide,
                    usage=gathered.usage,
                )
        if not gathered.done:
            what = (
                "the stream ended before the model did: what came is not an answer"
                if begun
                else "the stream was empty"
            )
            raise StreamBrokenError(what, model=self._name, usage=gathered.usage)

    def _body(self, request: ModelRequest, *, stream: bool) -> Body:
        try:
            return body_of(request, model=self._model, dialect=self._dialect, stream=stream)
        except UnsupportedError as error:
            error.model = self._name
            raise

    def _failed(self, error: Exception, *, streaming: bool = False, usage: Usage | None = None) -> ModelError:
        return failure(error, model=self._name, hide=self._hide, streaming=streaming, usage=usage)

    def _whole(self, response: httpx2.Response) -> ModelResponse:
        """An answer that came in one piece. Errors come with status 200, too, and so do pages of HTML."""
        found = self._read(read_body, response.content, spent=Usage)

        def spent() -> Usage:
            return usage_of(usage_in(found)) if isinstance(found, dict) else Usage()

        problem = error_in(found) if isinstance(found, dict) else found
        if problem is None and isinstance(found, dict):
            return _with_headers(self._read(self._response, found, spent=spent), response.headers)
        raise failure_in(
            problem,
            status=response.status_code,
            headers=response.headers,
            model=self._name,
            hide=self._hide,
            usage=spent(),
        )

    def _response(self, found: Body) -> ModelResponse:
        return response_of(found, by=self._name, dialect=self._dialect)

    def _read(self, read: Callable[[Any], T], found: Any, *, spent: Callable[[], Usage]) -> T:
        """What `read` makes of an answer, or a piece; what our types cannot hold is no answer."""
        try:
            return read(found)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = reason_of(error)
        raise BadAnswerError(
            f"the answer is not the API's: {self._hide(reason)[:300]}", model=self._name, usage=spent()
        )


def _options() -> Any:
    # A key must not follow a redirect to somewhere else. An error among the chunks comes as it is, not as an exception.
    return {"follow_redirects": False, "stream_mode": "events"}


def _is_whole(headers: Mapping[str, str]) -> bool:
    """Whether what came is no stream though one was asked for: an answer in one piece, an error, a page."""
    kind = headers.get("content-type", "").lower()
    return "json" in kind or "html" in kind


def _with_headers(response: ModelResponse, headers: Mapping[str, str]) -> ModelResponse:
    return response.model_copy(update={"headers": limit_headers(headers)})
