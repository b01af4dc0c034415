"""A router asks whom its policy says, knows who failed lately and how long each takes, and says who answered."""

import asyncio
from contextlib import aclosing

import pytest

from backedge.providers import Model
from backedge.providers.errors import (
    AllFailedError,
    BadRequestError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
)
from backedge.providers.wrappers.policies import by_context, by_latency, in_order
from backedge.providers.wrappers.routing import Candidate, Router

from .kit import Clock, Played, ask, heard, listen


def router(*plays, **options):
    clock = Clock()
    options.setdefault("policy", in_order)
    models = [Played(*play, clock=clock, name=name) for name, play in zip("abc", plays, strict=False)]
    return Router(models, now=clock, **options), models, clock


async def who(model, times=1):
    return "".join([(await model.respond(ask())).by for _ in range(times)])


async def test_the_policy_says_who_is_asked_and_the_response_says_who_answered():
    model, models, _ = router(["hi"], ["hi"], policy=lambda rows, request: rows[::-1])
    assert isinstance(model, Model)
    assert await who(model) == "b"
    assert [one.asked for one in models] == [0, 1]


async def test_by_itself_all_take_turns():
    model, _, _ = router(["hi"], ["hi"], ["hi"], policy=None)
    assert await who(model, 7) == "abcabca"


async def test_the_policy_sees_the_request_and_the_candidates_as_they_were_given():
    small, large = Played("hi", name="small"), Played("hi", name="large")
    model = Router(
        [Candidate(large, limit=1000, weight=2), Candidate(small, limit=10)],
        policy=by_context(size=lambda request: len(request.messages[0].text)),
    )
    assert (await model.respond(ask("x" * 9))).by == "small"
    assert (await model.respond(ask("x" * 11))).by == "large"
    assert [(row.limit, row.weight) for row in model.table] == [(1000, 2), (10, 1)]


async def test_when_the_first_fails_the_next_is_asked():
    model, _, _ = router([QuotaError("spent")], ["hi"])
    response = await model.respond(ask())
    assert response.by == "b"
    assert [(attempt.model, attempt.error) for attempt in response.attempts] == [("a", "quota"), ("b", "")]


async def test_who_failed_is_put_back_for_a_while():
    model, models, clock = router([ServerError("x"), "hi"], ["hi"], pause=30)
    assert await who(model, 3) == "bbb"
    assert (models[0].asked, [row.resting for row in model.table]) == (1, [True, False])
    clock.pass_by(29)
    assert await who(model) == "b"
    clock.pass_by(1)
    assert not model.table[0].resting
    assert await who(model) == "a"


async def test_who_is_put_back_is_still_asked_when_all_others_fail():
    model, _, _ = router([ServerError("x"), "hi"], ["hi", ServerError("x")])
    assert await who(model, 2) == "ba"


async def test_it_may_take_several_failures_in_a_row_to_be_put_back():
    error = ServerError("x")
    model, models, _ = router([error, "hi", error, error, "hi"], ["hi"], failures=2)
    assert await who(model, 5) == "babbb"
    assert models[0].asked == 4


async def test_who_asks_for_a_longer_rest_gets_it_within_reason():
    model, _, clock = router([RateLimitError("slow", retry_after=100), "hi"], ["hi"], pause=30)
    await who(model)
    clock.pass_by(99)
    assert await who(model) == "b"
    clock.pass_by(1)
    assert await who(model) == "a"
    model, _, clock = router([RateLimitError("slow", retry_after=1e9), "hi"], ["hi"], pause=30)
    await who(model)
    clock.pass_by(300)
    assert await who(model) == "a"


async def test_what_the_request_is_to_blame_for_speaks_against_nobody():
    model, models, _ = router([BadRequestError("odd"), "hi"], ["never"])
    with pytest.raises(BadRequestError):
        await model.respond(ask())
    assert await who(model) == "a"
    assert models[1].asked == 0


async def test_one_may_say_after_what_the_next_is_asked():
    model, models, _ = router([ServerError("x")], ["hi"], kinds={"rate limit"})
    with pytest.raises(ServerError):
        await model.respond(ask())
    assert models[1].asked == 0
    assert model.table[0].resting
    model, _, _ = router([RateLimitError("x")], ["hi"], kinds={"rate limit"})
    assert await who(model) == "b"


async def test_no_more_are_asked_than_told():
    model, models, _ = router([ServerError("x")], [ServerError("x")], ["never"], tries=2)
    with pytest.raises(AllFailedError, match="2 models"):
        await model.respond(ask())
    assert models[2].asked == 0


async def test_latency_is_a_moving_average_of_answers():
    model, _, _ = router([[10, "hi"], [5, "hi"], [5, ServerError("x")]], failures=9)
    assert model.table[0].latency is None
    await who(model)
    assert model.table[0].latency == 10
    await who(model)
    assert model.table[0].latency == 9
    with pytest.raises(ServerError):
        await who(model)
    assert model.table[0].latency == 9


async def test_the_quickest_is_asked_once_all_are_measured():
    model, _, _ = router([[3, "hi"]], [[1, "hi"]], [[2, "hi"]], policy=by_latency)
    assert await who(model, 6) == "abcbbb"


async def test_streams_are_routed_and_measured_without_their_listener():
    model, models, clock = router([[2, ServerError("x")]], [[1, "one ", 2, "two"]])
    events = []
    async for event in model.stream(ask()):
        events.append(event)
        clock.pass_by(50)
    response = events[-1].response
    assert (response.by, response.text) == ("b", "one two")
    assert [row.latency for row in model.table] == [None, 3]
    assert [attempt.seconds for attempt in response.attempts] == [2, 3]
    assert [one.closed for one in models] == [1, 1]


async def test_a_stream_that_broke_after_a_piece_raises_and_speaks_against_its_model():
    model, models, _ = router([["one ", StreamBrokenError("cut")]], ["never"])
    given = []
    with pytest.raises(StreamBrokenError):
        await listen(model.stream(ask()), given)
    assert (given, models[1].asked, model.table[0].resting) == (["one "], 0, True)


async def test_leaving_a_stream_closes_the_one_within():
    model, models, _ = router([["one ", "two"]])
    async with aclosing(model.stream(ask())) as events:
        async for _ in events:
            break
    assert models[0].closed == 1


async def test_cancelling_asks_nobody_else_and_speaks_against_nobody():
    model, models, _ = router([[None]], ["never"])
    task = asyncio.create_task(model.respond(ask()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (models[1].asked, model.table[0].resting) == (0, False)


async def test_a_policy_that_leaves_nobody_is_told_of():
    model, _, _ = router(["hi"], policy=lambda rows, request: [])
    with pytest.raises(ValueError, match="a: the policy .* left no model"):
        await model.respond(ask())
    with pytest.raises(ValueError, match="left no model"):
        await heard(model.stream(ask()))


def test_it_is_called_as_all_its_models_or_as_one_likes():
    assert router(["hi"], ["hi"])[0].name == "a|b"
    assert router(["hi"], name="team")[0].name == "team"


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"pause": -1}, {"tries": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="a router wants"):
        router(["hi"], **wrong)
    with pytest.raises(ValueError, match="a router wants"):
        Router([])


async def test_the_models_within_are_told_whom_their_calls_are_for_and_what_was_seen_is_shared():
    class Labelled(Played):
        def labelled(self, **labels):
            return Labelled(*self.plays, name=f"{self.name} for {labels['run']}")

    model = Router([Labelled(ServerError("x"), name="a"), Labelled("hi", name="b")], policy=in_order)
    told = model.labelled(run="r")
    assert (await told.respond(ask())).by == "b for r"
    assert [row.model.name for row in told.table] == ["a for r", "b for r"]
    assert [row.resting for row in model.table] == [True, False]
