"""The next model is asked when one cannot answer, and who answered is told."""

import asyncio
from contextlib import aclosing

import pytest

from backedge.providers import Model, ScriptError, Usage
from backedge.providers.errors import (
    AllFailedError,
    Attempt,
    AuthenticationError,
    BadAnswerError,
    BadRequestError,
    CircuitOpenError,
    ContextLengthError,
    MissingKeyError,
    ModelConnectionError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TooLargeError,
)
from backedge.providers.wrappers.fallback import Fallback

from .kit import Clock, Played, ask, heard, listen, says


def fallback(*plays, **options):
    clock = Clock()
    models = [
        Played(play, clock=clock, name=name)
        for name, play in zip(("first", "second", "third"), plays, strict=False)
    ]
    return Fallback(models, now=clock, **options), models


async def test_the_first_model_answers_when_it_can():
    model, models = fallback(says("hi", by="provider:first"), "never")
    assert isinstance(model, Model)
    response = await model.respond(ask())
    assert (response.by, response.attempts, models[1].asked) == ("provider:first", (), 0)


async def test_the_response_says_who_answered_and_what_was_tried_before():
    spent = ServerError("x", usage=Usage(input_tokens=3))
    model, _ = fallback([1, spent], [2, AuthenticationError("x")], [3, "hi"])
    response = await model.respond(ask())
    assert (response.text, response.by) == ("hi", "third")
    assert response.attempts == (
        Attempt(model="first", error="server", seconds=1.0),
        Attempt(model="second", error="authentication", seconds=2.0),
        Attempt(model="third", seconds=3.0),
    )
    assert response.usage == Usage(input_tokens=3, output_tokens=1)


GOES_ON = [
    AuthenticationError,
    BadAnswerError,
    CircuitOpenError,
    MissingKeyError,
    ModelConnectionError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
]


@pytest.mark.parametrize("error", GOES_ON)
async def test_what_another_model_may_do_better_goes_on(error):
    model, _ = fallback(error("x"), "hi")
    assert (await model.respond(ask())).text == "hi"


@pytest.mark.parametrize("error", [BadRequestError, TooLargeError, ContextLengthError])
async def test_what_the_request_is_to_blame_for_is_raised_as_it_is(error):
    model, models = fallback(error("x"), "never")
    with pytest.raises(error):
        await model.respond(ask())
    assert models[1].asked == 0


async def test_the_error_that_stops_holds_the_tries_before_it():
    model, models = fallback(ServerError("x", usage=Usage(input_tokens=3)), BadRequestError("odd"), "never")
    with pytest.raises(BadRequestError) as raised:
        await model.respond(ask())
    assert [attempt.error for attempt in raised.value.attempts] == ["server", "bad request"]
    assert raised.value.usage.input_tokens == 3
    assert models[2].asked == 0


async def test_one_may_say_what_goes_on_and_what_does_not():
    model, _ = fallback(ContextLengthError("long"), "hi", but={"bad request"})
    assert (await model.respond(ask())).text == "hi"
    model, _ = fallback(OverloadedError("full"), "hi", kinds={"overloaded"})
    assert (await model.respond(ask())).text == "hi"
    model, _ = fallback(ServerError("x"), "never", kinds={"overloaded"})
    with pytest.raises(ServerError):
        await model.respond(ask())


async def test_when_all_fail_one_error_names_each_with_its_reason():
    first, second = ServerError("down", usage=Usage(input_tokens=1)), QuotaError("spent", model="second")
    model, _ = fallback(first, second)
    with pytest.raises(AllFailedError, match=r"\[server\] down; \[quota\] second: spent") as raised:
        await model.respond(ask())
    error = raised.value
    assert error.errors == (first, second)
    assert [attempt.model for attempt in error.attempts] == ["first", "second"]
    assert (error.usage.input_tokens, error.retryable) == (1, True)


async def test_the_error_of_a_single_model_comes_as_it_is():
    error = ServerError("down")
    model, _ = fallback(error)
    for call in (model.respond(ask()), heard(model.stream(ask()))):
        with pytest.raises(ServerError) as raised:
            await call
        assert raised.value is error


async def test_what_is_no_error_of_a_model_passes_through():
    model, models = fallback(ScriptError("bug"), "never")
    with pytest.raises(ScriptError):
        await model.respond(ask())
    assert models[1].asked == 0


async def test_a_stream_goes_on_to_the_next_model_while_nothing_was_given_out():
    model, models = fallback([1, ServerError("x")], [2, "one ", "two"])
    pieces, response = await heard(model.stream(ask()))
    assert (pieces, response.by) == (["one ", "two"], "second")
    assert [(attempt.error, attempt.seconds) for attempt in response.attempts] == [("server", 1), ("", 2)]
    assert [one.closed for one in models] == [1, 1]


async def test_a_stream_that_broke_after_a_piece_raises():
    model, models = fallback(ServerError("x"), ["one ", StreamBrokenError("cut")], "never")
    given = []
    with pytest.raises(StreamBrokenError) as raised:
        await listen(model.stream(ask()), given)
    assert (given, models[2].asked) == (["one "], 0)
    assert [attempt.error for attempt in raised.value.attempts] == ["server", "broken stream"]


async def test_a_stream_without_an_end_counts_as_broken():
    model = Fallback([Played([], whole=False), Played("hi", name="second")])
    assert (await heard(model.stream(ask())))[1].by == "second"


async def test_what_a_listener_takes_for_a_piece_is_not_counted():
    clock = Clock()
    model = Fallback([Played(ServerError("x")), Played([2, "a", 3, "b", 4], clock=clock)], now=clock)
    events = []
    async for event in model.stream(ask()):
        events.append(event)
        clock.pass_by(100)
    assert events[-1].response.attempts[-1].seconds == 9


async def test_a_stream_stops_at_what_the_request_is_to_blame_for():
    model, models = fallback(BadRequestError("odd"), "never")
    with pytest.raises(BadRequestError):
        await heard(model.stream(ask()))
    assert models[1].asked == 0


async def test_when_all_streams_fail_one_error_names_each():
    model, _ = fallback(ServerError("x"), QuotaError("y"))
    with pytest.raises(AllFailedError, match="2 models"):
        await heard(model.stream(ask()))


async def test_cancelling_asks_nobody_else():
    model, models = fallback([None], "never")
    task = asyncio.create_task(model.respond(ask()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert models[1].asked == 0


async def test_leaving_a_stream_closes_the_one_within():
    model, models = fallback(["one ", "two"])
    async with aclosing(model.stream(ask())) as events:
        async for _ in events:
            break
    assert models[0].closed == 1


def test_it_is_called_as_its_first_model_or_as_one_likes():
    assert fallback("a", "b")[0].name == "first"
    assert fallback("a", "b", name="team")[0].name == "team"
    with pytest.raises(ValueError, match="one model at least"):
        Fallback([])


async def test_the_models_within_are_told_whom_their_calls_are_for():
    model, models = fallback(ServerError("x"), "hi")
    told = model.labelled(run="r")
    assert [one.labels for one in models] == [[{"run": "r"}]] * 2
    assert (await told.respond(ask())).by == "second"
