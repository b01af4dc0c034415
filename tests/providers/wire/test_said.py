from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from backedge.providers.wire.said import MOST_CHARACTERS, is_page, request_id_of, said_in, wait_of

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "no", "type": "t", "code": "c"}}, "no", "c"),
        ({"error": {"message": "no", "type": "t", "code": None}}, "no", "t"),
        ({"type": "error", "error": {"type": "t", "message": "no"}}, "no", "t"),
        ({"error": "no"}, "no", ""),
        ({"error": "no", "code": "c"}, "no", "c"),
        ({"detail": "no"}, "no", ""),
        ({"detail": [{"loc": ["body", "n"], "msg": "no", "type": "t"}]}, "body.n: no", "t"),
        ({"object": "error", "message": "no", "type": "t", "code": 1500}, "no", "t"),
        ({"errors": [{"message": "no"}]}, "no", ""),
        ([{"error": {"code": 400, "message": "no", "status": "INVALID"}}], "no", "INVALID"),
        ({"error": {"message": "no", "code": 401}}, "no", "401"),
        ({"error": {"message": "no", "code": "401", "type": "t"}}, "no", "t"),
        ({"error": {"type": "t", "message": "no", "details": {"error_code": "d"}}}, "no", "d"),
        ("  no\n words ", "no words", ""),
        (b"no", "no", ""),
        (
            "<!DOCTYPE html><html><title>502\n Bad</title>",
            "a page of HTML titled '502 Bad' instead of the API's JSON",
            "",
        ),
        ("<html>", "a page of HTML instead of the API's JSON", ""),
        ({}, "", ""),
        ([], "", ""),
        (None, "", ""),
        (7, "", ""),
    ],
)
def test_a_body_of_any_form_is_understood(body, message, code):
    said = said_in(body)
    assert (said.message, said.code) == (message, code)


def test_a_gateway_passes_on_what_the_provider_behind_it_said():
    metadata = {"provider_name": "Deep", "raw": "slow down"}
    said = said_in({"error": {"code": 429, "message": "Provider returned error", "metadata": metadata}})
    assert said.message == "Provider returned error (from Deep): slow down"
    assert said.status == 429


@pytest.mark.parametrize("key", ["code", "status_code", "status"])
def test_a_status_inside_is_seen_as_number_and_as_text(key):
    assert said_in({"error": {key: 502}}).status == 502
    assert said_in({"error": {key: "502"}}).status == 502
    assert said_in({"error": {key: 200}}).status is None
    assert said_in({"error": {key: "1500"}}).status is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 644ms.", 0.644),
        ("Please try again in 3.89s. Visit", 3.89),
        ("Please try again in 1m2s.", 62.0),
        ("Please try again in 1h0m3.5s.", 3603.5),
        ("Please retry in 48.939935699s.", 48.939935699),
        ("Please retry after 6 seconds.", 6.0),
        ("try again in 2 minutes", 120.0),
        ("Please retry shortly", None),
        ("try again in a moment", None),
    ],
)
def test_a_wait_that_is_told_in_words_is_read(words, seconds):
    assert said_in({"error": {"message": words}}).wait == (
        None if seconds is None else pytest.approx(seconds)
    )


def test_a_wait_in_googles_form_is_read():
    details = [{"@type": "x"}, {"retryDelay": "12.5s"}]
    assert said_in({"error": {"message": "no", "details": details}}).wait == 12.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "644", "retry-after": "1"}, 0.644),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "99999999999"}, 99999999999.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)}, 90.0),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)}, 0.0),
        ({"retry-after": "Wed, 99 Nov 99999 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers_and_is_never_negative(headers, seconds):
    assert wait_of(headers, now=NOW) == seconds


@pytest.mark.parametrize("told", ["inf", "1e999", "Infinity"])
def test_an_infinite_wait_becomes_a_long_one(told):
    assert 1e12 < wait_of({"retry-after": told}, now=NOW) < float("inf")


def test_the_request_is_named_by_whichever_header_names_it():
    assert request_id_of({"request-id": "req_1"}) == "req_1"
    assert request_id_of({"x-request-id": "req_2", "request-id": ""}) == "req_2"
    assert request_id_of({}) == ""
    assert said_in({"error": {"message": "no"}, "request_id": "req_3"}).request_id == "req_3"


def test_a_long_message_is_cut():
    assert len(said_in({"error": {"message": "x" * 10_000}}).message) == MOST_CHARACTERS
    assert len(said_in("x" * 10_000).message) == MOST_CHARACTERS


def test_json_is_no_page():
    assert not is_page('{"message": "<html>"}')
    assert is_page("\n <!-- made by a proxy --> <HTML lang='en'>")
