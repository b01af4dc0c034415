"""One call over an official client: posts a body, reads the answer whole or event by event.

The clients' general door is used (``client.post``), not their methods for each API: those refuse by Python signature
what older models need (``temperature``) and what long answers need (many tokens in one piece), make typed objects of
every event, and know less than endpoints send and want. Keys, addresses, time-outs, connections and the reading of event
streams stay the client's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from ..checking import checked
from ..errors import BadAnswerError, ModelError, StreamBrokenError
from ..messages import Usage
from ..protocol import Finished, ModelRequest, ModelResponse, Piece, StreamEvent
from ..recorded import pieces_of
from .bounds import next_event, read_rest
from .clients import limit_headers, patience
from .content import Body
from .deadlines import Deadlines
from .failures import failure, failure_in, translated
from .hiding import Keys
from .reading import read_body, reason_of

T = TypeVar("T")


class Gathers(Protocol):
    """Puts a stream's events together.

    Attributes:
        done: Whether the model has ended: until then what came is no answer.
        failure: The provider's error object, when the answer failed.
    """

    done: bool
    failure: Body | None

    @property
    def usage(self) -> Usage:
        """What is known to have been spent so far."""

    def take(self, event: Body) -> list[Piece]:
        """The next event; gives what of it is of interest."""

    def response(self, by: str) -> ModelResponse:
        """The whole answer."""


def error_in(body: Body) -> Any:
    """What of a body is an error and no answer; `None` when nothing is. Errors come with status 200, too."""
    return body if body.get("error") or body.get("type") == "error" else None


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API at an address as one model speaks it: all that is the same for each of its calls.

    Attributes:
        by: Who is asked, for answers and errors.
        path: Where to post, below the client's address.
        streams: Loads the client's class of streams.
        keys: Frees texts and answers of keys.
        read: Makes a response of a whole answer; given the answer and who was asked.
        spent: Reads what an answer says it took.
        gathering: Makes what puts a stream together.
        timeout: Seconds to wait for an answer, or for the next event of one.
        error_in: What of a whole answer is an error.
        goes_on: Whether more of a stream may come after the model has ended, such as what it took: then the stream is
            read to its end.
        options: Options of the client.
        deadlines: Ends what takes too long.
    """

    by: str
    path: str
    streams: Callable[[], Any] = field(repr=False)
    keys: Keys = field(repr=False)
    read: Callable[[Body, str], ModelResponse]
    spent: Callable[[Body], Usage]
    gathering: Callable[[], Gathers]
    timeout: float
    error_in: Callable[[Body], Any] = error_in
    goes_on: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines, init=False, repr=False, compare=False)

    def failed(self, error: Exception, *, usage: Usage | None = None, streaming: bool = False) -> ModelError:
        """Our error for an exception of the client."""
        return failure(error, model=self.by, hide=self.keys.hide, usage=usage, streaming=streaming)

    def failed_in(self, body: Any, response: Any, usage: Usage) -> ModelError:
        """Our error for what a response says is one."""
        status, headers = response.status_code, response.headers
        return failure_in(
            body, status=status, headers=headers, model=self.by, hide=self.keys.hide, usage=usage
        )


@dataclass(slots=True, eq=False)
class Call:
    """A call that is about to be made; never changed.

    Attributes:
        api: How it is made, and how its answer is read.
        request: What is asked.
        client: The official client.
        body: What to post.
        headers: Headers of this call.
    """

    api: Api
    request: ModelRequest = field(repr=False)
    client: Any = field(repr=False)
    body: Body = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


async def whole(call: Call) -> ModelResponse:
    """Make the call, and read the answer in one piece.

    Raises:
        ModelError: There is no answer; its type says why.
    """
    import httpx2  # the official clients bring it along

    posted = call.client.post(call.api.path, cast_to=httpx2.Response, body=call.body, options=_options(call))
    response = await translated(
        posted, call.api.failed, within=call.api.deadlines.after(patience(call.api.timeout))
    )
    return _finished(call, _read_whole(call, response), response)


async def pieces(call: Call) -> AsyncGenerator[StreamEvent, None]:
    """Make the call, and give the answer piece by piece, the whole of it last. Leaving early closes the connection.

    Raises:
        ModelError: There is no answer, or it broke off; its type says why.
    """
    posted = call.client.post(
        call.api.path,
        cast_to=object,
        body=call.body,
        options=_options(call),
        stream=True,
        stream_cls=call.api.streams()[object],
    )
    async with await translated(
        posted, call.api.failed, within=call.api.deadlines.after(patience(call.api.timeout))
    ) as events:
        if _is_page(events.response.headers):
            await translated(
                events.response.aread(), call.api.failed, within=call.api.deadlines.after(call.api.timeout)
            )
            response = _finished(call, _read_whole(call, events.response), events.response)
            for piece in pieces_of(response):
                yield piece
        else:
            gathering, freeing = call.api.gathering(), call.api.keys.freeing()
            async with aclosing(_gathered(call, events, gathering)) as gathered:
                async for came in gathered:
                    if (freed := freeing.take(came)) is not None:
                        yield freed
            for held in freeing.rest():
                yield held
            if not call.api.goes_on:
                await read_rest(events)
            response = _read(call, partial(gathering.response, call.api.by), lambda: gathering.usage)
            response = _finished(call, response, events.response, streamed=True)
    yield Finished(response=response)


async def _gathered(call: Call, events: Any, gathering: Gathers) -> AsyncGenerator[Piece, None]:
    """The pieces of a stream until its end, before which the model must have ended."""
    begun = False

    def spent() -> Usage:
        return gathering.usage

    def failed(error: Exception) -> ModelError:
        return call.api.failed(error, usage=gathering.usage, streaming=begun)

    within = call.api.deadlines.after(call.api.timeout)
    while call.api.goes_on or not gathering.done:
        event = await translated(next_event(events), failed, within=within)
        if event is None:
            break
        begun = True
        if not isinstance(event, dict):
            what = f"an event of the stream is no JSON object but {type(event).__name__}"
            raise BadAnswerError(what, model=call.api.by, usage=gathering.usage)
        for piece in _read(call, partial(gathering.take, event), spent):
            yield piece
        if gathering.failure is not None:
            raise call.api.failed_in(gathering.failure, events.response, gathering.usage)
    if not gathering.done:
        what = "what came is not an answer" if begun else "the stream was empty"
        told = f"the stream ended without its last event: {what}"
        raise StreamBrokenError(told, model=call.api.by, usage=gathering.usage)


def _read(call: Call, read: Callable[[], T], spent: Callable[[], Usage]) -> T:
    """What `read` makes of an answer; an answer that our types cannot hold is no answer, but took what was `spent`."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = call.api.keys.hide(reason_of(error))[:300]
    raise BadAnswerError(f"the answer is not the API's: {reason}", model=call.api.by, usage=spent())


def _read_whole(call: Call, response: Any) -> ModelResponse:
    """An answer that came in one piece. Errors come with status 200, too, and so do pages of HTML."""
    found = _read(call, partial(read_body, response.content), Usage)
    if not isinstance(found, dict):
        raise call.api.failed_in(found, response, Usage())
    spent = partial(call.api.spent, found)
    if (problem := call.api.error_in(found)) is not None:
        raise call.api.failed_in(problem, response, spent())
    return _read(call, partial(call.api.read, found, call.api.by), spent)


def _finished(call: Call, answer: ModelResponse, response: Any, *, streamed: bool = False) -> ModelResponse:
    """The answer with what the response's headers say, without keys, if it can be used."""
    headers = limit_headers(response.headers)
    told = answer.model_copy(update={"headers": headers}) if headers else answer
    return checked(call.api.keys.freed(told, None if streamed else response.content), call.request)


def _options(call: Call) -> Any:
    # A key must not follow a redirect to somewhere else.
    return {**call.api.options, "headers": dict(call.headers), "follow_redirects": False}


def _is_page(headers: Mapping[str, str]) -> bool:
    """Whether what came is no stream though one was asked for."""
    kind = headers.get("content-type", "").lower()
    return "json" in kind or "html" in kind
