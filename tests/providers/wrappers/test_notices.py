"""Headers about limits are read in each provider's way; what cannot be read is left out."""

from datetime import UTC, datetime

import pytest

from backedge.providers.wrappers.gate import Told
from backedge.providers.wrappers.notices import seconds, told_by

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.5s", 1.5),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1h2m3s", 3723),
        ("1d", 86400),
        ("12", 12),
        ("0.25", 0.25),
        ("2026-11-21T12:00:30Z", 30),
        ("2026-11-21T14:00:30+02:00", 30),
        ("2026-11-21T12:00:30", 30),
        ("2026-11-21T11:00:00Z", 0),
        ("", None),
        ("soon", None),
        ("5 apples", None),
        ("nan", None),
        ("-3", None),
        ("inf", None),
    ],
)
def test_durations_and_times_are_seconds(text, found):
    assert seconds(text, NOW) == (None if found is None else pytest.approx(found))


def test_what_openai_says():
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m30s",
        "x-ratelimit-remaining-tokens": "1234",
        "x-ratelimit-reset-tokens": "6ms",
    }
    assert told_by(headers, NOW) == {"requests": Told(0, 90), "tokens": Told(1234, 0.006)}


def test_of_what_anthropic_says_the_scarcest_counts():
    headers = {
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-21T12:00:02Z",
        "anthropic-ratelimit-input-tokens-remaining": "8000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-21T12:00:10Z",
        "anthropic-ratelimit-output-tokens-remaining": "100",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-21T12:00:20Z",
    }
    assert told_by(headers, NOW) == {"requests": Told(49, 2), "tokens": Told(100, 20)}


def test_what_says_nothing_about_a_reset_says_what_is_left():
    assert told_by({"x-ratelimit-remaining-req-minute": "3"}, NOW) == {"requests": Told(3)}


def test_what_cannot_be_read_is_left_out():
    assert told_by({"x-ratelimit-remaining-tokens": "many", "content-type": "text/html"}, NOW) == {}
