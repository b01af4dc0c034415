"""Answers are given again, for nothing; equal requests at once are one call; cancelling is right."""

import asyncio
import logging
from contextlib import aclosing

import pytest

from backedge.providers import Finished, Message, Model, ModelResponse, ScriptedModel, ToolCall, Usage
from backedge.providers.errors import Attempt, ServerError, StreamBrokenError
from backedge.providers.recorded import Recordable
from backedge.providers.wrappers import Cached, CacheError, CacheStats, MemoryStore, SqliteStore

from .kit import Played, ask, heard

USAGE = Usage(input_tokens=10, output_tokens=5)


def answer(text="ok", **more):
    return ModelResponse(message=Message.of("assistant", text), **{"usage": USAGE, **more})


class Slow(Recordable):
    """Answers when told; counts who began and whose call was cancelled."""

    def __init__(self, *ends):
        self.name = "slow"
        self.ends = list(ends)
        self.go = asyncio.Event()
        self.begun = self.cancelled = 0

    async def respond(self, request):
        self.begun += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # closing takes a moment
            self.cancelled += 1
            raise
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end

    async def stream(self, request):
        response = await self.respond(request)
        yield Finished(response=response)


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)


def start(*calls):
    return [asyncio.ensure_future(call) for call in calls]


async def test_an_equal_request_is_answered_from_the_cache_for_nothing():
    headers = {"x-ratelimit-remaining-tokens": "0"}
    attempts = (Attempt(model="m"), Attempt(model="m"))
    first = answer(cost=0.5, by="b", id="7", headers=headers, attempts=attempts)
    inside = ScriptedModel([first, answer("other")])
    cached = Cached(inside)
    assert isinstance(cached, Model)
    assert cached.name == "scripted"
    assert await cached.respond(ask("a")) == first
    again = await cached.respond(ask("a"))
    assert again == answer(cost=0.0, by="b", id="7", cached=True, usage=Usage())
    assert (await cached.respond(ask("a", temperature=0.5))).text == "other"
    assert len(inside.requests) == 2
    assert cached.stats == CacheStats(hits=1, misses=2, stored=2, saved_cost=0.5, saved=USAGE)


async def test_what_a_hit_saved_is_unknown_where_its_cost_is():
    cached = Cached(ScriptedModel([answer()]))
    for _ in range(3):
        await cached.respond(ask())
    assert (cached.stats.saved_cost, cached.stats.saved_unpriced) == (0, 2)


async def test_a_stream_is_kept_and_served_in_pieces():
    message = Message.of("assistant", "hello", ToolCall(id="1", name="add", arguments="{}"))
    inside = Played(["he", "llo", ModelResponse(message=message, finish="tool_calls", usage=USAGE)])
    cached = Cached(inside)
    texts, live = await heard(cached.stream(ask()))
    assert (texts, live.cached) == (["he", "llo"], False)
    events = [event async for event in cached.stream(ask())]
    assert [event.kind for event in events] == ["text", "tool_call", "finished"]
    assert events[-1].response.message == message
    assert events[-1].response.cached
    assert (await cached.respond(ask())).cached
    assert inside.asked == 1
    assert (cached.stats.hits, cached.stats.misses) == (2, 1)


@pytest.mark.parametrize("finish", ["length", "refusal", "filtered", "pause"])
async def test_only_finished_good_answers_are_kept(finish):
    inside = ScriptedModel([answer(finish=finish)] * 4)
    cached = Cached(inside)
    await cached.respond(ask())
    await heard(cached.stream(ask()))
    assert not (await cached.respond(ask())).cached
    assert len(inside.requests) == 3
    assert cached.stats.stored == 0


async def test_errors_are_not_kept():
    inside = Played(ServerError("x"), ["a", ServerError("y")], answer())
    cached = Cached(inside)
    with pytest.raises(ServerError, match="x"):
        await cached.respond(ask())
    with pytest.raises(ServerError, match="y"):
        await heard(cached.stream(ask()))
    assert not (await cached.respond(ask())).cached


async def test_a_stream_without_an_end_is_an_error():
    with pytest.raises(StreamBrokenError, match="played: the stream ended"):
        await heard(Cached(Played(["a"], whole=False)).stream(ask()))


async def test_an_answer_lives_as_long_as_it_may():
    time = 0.0
    inside = ScriptedModel([answer("1"), answer("2")])
    cached = Cached(inside, ttl=10, now=lambda: time)
    await cached.respond(ask())
    time = 9.9
    assert (await cached.respond(ask())).text == "1"
    time = 10.0
    assert (await cached.respond(ask())).text == "2"
    assert (await cached.respond(ask())).cached
    with pytest.raises(ValueError, match="above 0"):
        Cached(inside, ttl=0)


async def test_equal_requests_at_once_are_one_call_paid_once():
    inside = Slow(answer(cost=0.5))
    cached = Cached(inside)
    calls = start(cached.respond(ask()), cached.respond(ask()), heard(cached.stream(ask())))
    await settled()
    inside.go.set()
    first, second, (texts, third) = await asyncio.gather(*calls)
    assert inside.begun == 1
    assert [first.cached, second.cached, third.cached] == [False, True, True]
    assert texts == ["ok"]
    assert (first.usage, second.usage, third.usage) == (USAGE, Usage(), Usage())
    assert cached.stats == CacheStats(
        joined=2, misses=1, stored=1, saved_cost=1.0, saved=Usage(input_tokens=20, output_tokens=10)
    )


async def test_other_requests_are_calls_of_their_own():
    inside = Slow(answer(), answer())
    cached = Cached(inside)
    calls = start(cached.respond(ask("a")), cached.respond(ask("b")))
    await settled()
    assert inside.begun == 2
    inside.go.set()
    await asyncio.gather(*calls)


async def test_a_failure_is_everybodys_who_waits_and_the_next_call_is_a_new_one():
    inside = Slow(ServerError("x"), answer())
    cached = Cached(inside)
    calls = start(cached.respond(ask()), cached.respond(ask()), heard(cached.stream(ask())))
    await settled()
    inside.go.set()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [ServerError] * 3
    assert (await cached.respond(ask())).text == "ok"
    assert inside.begun == 2


async def test_when_whoever_made_the_call_is_cancelled_it_ends_and_one_of_the_others_makes_it_anew():
    inside = Slow(answer())
    cached = Cached(inside)
    first, second, third = start(*(cached.respond(ask()) for _ in range(3)))
    await settled()
    first.cancel()
    await settled()
    assert first.cancelled()
    assert (inside.begun, inside.cancelled) == (2, 1)
    inside.go.set()
    assert [(await second).cached, (await third).cached] == [False, True]
    assert inside.begun == 2


async def test_whoever_waits_and_is_cancelled_disturbs_nobody():
    inside = Slow(answer())
    cached = Cached(inside)
    first, second = start(cached.respond(ask()), cached.respond(ask()))
    await settled()
    second.cancel()
    await settled()
    inside.go.set()
    assert not (await first).cached
    assert second.cancelled()
    assert (inside.begun, inside.cancelled) == (1, 0)


async def test_when_all_are_cancelled_so_is_the_call_before_their_cancelling_is_over():
    inside = Slow(answer())
    cached = Cached(inside)
    calls = start(cached.respond(ask()), cached.respond(ask()))
    await settled()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (inside.begun, inside.cancelled) == (1, 1)
    inside.go.set()
    assert (await cached.respond(ask())).text == "ok"  # a new call, not the dying one
    assert inside.begun == 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_when_a_stream_is_left_whoever_waited_for_it_makes_the_call_anew(streamed):
    inside = Played(["a", None], ["b"])
    cached = Cached(inside)
    async with aclosing(cached.stream(ask())) as events:
        await anext(events)
        (follower,) = start(heard(cached.stream(ask())) if streamed else cached.respond(ask()))
        await settled()
        assert inside.asked == 1
    assert inside.closed == 1
    found = await follower
    response = found[1] if streamed else found
    assert (response.text, response.cached, inside.asked) == ("b", False, 2)


async def test_whoever_waits_for_a_stream_gets_its_end_or_its_error():
    for end, expected in ((answer(), "ok"), (ServerError("x"), None)):
        inside = Slow(end)
        cached = Cached(inside)
        leader, follower = start(heard(cached.stream(ask())), cached.respond(ask()))
        await settled()
        inside.go.set()
        ends = await asyncio.gather(leader, follower, return_exceptions=True)
        assert inside.begun == 1
        if expected:
            assert (ends[0][1].cached, ends[1].cached) == (False, True)
        else:
            assert [type(end) for end in ends] == [ServerError] * 2


async def test_a_follower_that_is_cancelled_does_not_disturb_the_stream():
    inside = Slow(answer())
    cached = Cached(inside)
    leader, follower = start(heard(cached.stream(ask())), cached.respond(ask()))
    await settled()
    follower.cancel()
    await settled()
    inside.go.set()
    assert (await leader)[1].text == "ok"
    assert follower.cancelled()


async def test_leaving_a_stream_that_nobody_else_waits_for_leaves_nothing():
    cached = Cached(Played(["a", None], answer()))
    async with aclosing(cached.stream(ask())) as events:
        await anext(events)
    assert not cached._flights._flights
    assert (await cached.respond(ask())).text == "ok"


async def test_a_store_that_fails_does_not_fail_the_call(caplog):
    class Broken(MemoryStore):
        async def get(self, key):
            raise CacheError("no reading")

        async def put(self, key, stored):
            raise CacheError("no writing")

    cached = Cached(ScriptedModel([answer()] * 2), store=Broken())
    with caplog.at_level(logging.WARNING, logger="backedge"):
        for _ in range(2):
            assert (await cached.respond(ask())).text == "ok"
    assert (cached.stats.failures, cached.stats.stored, cached.stats.misses) == (4, 0, 2)
    assert caplog.messages == ["no reading; the cache goes on without it"]


async def test_answers_are_shared_through_a_file_without_headers(tmp_path):
    async with SqliteStore(tmp_path / "a.db") as store:
        kept = answer(cost=0.5, headers={"x-ratelimit-remaining-tokens": "0"})
        await Cached(ScriptedModel([kept]), store=store).respond(ask())
        found = await store.get(*(key for (key,) in (await keys(store))))
        assert found.response.headers == {}
        again = Cached(ScriptedModel([]), store=store)
        assert (await again.respond(ask())).cached
        assert (await heard(again.stream(ask())))[1].cached
        assert again.stats.saved_cost == 1.0


async def keys(store):
    return await store._in_thread(lambda connection: connection.execute("SELECT key FROM answers").fetchall())


async def test_views_share_answers_and_counts_and_hand_labels_on():
    told = []

    class Inside(ScriptedModel):
        def labelled(self, **labels):
            told.append(labels)
            return self

    cached = Cached(Inside([answer()]))
    await cached.labelled(run="r").respond(ask())
    assert (await cached.labelled(agent="a").respond(ask())).cached
    assert (told, cached.stats.hits) == ([{"run": "r"}, {"agent": "a"}], 1)


def test_each_event_loop_waits_for_its_own_calls():
    cached = Cached(ScriptedModel([answer(), answer("other")]))
    assert asyncio.run(cached.respond(ask())).text == "ok"
    assert asyncio.run(cached.respond(ask())).cached


async def test_closing_closes_what_is_inside_and_the_store():
    closed = []

    class Inside(ScriptedModel):
        async def aclose(self):
            closed.append("model")

    class Store(MemoryStore):
        async def aclose(self):
            closed.append("store")

    async with Cached(Inside([]), store=Store()):
        pass
    assert closed == ["model", "store"]
