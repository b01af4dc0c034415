"""Calls as spans: begun, ended, and named so that those who read traces know them."""

import sys
from contextlib import aclosing

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from backedge.providers import Message, ModelResponse, ScriptedModel, Usage
from backedge.providers.errors import BadRequestError, MissingPackageError, ServerError
from backedge.providers.wrappers import Audited, Priced, Retrying, Spans

from .kit import Clock, ask


class Span:
    def __init__(self, name, kind, attributes, start_time):
        self.name, self.kind, self.attributes, self.start = name, kind, dict(attributes), start_time
        self.events, self.status, self.end_time = [], None, None

    def add_event(self, name, attributes, timestamp):
        self.events.append((name, dict(attributes)))

    def set_attributes(self, attributes):
        self.attributes |= attributes

    def set_status(self, status):
        self.status = status

    def end(self, end_time):
        assert self.end_time is None
        self.end_time = end_time


class Tracer:
    """Notes its spans."""

    def __init__(self):
        self.spans = []

    def start_span(self, name, **told):
        self.spans.append(Span(name, **told))
        return self.spans[-1]


def audited(script, around=lambda model: model, **options):
    tracer, clock = Tracer(), Clock()
    model = around(ScriptedModel(script, name="openai:gpt-5"))
    return Audited(model, Spans(tracer), now=clock, **options), tracer, clock


ANSWER = ModelResponse(
    message=Message.of("assistant", "secret words"), usage=Usage(input_tokens=10, output_tokens=5)
)


async def test_an_answered_call_is_a_span_with_whom_it_is_for_and_what_it_took():
    model, tracer, clock = audited([ANSWER], lambda model: Priced(model, price=lambda usage: 0.5))
    clock.now = 3.0
    await model.labelled(run="r", node="n", activation="n@1", agent="ann").respond(ask("a private question"))
    (span,) = tracer.spans
    assert (span.name, span.kind, span.start, span.end_time) == (
        "chat openai:gpt-5",
        SpanKind.CLIENT,
        3 * 10**9,
        3 * 10**9,
    )
    assert span.status is None
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.agent.name": "ann",
        "backedge.run": "r",
        "backedge.node": "n",
        "backedge.activation": "n@1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.response.finish_reasons": ("stop",),
        "backedge.by": "openai:gpt-5",
        "backedge.attempts": 1,
        "backedge.cached": False,
        "backedge.cost": 0.5,
    }


async def test_tries_are_events_of_the_span():
    clock = Clock()
    model, tracer, _ = audited(
        [ServerError("x"), ANSWER], lambda model: Retrying(model, now=clock, sleep=clock.sleep)
    )
    await model.respond(ask())
    (span,) = tracer.spans
    assert [(name, told.get("error.type")) for name, told in span.events] == [
        ("attempt", "server"),
        ("attempt", None),
    ]
    assert span.attributes["backedge.attempts"] == 2


async def test_a_failed_call_and_a_left_stream_end_as_errors_without_what_was_said():
    model, tracer, _ = audited([BadRequestError("your words: secret"), "one two three"])
    with pytest.raises(BadRequestError):
        await model.respond(ask())
    async with aclosing(model.stream(ask())) as events:
        await anext(events)
    assert [(one.attributes["error.type"], one.status) for one in tracer.spans] == [
        ("bad request", StatusCode.ERROR),
        ("cancelled", StatusCode.ERROR),
    ]
    assert all(one.end_time is not None for one in tracer.spans)
    assert "secret" not in str([(one.attributes, one.events) for one in tracer.spans])


async def test_opentelemetrys_own_tracer_takes_them():
    model = Audited(ScriptedModel([ServerError("x"), ANSWER]), Spans(trace.get_tracer("test")))
    with pytest.raises(ServerError):
        await model.respond(ask())
    await model.respond(ask())
    assert model.missed == 0


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(MissingPackageError, match="pip install opentelemetry-api"):
        Spans(None)
