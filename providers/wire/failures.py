"""The official clients' exceptions and the providers' error bodies, as our errors: the one place where they meet.

Works by what the exceptions carry (`status_code`, `response`, `body`, the names of their classes), so that neither
client is imported here. Every text is freed of keys before it becomes a message.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ..errors import (
    BadAnswerError,
    ModelConnectionError,
    ModelError,
    ModelTimeoutError,
    StreamBrokenError,
    UnsupportedError,
)
from ..messages import Usage
from .bounds import TooLongError
from .deadlines import Deadline
from .hiding import Hide, hide_shapes
from .kinds import kind_of
from .said import request_id_of, said_in, wait_of

T = TypeVar("T")

_TIMEOUTS = frozenset({"APITimeoutError", "TimeoutException", "TimeoutError"})
_CONNECTIONS = frozenset({"APIConnectionError", "RequestError", "TransportError", "OSError", "EndOfStream"})


async def translated(
    call: Awaitable[T], translate: Callable[[Exception], ModelError], *, within: Deadline | None = None
) -> T:
    """What the call gives `within` its time; its exception becomes the error that `translate` makes of it.

    The foreign exception is not kept as cause or context: it carries the request, headers included.
    """
    try:
        return await (call if within is None else within.of(call))
    except ModelError:
        raise
    except Exception as error:
        found = translate(error)
    raise found


def failure(
    error: Exception,
    *,
    model: str,
    hide: Hide = hide_shapes,
    streaming: bool = False,
    usage: Usage | None = None,
    now: Callable[[], float] = time.time,
) -> ModelError:
    """Our error for an exception of an official client, or of the HTTP library below it.

    Args:
        error: The client's exception.
        model: Who was asked, for the message.
        hide: Frees texts of keys.
        streaming: Whether part of the answer had come.
        usage: What was spent until then, as far as it is known.
        now: The Unix time, for a Retry-After that is a date.

    Example::

        raise failure(error, model="mistral:small", hide=hide)
    """
    if isinstance(error, ModelError):
        return error
    status, response = getattr(error, "status_code", None), getattr(error, "response", None)
    body = _body(error, response)
    if isinstance(status, int) or body is not None:
        headers = getattr(response, "headers", None) or {}
        known = status if isinstance(status, int) else None
        return failure_in(body, status=known, headers=headers, model=model, hide=hide, usage=usage, now=now)
    kind, message = _of_transport(error, streaming)
    return kind(hide(message), model=model, usage=usage)


def failure_in(
    body: object,
    *,
    status: int | None,
    headers: Mapping[str, str] | None = None,
    model: str,
    hide: Hide = hide_shapes,
    usage: Usage | None = None,
    now: Callable[[], float] = time.time,
) -> ModelError:
    """Our error for an error body, whether it came with a status of its own, with a 200, or inside a stream.

    Args:
        body: The body as parsed JSON, or as text when it is none; `None` when there was none.
        status: The HTTP status of the answer.
        headers: Its headers, with names in lower case or without case.
        model: Who was asked.
        hide: Frees texts of keys.
        usage: What was spent nevertheless.
        now: The Unix time.
    """
    said = said_in(body)
    known = headers or {}
    # Some providers put a Retry-After on answers with status 200: it says nothing about what failed later.
    wait = None if status is not None and 200 <= status < 300 else wait_of(known, now=now())
    wait = said.wait if wait is None else wait
    kind = kind_of(status, said, wait=wait)
    message = said.message or "the provider gave no reason"
    moved = known.get("location", "") if status is not None and 300 <= status < 400 else ""
    if moved:
        message = f"the address has moved to {moved}: use that one"
    return kind(
        hide(message),
        model=model,
        status=status,
        code=hide(said.code),
        retry_after=wait,
        usage=usage,
        request_id=hide(request_id_of(known) or said.request_id),
    )


def _body(error: Exception, response: Any) -> object:
    """The whole error body; the clients keep only a part of it."""
    try:
        return response.json()
    except Exception:  # no response, not read, or no JSON: what the client has kept must do
        return getattr(error, "body", None)


def _of_transport(error: Exception, streaming: bool) -> tuple[type[ModelError], str]:
    """The kind and the words for what went wrong below the API."""
    names = {base.__name__ for base in type(error).__mro__}
    cause = _cause(error)
    if names & _TIMEOUTS:
        if "Connect" in type(cause).__name__ or "Pool" in type(cause).__name__:
            return ModelTimeoutError, f"no connection in time ({type(cause).__name__})"
        part = "more of the " if streaming else ""
        return ModelTimeoutError, f"no {part}answer in time; timeout= says how long to wait for one"
    if isinstance(cause, TooLongError):
        return BadAnswerError, str(cause)
    if isinstance(error, UnicodeEncodeError):
        return (
            UnsupportedError,
            f"the request holds text that cannot be encoded: {error.reason}; nothing was sent",
        )
    if isinstance(error, UnicodeDecodeError):
        return StreamBrokenError, "the stream broke off inside a character"
    if isinstance(error, json.JSONDecodeError):
        return BadAnswerError, f"the answer is not JSON: {error}"
    if isinstance(error, RecursionError):
        return BadAnswerError, "the answer's JSON is nested too deeply"
    if names & _CONNECTIONS:
        kind = StreamBrokenError if streaming else ModelConnectionError
        said = (
            "the connection broke in the middle of the answer" if streaming else "no connection, or it broke"
        )
        return kind, f"{said}: {type(cause).__name__}: {cause}"
    if isinstance(error, ValueError):
        return UnsupportedError, f"the request cannot be written down: {error}; nothing was sent"
    return ModelError, f"the client failed: {type(error).__name__}: {error}"


def _cause(error: BaseException) -> BaseException:
    """The first of the exceptions that led to this one."""
    for _ in range(20):
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before is None:
            break
        error = before
    return error
