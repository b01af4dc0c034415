"""Tries again are made when they make sense, as late as told, and all are kept."""

import asyncio
import itertools
import subprocess
import sys
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import stop_after_attempt, wait_fixed, wait_none

from backedge.providers import Model, ScriptedModel, ScriptError, Usage
from backedge.providers.errors import (
    Attempt,
    BadRequestError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
)
from backedge.providers.wrappers.retry import Retrying

from .kit import Clock, Played, ask, heard, listen, says

FULL = OverloadedError("full")


def retrying(*plays, clock=None, **options):
    clock = clock or Clock()
    inner = Played(*plays, clock=clock, name="inner")
    options.setdefault("wait", wait_fixed(1))
    return Retrying(inner, now=clock, sleep=clock.sleep, **options), inner, clock


async def test_an_answer_at_the_first_try_passes_as_it_is():
    answer = says("hi")
    model, inner, clock = retrying(answer)
    assert isinstance(model, Model)
    assert await model.respond(ask()) is answer
    assert (model.name, inner.asked, clock.slept) == ("inner", 1, [])


async def test_every_try_is_kept_with_what_all_took_together():
    model, _, clock = retrying([2, ServerError("broken", usage=Usage(input_tokens=10))], [3, FULL], [4, "hi"])
    response = await model.respond(ask())
    assert response.text == "hi"
    assert response.attempts == (
        Attempt(model="inner", error="server", seconds=2.0, waited=0.0),
        Attempt(model="inner", error="overloaded", seconds=3.0, waited=1.0),
        Attempt(model="inner", error="", seconds=4.0, waited=1.0),
    )
    assert response.usage == Usage(input_tokens=10, output_tokens=1)
    assert clock.slept == [1, 1]


async def test_the_last_error_is_raised_with_all_tries_and_what_they_took():
    last = OverloadedError("full", usage=Usage(output_tokens=3))
    model, inner, _ = retrying(ServerError("broken", usage=Usage(input_tokens=10)), last, attempts=2)
    with pytest.raises(OverloadedError, match="full.*2 attempts") as raised:
        await model.respond(ask())
    assert [attempt.error for attempt in raised.value.attempts] == ["server", "overloaded"]
    assert raised.value.usage == Usage(input_tokens=10, output_tokens=3)
    assert inner.asked == 2


@pytest.mark.parametrize("error", [BadRequestError("odd"), QuotaError("spent"), ScriptError("bug")])
async def test_what_a_retry_does_not_mend_is_raised_at_once(error):
    model, inner, _ = retrying(error, "never")
    with pytest.raises(type(error)) as raised:
        await model.respond(ask())
    assert raised.value is error
    assert getattr(error, "attempts", ()) == ()
    assert inner.asked == 1


async def test_kinds_say_what_is_tried_again():
    model, _, _ = retrying(QuotaError("spent"), "hi", kinds=["quota"])
    assert (await model.respond(ask())).text == "hi"
    model, inner, _ = retrying(ServerError("broken"), "hi", kinds=["quota"])
    with pytest.raises(ServerError):
        await model.respond(ask())
    assert inner.asked == 1


@pytest.mark.parametrize(
    ("asked", "waited"), [(7.5, 7.5), (0.2, 1.0), (-3, 1.0), (float("nan"), 1.0), (1e9, 20.0), (None, 1.0)]
)
async def test_what_the_provider_asks_for_is_waited_but_not_less_than_planned_nor_without_end(asked, waited):
    model, _, clock = retrying(RateLimitError("slow", retry_after=asked), "hi", most_asked=20)
    await model.respond(ask())
    assert clock.slept == [waited]


async def test_a_wait_that_would_pass_the_time_there_is_is_not_begun():
    model, inner, clock = retrying([3, FULL], within=10, attempts=99)
    with pytest.raises(OverloadedError) as raised:
        await model.respond(ask())
    assert inner.asked == 3  # at 0, 4 and 8 seconds; the next would begin at 12
    assert clock.slept == [1, 1]
    assert len(raised.value.attempts) == 3


async def test_a_wait_that_is_asked_for_and_too_long_is_not_begun_either():
    model, inner, clock = retrying(RateLimitError("slow", retry_after=30), within=20)
    with pytest.raises(RateLimitError):
        await model.respond(ask())
    assert (inner.asked, clock.slept) == (1, [])


async def test_a_further_reason_to_stop_may_be_given():
    model, inner, _ = retrying(FULL, stop=stop_after_attempt(2), attempts=9)
    with pytest.raises(OverloadedError):
        await model.respond(ask())
    assert inner.asked == 2


async def waits(seed, calls=1, attempts=9):
    clock = Clock()
    for _ in range(calls):
        model = Retrying(Played(FULL), attempts=attempts, within=1e9, seed=seed, now=clock, sleep=clock.sleep)
        with pytest.raises(OverloadedError):
            await model.respond(ask())
    return clock.slept


async def test_waits_double_up_to_a_most_and_a_random_part_is_left_out():
    slept = await waits(seed=7, attempts=12)
    full = [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    assert all(most / 2 <= wait <= most for wait, most in zip(slept, full, strict=True))
    assert len({wait / most for wait, most in zip(slept, full, strict=True)}) == len(full)


async def test_a_seed_makes_waits_the_same_each_time():
    assert await waits(seed=7) == await waits(seed=7)
    assert await waits(seed=7) != await waits(seed=8)
    assert await waits(seed=None) != await waits(seed=None)


async def test_tries_of_a_model_that_tries_itself_are_counted_instead_of_it():
    clock = Clock()
    inner = Played(*[ServerError("broken", usage=Usage(input_tokens=1))] * 3, "hi", clock=clock)
    options = {"now": clock, "sleep": clock.sleep, "attempts": 2}
    model = Retrying(Retrying(inner, wait=wait_fixed(1), **options), wait=wait_fixed(5), **options)
    response = await model.respond(ask())
    assert [(attempt.error, attempt.waited) for attempt in response.attempts] == [
        ("server", 0),
        ("server", 1),
        ("server", 5),
        ("", 1),
    ]
    assert response.usage.input_tokens == 3


async def test_calls_at_once_do_not_mix_their_tries():
    clock = Clock()

    async def sleep(seconds):
        await asyncio.sleep(0)

    counts = itertools.count()
    inner = ScriptedModel(lambda request: "hi" if next(counts) % 3 == 2 else FULL)
    model = Retrying(inner, wait=wait_none(), attempts=99, now=clock, sleep=sleep)
    responses = await asyncio.gather(*(model.respond(ask(str(number))) for number in range(30)))
    assert sum(max(len(response.attempts), 1) for response in responses) == len(inner.requests) == 90


async def test_a_call_can_be_cancelled_while_it_waits():
    async def sleep(seconds):
        await asyncio.Event().wait()

    inner = Played(FULL)
    task = asyncio.create_task(Retrying(inner, sleep=sleep).respond(ask()))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inner.asked == 1


# ---------------------------------------------------------------------- streams


async def test_a_stream_is_begun_again_while_nothing_of_it_was_given_out():
    model, inner, _ = retrying([2, FULL], ["one ", "two"])
    pieces, response = await heard(model.stream(ask()))
    assert (pieces, response.text) == (["one ", "two"], "one two")
    assert [attempt.error for attempt in response.attempts] == ["overloaded", ""]
    assert inner.closed == 2


async def test_a_stream_that_breaks_after_a_piece_raises():
    model, inner, _ = retrying(
        FULL, ["one ", StreamBrokenError("cut", usage=Usage(output_tokens=1))], "never"
    )
    given = []
    with pytest.raises(StreamBrokenError) as raised:
        await listen(model.stream(ask()), given)
    assert given == ["one "]
    assert [attempt.error for attempt in raised.value.attempts] == ["overloaded", "broken stream"]
    assert raised.value.usage.output_tokens == 1
    assert inner.asked == 2


async def test_a_stream_without_an_end_is_broken():
    clock = Clock()
    inner = Played([], clock=clock, whole=False)
    model = Retrying(inner, attempts=2, now=clock, sleep=clock.sleep)
    with pytest.raises(StreamBrokenError, match="without its last event"):
        await heard(model.stream(ask()))
    assert inner.asked == 2


async def test_leaving_a_stream_closes_the_one_within():
    model, inner, _ = retrying(["one ", "two"])
    async with aclosing(model.stream(ask())) as events:
        async for _ in events:
            break
    assert inner.closed == 1


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"within": -1}, {"most_asked": -1}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="attempts= is 1 at least"):
        Retrying(Played("hi"), **wrong)


@given(st.lists(st.sampled_from(["server", "overloaded", "quota", "ok"]), min_size=1), st.integers(1, 5))
def test_tries_end_with_the_first_answer_or_error_that_stays_or_the_most(kinds, most):
    made = {"server": ServerError, "overloaded": OverloadedError, "quota": QuotaError}
    plays = ["hi" if kind == "ok" else made[kind]("x") for kind in [*kinds, "ok"]]
    model, inner, _ = retrying(*plays, attempts=most)
    asked = next(number for number, kind in enumerate([*kinds, "ok"], 1) if kind in ("quota", "ok"))

    async def call():
        try:
            return (await model.respond(ask())).attempts
        except (ServerError, OverloadedError, QuotaError) as error:
            return error.attempts

    attempts = asyncio.run(call())
    assert inner.asked == min(asked, most)
    assert len(attempts) == (inner.asked if inner.asked > 1 else 0)


def test_tenacity_is_loaded_when_a_try_fails_and_not_before():
    code = """
import asyncio, sys
from backedge.providers import Message, ModelRequest, ScriptedModel
from backedge.providers.errors import ServerError
from backedge.providers.wrappers.retry import Retrying
request = ModelRequest(messages=(Message.of("user", "x"),))
async def nap(seconds): pass
model = Retrying(ScriptedModel(["a", ServerError("x"), "b"]), sleep=nap)
asyncio.run(model.respond(request))
before = "tenacity" in sys.modules
asyncio.run(model.respond(request))
print(before, "tenacity" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


async def test_the_model_within_is_told_whom_its_calls_are_for():
    model, inner, _ = retrying(FULL, "hi")
    told = model.labelled(run="r", agent="coder")
    assert (told is not model, inner.labels) == (True, [{"run": "r", "agent": "coder"}])
    assert (await told.respond(ask())).text == "hi"
