"""Statuses and error bodies, over a real socket: each becomes the error that says whether to try again."""

import json
import time
from email.utils import formatdate

import pytest

from backedge.providers.errors import (
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TooLargeError,
)

from .kit import call, failure
from .server import STREAM, page
from .wires import KEY, USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUSES = {
    400: ("invalid_request_error", BadRequestError, False),
    401: ("authentication_error", AuthenticationError, False),
    404: ("not_found_error", NotFoundError, False),
    413: ("request_too_large", TooLargeError, False),
    429: ("rate_limit_error", RateLimitError, True),
    500: ("api_error", ServerError, True),
    502: ("bad_gateway", ServerError, True),
    503: ("service_unavailable", OverloadedError, True),
    529: ("overloaded_error", OverloadedError, True),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_status_becomes_its_kind_of_error(server, wire, model, streamed, status):
    name, kind, retryable = STATUSES[status]
    said = json.dumps(wire.error(name, f"no way with {KEY}")).encode()
    server.answer = lambda door: door.send(page(said, status=status, headers=["x-request-id: req7"]))
    error = await failure(model, streamed=streamed)
    assert (type(error), error.status, error.retryable, error.code) == (kind, status, retryable, name)
    assert error.request_id == "req7"
    assert "no way with [key]" in str(error)


@pytest.mark.parametrize("body", [b"", b"<html><title>Bad gateway</title></html>", b"\xff\xfe"])
async def test_a_status_is_enough_whatever_its_body_is(server, model, streamed, body):
    server.answer = lambda door: door.send(page(body, status=502, kind="text/html"))
    error = await failure(model, streamed=streamed)
    assert (type(error), error.status, error.retryable) == (ServerError, 502, True)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("retry-after: 7", (7, 7)),
        ("retry-after-ms: 1500", (1.5, 1.5)),
        pytest.param(
            f"retry-after: {formatdate(time.time() + 3600, usegmt=True)}", (3000, 3601), id="an hour from now"
        ),
        ("retry-after: Sun, 06 Nov 1994 08:49:37 GMT", (0, 0)),
        ("retry-after: -5", (0, 0)),
        ("retry-after: 1e300", (1e9, 1e16)),
        ("retry-after: 99999999999999999999999", (1e9, 1e16)),
        ("retry-after: inf", (1e9, 1e16)),
    ],
)
async def test_the_wait_that_is_asked_for_is_told_in_seconds(server, wire, model, header, wait):
    said = json.dumps(wire.error("rate_limit_error", "slow down")).encode()
    server.answer = lambda door: door.send(page(said, status=429, headers=[header]))
    error = await failure(model, streamed=False)
    assert type(error) is RateLimitError
    assert wait[0] <= error.retry_after <= wait[1]


@pytest.mark.parametrize(
    "header", ["retry-after: soon", "retry-after: nan", "retry-after: Sun, 99 Foo", "x: y"]
)
async def test_a_wait_that_makes_no_sense_is_no_wait(server, wire, model, header):
    said = json.dumps(wire.error("rate_limit_error", "slow down")).encode()
    server.answer = lambda door: door.send(page(said, status=429, headers=[header]))
    error = await failure(model, streamed=False)
    assert (type(error), error.retry_after) == (RateLimitError, None)


async def test_an_error_with_status_200_is_an_error(server, wire, model, streamed):
    said = json.dumps(wire.error("overloaded_error", "try again")).encode()
    server.answer = lambda door: door.send(page(said))
    error = await failure(model, streamed=streamed)
    assert (type(error), error.retryable) == (OverloadedError, True)
    assert "try again" in str(error)


async def test_an_error_in_a_stream_ends_it_with_what_was_spent(server, wire, model):
    pieces = []
    events = [*wire.unended("It is "), wire.told("overloaded_error", "too many")]
    server.answer = lambda door: door.send(STREAM, *events, *wire.stream("never"))
    error = await failure(model, streamed=True, into=pieces)
    assert (type(error), error.retryable, error.usage) == (OverloadedError, True, wire.early)
    assert "".join(pieces) == "It is "


PAGE = b"<!doctype html><title>Log in</title>"


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
async def test_a_page_of_html_is_no_answer(server, model, streamed, kind):
    server.answer = lambda door: door.send(page(PAGE, kind=kind))
    error = await failure(model, streamed=streamed)
    unread = streamed and kind == "text/plain"  # read as a stream, it is one without events
    assert type(error) is (StreamBrokenError if unread else BadAnswerError)
    assert error.retryable
    assert unread or "titled 'Log in'" in str(error)


@pytest.mark.parametrize("kind", ["application/json", ""])
@pytest.mark.parametrize("body", [b"", b'"ok"', b"{}", b"null"])
async def test_what_is_no_answer_is_never_taken_for_one(server, model, streamed, kind, body):
    server.answer = lambda door: door.send(page(body, kind=kind))
    error = await failure(model, streamed=streamed)
    assert type(error) is (StreamBrokenError if streamed and not kind else BadAnswerError)
    assert error.retryable


@pytest.mark.parametrize("kind", ["text/plain", "", "application/octet-stream", "text/html"])
async def test_an_answer_of_another_type_is_an_answer_all_the_same(server, wire, model, kind):
    server.answer = lambda door: door.send(page(wire.whole("fine"), kind=kind))
    answer = await call(model, streamed=False)
    assert (answer.text, answer.usage) == ("fine", USAGE)


async def test_a_whole_answer_in_place_of_a_stream_is_an_answer(server, wire, model):
    server.answer = lambda door: door.send(page(wire.whole("fine")))
    assert (await call(model, streamed=True)).text == "fine"
