"""The official clients' exceptions and the providers' error bodies, as our errors: the one place where they meet.

Works by what the exceptions carry (`status_code`, `response`, `body`, the names of their classes), so that neither
client is imported here. Every text is freed of keys before it becomes a message.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ..errors import (
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    BadToolCallError,
    ContextLengthError,
    ModelConnectionError,
    ModelError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TooLargeError,
    UnsupportedError,
)
from ..messages import Usage
from .hiding import Hide, hide_shapes
from .said import Said, request_id_of, said_in, wait_of

T = TypeVar("T")

_BY_STATUS: dict[int, type[ModelError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    402: QuotaError,
    404: NotFoundError,
    410: NotFoundError,
    408: ModelTimeoutError,
    413: TooLargeError,
    429: RateLimitError,
    498: OverloadedError,
    503: OverloadedError,
    529: OverloadedError,
}

_STATUS_BY_NAME = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "server_overloaded": 503,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "vector_store_timeout": 504,
    **dict.fromkeys(
        (
            *("invalid_prompt", "bio_policy", "misalignment_policy_violation", "data_residency_mismatch"),
            *("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url"),
            *("invalid_image_mode", "image_too_large", "image_too_small", "image_parse_error"),
            *("image_content_policy_violation", "image_file_too_large", "unsupported_image_media_type"),
            *("empty_image_file", "failed_to_download_image", "image_file_not_found"),
        ),
        400,
    ),
}
"""Names of errors that come without a status: in a stream, or with status 200."""

_CONTEXT_NAMES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "exceed_context_size_error",
        "model_context_window_exceeded",
        "too_many_prompt_tokens",
    }
)
_CONTEXT = re.compile(
    r"context (?:length|window|size|limit)|maximum prompt length|(?:prompt|input) is too long|length of all messages"
    r"|exceeds the maximum number of tokens|reduce the length of the (?:messages|prompt|input)"
)
_QUOTA_NAMES = frozenset(
    {
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "enforced_spend_limit_reached",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "quota_exceeded",
    }
)
_QUOTA = re.compile(
    r"credit balance is too low|insufficient (?:balance|credit|fund|quota)|spend(?:ing)? limit"
    r"|exceeded your current quota|used all available credits"
)
_KEY = re.compile(r"api key not valid|(?:incorrect|invalid) (?:x-)?api[ _-]?key")
_KEY_NAMES = frozenset({"api_key_invalid", "invalid_api_key"})
_MODEL_NAMES = frozenset({"model_not_found", "invalid_model"})
_NEVER = re.compile(r"request too large|limit (\d+), requested (\d+)")

_TIMEOUTS = frozenset({"APITimeoutError", "TimeoutException", "TimeoutError"})
_CONNECTIONS = frozenset({"APIConnectionError", "RequestError", "TransportError", "OSError", "EndOfStream"})


async def translated(call: Awaitable[T], translate: Callable[[Exception], ModelError]) -> T:
    """What the call gives; its exception becomes the error that `translate` makes of it.

    The foreign exception is not kept as cause or context: it carries the request, headers included.
    """
    try:
        return await call
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
        request_id=request_id_of(known) or said.request_id,
    )


def kind_of(status: int | None, said: Said, *, wait: float | None = None) -> type[ModelError]:
    """The type of error for a status and what was said. An error inside a 200 is judged by what it names itself."""
    code = status if status is not None and not 200 <= status < 300 else said.status
    if code is None:
        code = next((_STATUS_BY_NAME[name] for name in sorted(said.names) if name in _STATUS_BY_NAME), None)
    words = said.message.lower()
    return _by_words(code, said.names, words, wait) or _by_status(code)


def _by_words(
    code: int | None, names: frozenset[str], words: str, wait: float | None
) -> type[ModelError] | None:
    """What names and words tell better than the status does."""
    if "tool_use_failed" in names:
        return BadToolCallError
    if code not in (401, 429) and (names & _CONTEXT_NAMES or _CONTEXT.search(words)):
        return ContextLengthError
    if code == 429 and _can_never_pass(words):
        return TooLargeError
    if names & _QUOTA_NAMES:
        return QuotaError
    if code in (402, 429) and wait is not None:
        return RateLimitError
    if code in (400, 402, 403, 429) and _QUOTA.search(words):
        return QuotaError
    if code == 400 and (names & _KEY_NAMES or _KEY.search(words)):
        return AuthenticationError
    if code in (400, 422) and (names & _MODEL_NAMES or "not a valid model" in words):
        return NotFoundError
    return None


def _by_status(code: int | None) -> type[ModelError]:
    if code is None:
        return BadAnswerError
    if code in _BY_STATUS:
        return _BY_STATUS[code]
    if code >= 500:
        return ServerError
    if code >= 400:
        return BadRequestError
    return NotFoundError if code >= 300 else BadAnswerError


def _can_never_pass(words: str) -> bool:
    """Whether a rate limit is lower than this one request: its status is that of a limit, but waiting is no help."""
    found = _NEVER.search(re.sub(r"(?<=\d),(?=\d)", "", words))
    if not found:
        return False
    return found.group(1) is None or int(found.group(2)) > int(found.group(1))


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
        return (
            ModelTimeoutError,
            f"no {'more of the ' if streaming else ''}answer in time ({type(cause).__name__})",
        )
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
