"""A model behind limits: sizes are reserved and put right, priorities and callers are given, labels go through."""

import asyncio
from contextlib import aclosing

import pytest

from backedge.providers import Message, Model, ModelResponse, ScriptedModel, Usage
from backedge.providers.errors import RateLimitError, ServerError
from backedge.providers.recorded import Recordable
from backedge.providers.wrappers.buckets import Limit
from backedge.providers.wrappers.limiter import Limiter, Limits
from backedge.providers.wrappers.limits import RateLimited

from ...virtual import run_virtual
from .kit import Played, ask, heard

TOKENS = Limits(tokens=Limit(amount=1000, per=1000.0, burst=1000))


def now():
    return asyncio.get_running_loop().time()


def answer(text="ok", read=0, **more):
    return ModelResponse(message=Message.of("assistant", text), usage=Usage(input_tokens=read), **more)


def level(limited):
    return 1000 - 1000 * limited.limiter.stats().used["tokens"]


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_is_a_model_and_named_like_the_one_inside():
    limited = RateLimited(ScriptedModel([]), limits="low")
    assert isinstance(limited, Model)
    assert limited.name == "scripted"


def test_the_size_of_a_request_is_reserved_and_put_right_by_what_was_used():
    async def main():
        inside = Played([None])
        limited = RateLimited(inside, limits=TOKENS, output=500)
        task = asyncio.ensure_future(limited.respond(ask("x" * 300)))
        await settled()
        assert 300 < level(limited) < 400
        inside.plays = [answer(read=50)]
        assert (await limited.respond(ask(max_tokens=100))).usage.input_tokens == 50
        assert 250 < level(limited) < 350
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert 250 < level(limited) < 350  # what a call took that nobody waited for is not known
        assert limited.limiter.stats().under_way == 0

    run_virtual(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_failed_call_takes_what_its_error_says(streamed):
    async def main():
        limited = RateLimited(Played(ServerError("x", usage=Usage(input_tokens=30))), limits=TOKENS)
        with pytest.raises(ServerError):
            await (heard(limited.stream(ask())) if streamed else limited.respond(ask()))
        assert level(limited) == pytest.approx(970)
        assert limited.limiter.stats().under_way == 0

    run_virtual(main())


def test_a_refused_call_holds_the_next_ones_as_long_as_the_provider_says():
    async def main():
        limited = RateLimited(Played(RateLimitError("x", retry_after=7), answer()), limits="high")
        with pytest.raises(RateLimitError):
            await limited.respond(ask())
        await limited.respond(ask())
        assert now() == 7

    run_virtual(main())


def test_headers_of_an_answer_are_obeyed():
    async def main():
        headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}
        limited = RateLimited(Played(answer(headers=headers), answer()), limits="high")
        await limited.respond(ask())
        assert (await heard(limited.stream(ask())))[1].text == "ok"
        assert now() == 9

    run_virtual(main())


def test_models_of_one_account_share_its_limits():
    async def main():
        limiter = Limiter(Limits(requests=Limit(amount=1, per=5.0)))
        one, two = (RateLimited(ScriptedModel(["ok"]), limits=limiter) for _ in range(2))
        await one.respond(ask())
        await two.respond(ask())
        assert now() == 5

    run_virtual(main())


def test_a_view_gives_priority_and_caller_and_shares_all_else():
    async def main():
        order = []
        limited = RateLimited(
            ScriptedModel(lambda request: order.append(request.messages[0].text) or "ok"),
            limits=Limits(requests=Limit(amount=1, per=1.0)),
            priority="low",
            caller="a",
        )
        await limited.respond(ask("first"))
        calls = [
            (limited, "a1"),
            (limited, "a2"),
            (limited.at("low", caller="b"), "b1"),
            (limited.at("high"), "a3"),
            (limited.at("critical", caller="c"), "c1"),
        ]
        await asyncio.gather(*(view.respond(ask(text)) for view, text in calls))
        assert order == ["first", "c1", "a3", "a1", "b1", "a2"]

    run_virtual(main())


def test_a_priority_there_is_not_is_refused():
    with pytest.raises(ValueError, match="one of critical, high, normal, low, not 'urgent'"):
        RateLimited(ScriptedModel([]), limits="low", priority="urgent")
    with pytest.raises(ValueError, match="not 'urgent'"):
        RateLimited(ScriptedModel([]), limits="low").at("urgent")


def test_runs_take_turns_and_the_model_inside_is_told():
    told = []

    class Inside(Recordable):
        name = "inside"

        def labelled(self, **labels):
            told.append(labels)
            return self

        async def respond(self, request):
            order.append(request.messages[0].text)
            return answer()

    order = []

    async def main():
        limited = RateLimited(Inside(), limits=Limits(requests=Limit(amount=1, per=1.0)))
        one, two = limited.labelled(run="one", node="n"), limited.labelled(run="two")
        await limited.respond(ask("0"))
        asked = [(one, "1a"), (one, "1b"), (one.labelled(agent="x"), "1c"), (two, "2a")]
        await asyncio.gather(*(model.respond(ask(text)) for model, text in asked))
        assert order == ["0", "1a", "2a", "1b", "1c"]

    run_virtual(main())
    assert told == [{"run": "one", "node": "n"}, {"run": "two"}, {"agent": "x"}]


def test_money_is_reserved_and_put_right_and_calls_without_a_price_are_counted():
    async def main():
        limits = Limits(cost=Limit(amount=1, per=1000.0))
        prices = iter([0.8, 0.2, None, None, 0.4])
        inside = Played(answer(), answer(), answer(cost=0.3))
        limited = RateLimited(inside, limits=limits, price=lambda usage: next(prices))
        await limited.respond(ask())
        assert limited.limiter.stats().used["cost"] == pytest.approx(0.2)
        await limited.respond(ask())
        assert limited.limiter.stats().used["cost"] == pytest.approx(0.2)
        assert limited.limiter.stats().unpriced == 2
        await limited.respond(ask())
        assert limited.limiter.stats().used["cost"] == pytest.approx(0.5)

    run_virtual(main())


def test_the_price_is_by_default_that_of_the_models_name():
    async def main():
        limits = Limits(cost=Limit(amount=1, per=1000.0))
        usage = Usage(input_tokens=100_000)
        model = ScriptedModel(
            [ModelResponse(message=Message.of("assistant", "x"), usage=usage)], name="openai:gpt-5"
        )
        limited = RateLimited(model, limits=limits)
        await limited.respond(ask())
        assert limited.limiter.stats().used["cost"] == pytest.approx(0.125)

    run_virtual(main())


def test_a_stream_that_is_left_frees_its_place_at_once():
    async def main():
        inside = Played(["a", None])
        limited = RateLimited(inside, limits=Limits(concurrency=1))
        async with aclosing(limited.stream(ask())) as events:
            await anext(events)
            assert limited.limiter.stats().under_way == 1
        assert (limited.limiter.stats().under_way, inside.closed) == (0, 1)

    run_virtual(main())


def test_a_call_that_is_cancelled_while_it_waits_never_reaches_the_model():
    async def main():
        inside = Played([None])
        limited = RateLimited(inside, limits=Limits(concurrency=1))
        tasks = [asyncio.ensure_future(limited.respond(ask())) for _ in range(2)]
        await settled()
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert inside.asked == 1
        assert limited.limiter.stats().under_way == 0

    run_virtual(main())


async def test_closing_closes_what_is_inside():
    closed = []

    class Inside(ScriptedModel):
        async def aclose(self):
            closed.append(self)

    async with RateLimited(Inside([]), limits="low"):
        pass
    assert len(closed) == 1
