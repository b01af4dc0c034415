"""Which of our errors a provider's failure is: by its status, unless names and words tell better. Pure.

The names and words are those of recorded and of reported errors.
"""

from __future__ import annotations

import re

from ..errors import (
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    BadToolCallError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    TooLargeError,
)
from .said import Said

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
