"""A hook is told of every call, and cannot harm one."""

import asyncio
import logging
from contextlib import aclosing

import pytest

from backedge.providers import Model, ScriptError, TextDelta
from backedge.providers.calls import CallDelta, CallEnded, CallFailed, CallStarted
from backedge.providers.errors import ServerError, StreamBrokenError
from backedge.providers.redaction import MASK
from backedge.providers.wrappers.audit import Audited

from .kit import Clock, Played, ask, heard, says

KEY = "sk-canary-aaaaaaaaaaaaaaaa"


def audited(*plays, whole=True, **options):
    events, clock = [], Clock()
    inner = Played(*plays, clock=clock, name="inner", whole=whole)
    return Audited(inner, events.append, now=clock, clock=clock, **options), events, inner


def kinds(events):
    return [event.kind for event in events]


async def test_a_call_is_told_from_start_to_end_and_its_answer_passes_as_it_is():
    answer = says("hi", by="x")
    model, events, _ = audited([3, answer])
    assert isinstance(model, Model)
    assert await model.respond(ask("q")) is answer
    start, end = events
    assert isinstance(start, CallStarted)
    assert (start.messages, start.streamed, start.at) == ((("user", "q"),), False, 1000)
    assert isinstance(end, CallEnded)
    assert (end.text, end.by, end.seconds, end.at) == ("hi", "x", 3, 1003)
    assert model.name == start.model == "inner"


async def test_an_error_is_told_and_raised_as_it_is():
    error = ServerError("down")
    model, events, _ = audited(error)
    with pytest.raises(ServerError) as raised:
        await model.respond(ask())
    assert raised.value is error
    assert isinstance(events[-1], CallFailed)
    assert (kinds(events), events[-1].error) == (["start", "failed"], "server")


async def test_cancelling_is_told_and_passes_through():
    model, events, _ = audited([None])
    task = asyncio.create_task(model.respond(ask()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [events[-1].kind, events[-1].error] == ["failed", "cancelled"]


async def test_the_pieces_of_a_stream_are_told_as_they_come_and_pass_as_they_are():
    model, events, _ = audited(["one ", "two"])
    async with aclosing(model.stream(ask())) as stream:
        assert await anext(stream) == TextDelta(text="one ")
        assert kinds(events) == ["start", "delta"]
        assert [event.kind async for event in stream] == ["text", "finished"]
    assert [event.text for event in events if isinstance(event, CallDelta)] == ["one ", "two"]
    assert kinds(events) == ["start", "delta", "delta", "end"]
    assert events[0].streamed


async def test_a_stream_that_breaks_or_is_left_has_failed():
    model, events, _ = audited(["one ", StreamBrokenError("cut")], ["one ", "two"], ScriptError("bug"))
    with pytest.raises(StreamBrokenError):
        await heard(model.stream(ask()))
    assert events[-1].error == "broken stream"
    async with aclosing(model.stream(ask())) as stream:
        await anext(stream)
    assert events[-1].error == "cancelled"
    with pytest.raises(ScriptError):
        await heard(model.stream(ask()))
    assert events[-1].error == "ScriptError"
    assert kinds(events).count("failed") == 3


async def test_a_stream_that_is_left_after_its_end_has_not_failed():
    model, events, inner = audited(["one"])
    async with aclosing(model.stream(ask())) as stream:
        await anext(stream)
        await anext(stream)
    assert (kinds(events), inner.closed) == (["start", "delta", "end"], 1)


async def test_a_stream_without_an_end_is_broken():
    model, events, _ = audited([], whole=False)
    with pytest.raises(StreamBrokenError):
        await heard(model.stream(ask()))
    assert events[-1].error == "broken stream"


async def test_what_looks_like_a_secret_is_masked_by_itself():
    model, events, _ = audited([f"the key {KEY[:5]}", f"{KEY[5:]} is"], ServerError(f"bad key {KEY}"))
    await heard(model.stream(ask(f"use {KEY}")))
    with pytest.raises(ServerError):
        await model.respond(ask())
    assert "canary" not in repr(events)
    assert repr(events).count(MASK) == 4  # in the question, a piece, the answer, the error


async def test_one_may_redact_in_ones_own_way_or_tell_no_contents_at_all():
    model, events, _ = audited(["hello ", "you"], redact=str.upper)
    await heard(model.stream(ask("hm")))
    assert (events[0].messages, events[1].text, events[-1].text) == ((("user", "HM"),), "HELLO ", "HELLO YOU")
    model, events, _ = audited(["hello ", "you"], texts=False)
    await heard(model.stream(ask("question")))
    assert kinds(events) == ["start", "end"]
    assert "hello" not in repr(events)
    assert "question" not in repr(events)


async def test_a_hook_that_raises_does_not_fail_the_call_and_is_reported_once(caplog):
    def hook(event):
        raise OSError("disk full")

    model = Audited(Played(["one ", "two"]), hook)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert (await heard(model.stream(ask())))[1].text == "one two"
    assert model.missed == 8
    (record,) = caplog.records
    assert "the hook of an audit raised" in record.message
    assert "disk full" in caplog.text


async def test_a_text_on_which_redaction_fails_is_masked_as_a_whole(caplog):
    def redact(text):
        raise ValueError("odd text")

    model, events, _ = audited("secret", redact=redact)
    assert (await model.respond(ask("secret"))).text == "secret"
    assert (events[0].messages, events[1].text, model.missed) == ((("user", MASK),), MASK, 2)
    assert [record.message.partition(" of")[0] for record in caplog.records] == ["redact="]


async def test_the_model_within_is_told_whom_its_calls_are_for():
    model, events, inner = audited("hi")
    await model.labelled(run="r").respond(ask())
    assert inner.labels == [{"run": "r"}]
    assert kinds(events) == ["start", "end"]
