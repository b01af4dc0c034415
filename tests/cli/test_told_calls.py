"""Calls of models, as the terminal shows them."""

from dataclasses import replace

from backedge.cli.progress import line_of
from backedge.engine.execution.events import CustomEvent
from backedge.engine.records import ActivationId
from backedge.providers import Usage
from backedge.providers.calls import CallAttempt, CallDelta, CallEnded, CallFailed, CallStarted
from backedge.providers.errors import Attempt

ABOUT = {"call": "c", "model": "small", "at": 1.0}
ENDED = CallEnded(
    **ABOUT,
    by="small",
    seconds=1.25,
    usage=Usage(input_tokens=1200, output_tokens=34),
    cost=None,
    finish="stop",
    attempts=1,
    cached=False,
)
FAILED = CallFailed(**ABOUT, error="server", message="down\nfor good", seconds=0.5, usage=Usage(), attempts=3)


def line(data):
    return line_of(CustomEvent(ActivationId("coder"), data))


def test_an_answer_is_one_line_with_what_it_took():
    assert line(ENDED) == "coder: small answered in 1.25 s: 1,200 tokens read, 34 written"
    told = replace(ENDED, by="other", cost=0.01234, attempts=2, cached=True)
    assert line(told) == (
        "coder: small (by other) answered from the cache in 1.25 s: "
        "1,200 tokens read, 34 written, $0.0123, 2 tries"
    )


def test_a_failure_is_one_line_with_its_reason():
    assert line(FAILED) == "coder: small failed after 500 ms, 3 tries: server: down\\nfor good"
    assert line(replace(FAILED, message="", attempts=1)) == "coder: small failed after 500 ms: server"


def test_the_rest_of_a_call_is_not_worth_a_line():
    assert line(CallStarted(**ABOUT)) is None
    assert line(CallDelta(**ABOUT, part="text", text="so ")) is None
    assert line(CallAttempt(**ABOUT, number=1, attempt=Attempt(model="small"))) is None
