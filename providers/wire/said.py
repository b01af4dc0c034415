"""What a provider says about a failure, whatever form its error body has. Pure.

Seen in the wild: ``{"error": {...}}``, ``{"error": "..."}``, ``{"type": "error", "error": {...}}``, ``{"detail": ...}``,
``{"message": ..., "code": ...}``, the same in a list, a page of HTML, plain text, nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

MOST_CHARACTERS = 600
"""Length of a message that is taken over from a provider; the rest is cut off."""

_INFINITE = 1e15

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)?<(?:!doctype|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_AGAIN = re.compile(
    r"(?:try|retry)(?: again)? (?:in|after) ((?:\d+(?:\.\d+)?\s?(?:ms|h|m|s)(?:ours?|in(?:utes?)?|ec(?:onds?)?)?\s*)+)"
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "x-generation-id")


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says.

    Attributes:
        message: In words, for people; empty when there are none.
        code: The provider's name for it, the most telling of those it gives.
        names: All its names for it, in lower case.
        status: The HTTP status it names inside, where there is one.
        wait: Seconds it asks to wait.
        request_id: What its support asks for.
    """

    message: str = ""
    code: str = ""
    names: frozenset[str] = frozenset()
    status: int | None = None
    wait: float | None = None
    request_id: str = ""


def said_in(body: object) -> Said:
    """What an error body says; `body` is parsed JSON, or text that is none."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if isinstance(body, str):
        return Said(message=_of_text(body))
    if isinstance(body, list):
        return said_in(body[0]) if body else Said()
    if not isinstance(body, Mapping):
        return Said()
    inner = _inner(body)
    names = _names(inner, body)
    message = _message(inner, body)
    return Said(
        message=message[:MOST_CHARACTERS],
        code=names[0] if names else "",
        names=frozenset(name.lower() for name in names),
        status=_status(inner, body),
        wait=_wait(inner, message),
        request_id=str(body.get("request_id") or inner.get("request_id") or ""),
    )


def wait_of(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that the headers ask to wait; never negative, never infinite, however absurd. `now` is a Unix time."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name)
        if told is None:
            continue
        seconds = _number(told)
        if seconds is not None:
            return _plausible(seconds * unit)
        if name == "retry-after":
            return _until(told, now)
    return None


def request_id_of(headers: Mapping[str, str]) -> str:
    """The provider's name for the request, from the headers."""
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), "")


def is_page(text: str) -> bool:
    """Whether a text is a page for a browser."""
    return _HTML.match(text) is not None


def _of_text(text: str) -> str:
    if not is_page(text):
        return " ".join(text.split())[:MOST_CHARACTERS]
    title = _TITLE.search(text)
    named = f" titled {' '.join(title.group(1).split())[:200]!r}" if title else ""
    return f"a page of HTML{named} instead of the API's JSON"


def _inner(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that describes the error: below ``error``, ``detail`` or ``errors``, or the body itself."""
    for key in ("error", "detail", "errors"):
        found = body.get(key)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, Mapping):
            return found
    return body


def _message(inner: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    for found in (
        inner.get("message"),
        inner.get("msg"),
        body.get("error"),
        body.get("detail"),
        body.get("message"),
    ):
        if isinstance(found, str) and found.strip():
            place = inner.get("loc")
            words = " ".join(found.split())
            words = f"{'.'.join(map(str, place))}: {words}" if isinstance(place, list) else words
            return words + _upstream(inner)
    return ""


def _upstream(inner: Mapping[str, Any]) -> str:
    """What a gateway passes on from the provider behind it."""
    metadata = inner.get("metadata")
    if not isinstance(metadata, Mapping):
        return ""
    raw, name = metadata.get("raw"), metadata.get("provider_name")
    told = f": {_of_text(raw)}" if isinstance(raw, str) and raw else ""
    return f" (from {name}){told}" if isinstance(name, str) and name else told


def _names(inner: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """The provider's names for the error, the most telling first."""
    details = inner.get("details")
    detailed = details.get("error_code") if isinstance(details, Mapping) else None
    reasons = (
        [one.get("reason") for one in details if isinstance(one, Mapping)]
        if isinstance(details, list)
        else []
    )
    given = [detailed, inner.get("code"), inner.get("status"), inner.get("type"), body.get("code")]
    given += [*reasons, body.get("type"), inner.get("error_type")]
    found = [one.strip() for one in given if isinstance(one, str) and one.strip() and one != "error"]
    numbers = [str(one) for one in (inner.get("code"), body.get("code")) if isinstance(one, int)]
    return [*(one for one in found if not one.isdigit()), *(one for one in found if one.isdigit()), *numbers]


def _status(inner: Mapping[str, Any], body: Mapping[str, Any]) -> int | None:
    for key in ("status_code", "code", "status"):
        for one in (inner.get(key), body.get(key)):
            if isinstance(one, str) and one.isdecimal() and len(one) == 3:
                one = int(one)
            if isinstance(one, int) and 400 <= one < 600:
                return one
    return None


def _wait(inner: Mapping[str, Any], message: str) -> float | None:
    """Seconds to wait as the body tells them: Google's ``retryDelay``, or in words."""
    details = inner.get("details")
    for one in details if isinstance(details, list) else ():
        delay = one.get("retryDelay") if isinstance(one, Mapping) else None
        if isinstance(delay, str) and (seconds := _number(delay.removesuffix("s"))) is not None:
            return _plausible(seconds)
    found = _AGAIN.search(message.lower())
    if not found:
        return None
    return _plausible(sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(found.group(1))))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return None if math.isnan(found) else found


def _plausible(seconds: float) -> float:
    return min(max(seconds, 0.0), _INFINITE)


def _until(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return _plausible(when.timestamp() - now)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
