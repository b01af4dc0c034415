"""Wrappers around wrappers, in any order: what passes through them stays what it was."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers import (
    Finished,
    Message,
    Model,
    ModelResponse,
    Reasoning,
    ScriptedModel,
    ToolCall,
    Usage,
)
from backedge.providers.errors import BadRequestError, OverloadedError, ServerError, error_types
from backedge.providers.labels import labelled
from backedge.providers.past import remembering
from backedge.providers.recorded import Recordable
from backedge.providers.wrappers.audit import Audited
from backedge.providers.wrappers.breaker import Circuit, CircuitBreaker
from backedge.providers.wrappers.budget import Budgeted
from backedge.providers.wrappers.budgets import Budget
from backedge.providers.wrappers.cost import Priced
from backedge.providers.wrappers.fallback import Fallback
from backedge.providers.wrappers.limits import RateLimited
from backedge.providers.wrappers.retry import Retrying
from backedge.providers.wrappers.routing import Router

from .kit import Played, ask


async def no_sleep(seconds):
    await asyncio.sleep(0)


def ignore(event):
    pass


async def no_past():
    return ()


WRAPPERS = {
    "retry": lambda model: Retrying(model, sleep=no_sleep, attempts=3),
    "breaker": lambda model: CircuitBreaker(model, circuit=Circuit(failures=50)),
    "fallback": lambda model: Fallback([model]),
    "router": lambda model: Router([model]),
    "audit": lambda model: Audited(model, ignore),
    "price": lambda model: Priced(model, price=lambda usage: usage.output_tokens / 1000),
    "budget": lambda model: Budgeted(model, budget=Budget(tokens=10**9)),
    "limits": lambda model: RateLimited(model, limits="high"),
}

ORDERS = st.permutations(sorted(WRAPPERS)).flatmap(
    lambda order: st.integers(1, len(order)).map(lambda count: order[:count])
)

ANSWER = ModelResponse(
    message=Message.of(
        "assistant",
        Reasoning(text="hm so"),
        "three short words",
        ToolCall(id="1", name="add", arguments='{"a": 1}'),
    ),
    usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=3),
    finish="tool_calls",
    model="inner-2026",
    id="a1",
    raw={"id": "a1"},
)


def wrapped(model, order):
    for name in order:
        model = WRAPPERS[name](model)
    return model


def expected(order, answer):
    """The answer but for the two fields that wrappers are there to fill."""
    told = {}
    if {"fallback", "router"} & set(order):
        told["by"] = "inner"
    if "price" in order:
        told["cost"] = answer.usage.output_tokens / 1000
    return answer.model_copy(update=told)


@given(ORDERS)
async def test_an_answer_passes_but_for_the_documented_fields(order):
    model = wrapped(ScriptedModel([ANSWER, ANSWER], name="inner"), order)
    assert await model.respond(ask()) == expected(order, ANSWER)
    events = [event async for event in model.stream(ask())]
    bare = [event async for event in ScriptedModel([ANSWER]).stream(ask())]
    assert events[:-1] == bare[:-1]
    assert events[-1] == Finished(response=expected(order, ANSWER))
    assert sum(isinstance(event, Finished) for event in events) == 1


@given(
    ORDERS,
    st.sampled_from([kind for kind in error_types() if not kind.retryable and kind.kind != "all failed"]),
)
async def test_an_error_keeps_its_type_and_all_it_knows(order, kind):
    error = kind("odd", model="inner", status=418, code="teapot", usage=Usage(input_tokens=3), request_id="q")
    model = wrapped(ScriptedModel([error, error], name="inner"), order)
    for call in (model.respond(ask()), anext(model.stream(ask()))):
        with pytest.raises(kind) as raised:
            await call
        assert type(raised.value) is kind
        assert vars(raised.value) == vars(error)


@given(ORDERS)
async def test_what_may_pass_is_tried_again_wherever_the_retry_stands(order):
    for stream in (False, True):
        inner = ScriptedModel([ServerError("x"), OverloadedError("y"), ANSWER], name="inner")
        model = wrapped(inner, [*order, *({"retry"} - set(order))])
        if stream:
            response = [event async for event in model.stream(ask())][-1].response
        else:
            response = await model.respond(ask())
        assert (response.message, response.usage) == (ANSWER.message, ANSWER.usage)
        assert [attempt.error for attempt in response.attempts] == ["server", "overloaded", ""]
        assert {attempt.model for attempt in response.attempts} == {"inner"}
        assert len(inner.requests) == 3


@given(ORDERS)
async def test_cancelling_passes_through_and_leaves_nothing_open(order):
    inner = Played([None], name="inner")
    model = wrapped(inner, order)

    async def streamed():
        async with aclosing(model.stream(ask())) as events:
            async for _ in events:
                pass

    for count, call in enumerate((model.respond(ask()), streamed()), 1):
        task = asyncio.create_task(call)
        for _ in range(9):
            await asyncio.sleep(0)
        assert inner.asked == count
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert inner.closed == count


@given(ORDERS)
async def test_leaving_a_stream_closes_the_one_within_at_once(order):
    inner = Played(["one ", "two"], name="inner")
    async with aclosing(wrapped(inner, order).stream(ask())) as events:
        assert (await anext(events)).text == "one "
        assert inner.closed == 0
    assert inner.closed == 1


@given(ORDERS)
async def test_a_stream_that_breaks_after_a_piece_breaks_with_its_own_error(order):
    inner = Played(["one ", ServerError("cut", status=500)], name="inner")
    given_out = []
    with pytest.raises(ServerError, match="cut"):
        await _listen(wrapped(inner, order), given_out)
    assert (given_out, inner.asked) == (["one "], 1)


async def _listen(model, into):
    async for event in model.stream(ask()):
        into.append(event.text)


@given(ORDERS)
def test_every_wrapper_is_a_model_by_the_name_of_the_one_within_and_hands_on_labels_and_the_past(order):
    inner = Played("hi", name="openai:gpt-5")
    model = wrapped(inner, order)
    assert isinstance(model, Model)
    assert isinstance(model, Recordable)
    assert model.name == "openai:gpt-5"
    assert type(labelled(model, {"run": "r", "agent": "coder"})) is type(model)
    assert inner.labels == [{"run": "r", "agent": "coder"}]
    assert type(remembering(model, no_past)) is type(model)
    assert inner.pasts == [no_past]


@given(ORDERS)
async def test_a_refusal_counts_as_one_failure_wherever_it_comes_from(order):
    error = BadRequestError("odd")
    events = []
    model = Audited(wrapped(ScriptedModel([error], name="inner"), order), events.append)
    with pytest.raises(BadRequestError):
        await model.respond(ask())
    assert [event.kind for event in events] == ["start", "failed"]
