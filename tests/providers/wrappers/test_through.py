"""Whoever follows a call is told its end exactly once, however it ended."""

import asyncio
from contextlib import aclosing

import pytest

from backedge.providers import ModelError
from backedge.providers.errors import ServerError, StreamBrokenError
from backedge.providers.wrappers.through import respond_through, stream_through

from .kit import Played, ask, heard, says


class Notes:
    def __init__(self):
        self.told = []

    def enter(self, request):
        self.told.append(request)
        return self

    def done(self, response):
        self.told.append(response)
        return response.model_copy(update={"by": "noted"})

    def failed(self, error):
        self.told.append(type(error))


async def test_an_answer_is_handed_on_as_whoever_follows_makes_it():
    notes = Notes()
    response = await respond_through(Played(["hi"]), ask(), notes.enter)
    assert (response.text, response.by) == ("hi", "noted")
    assert notes.told == [ask(), says("hi", tokens=1)]


async def test_a_stream_is_handed_on_and_its_end_as_whoever_follows_makes_it():
    notes = Notes()
    texts, response = await heard(stream_through(Played(["a", "b"]), ask(), notes.enter))
    assert (texts, response.text, response.by) == (["a", "b"], "ab", "noted")
    assert notes.told == [ask(), says("ab", tokens=1)]


async def test_pieces_are_told_where_that_is_asked_for():
    notes = Notes()
    stream = stream_through(
        Played(["a", "b"]), ask(), notes.enter, came=lambda notes, event: notes.told.append(event.text)
    )
    await heard(stream)
    assert notes.told[1:3] == ["a", "b"]
    assert len(notes.told) == 4


async def test_errors_are_told_once():
    notes = Notes()
    model = Played(ServerError("x"))
    with pytest.raises(ServerError):
        await respond_through(model, ask(), notes.enter)
    with pytest.raises(ServerError):
        await heard(stream_through(model, ask(), notes.enter))
    assert notes.told == [ask(), ServerError, ask(), ServerError]


async def test_a_stream_without_an_end_is_an_error():
    notes = Notes()
    with pytest.raises(StreamBrokenError, match="played: the stream ended"):
        await heard(stream_through(Played(["a"], whole=False), ask(), notes.enter))
    assert notes.told[1:] == [StreamBrokenError]


async def test_leaving_a_stream_closes_what_is_inside_at_once():
    notes, model = Notes(), Played(["a", "b"])
    async with aclosing(stream_through(model, ask(), notes.enter)) as events:
        await anext(events)
    assert model.closed == 1
    assert notes.told[1:] == [GeneratorExit]


async def test_leaving_a_stream_at_its_last_event_is_no_failure():
    notes, model = Notes(), Played([])
    async with aclosing(stream_through(model, ask(), notes.enter)) as events:
        assert (await anext(events)).response.by == "noted"
    assert (model.closed, len(notes.told)) == (1, 2)


async def test_a_cancelled_call_is_told():
    notes, model = Notes(), Played([None])
    task = asyncio.ensure_future(respond_through(model, ask(), notes.enter))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes.told[1:] == [asyncio.CancelledError]


async def test_whoever_is_refused_at_the_door_never_reaches_the_model():
    def refuse(request):
        raise ModelError("no")

    model = Played(["a"])
    with pytest.raises(ModelError, match="no"):
        await respond_through(model, ask(), refuse)
    with pytest.raises(ModelError, match="no"):
        await heard(stream_through(model, ask(), refuse))
    assert model.asked == 0


async def test_what_there_is_to_wait_for_is_waited_for_before_the_model_is_asked():
    notes, model, opened = Notes(), Played(["a"]), asyncio.Event()

    async def waits(notes):
        await opened.wait()

    calls = [
        asyncio.ensure_future(respond_through(model, ask(), notes.enter, wait=waits)),
        asyncio.ensure_future(heard(stream_through(model, ask(), notes.enter, wait=waits))),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    assert (notes.told, model.asked) == ([ask(), ask()], 0)
    opened.set()
    await asyncio.gather(*calls)
    assert model.asked == 2
    await respond_through(model, ask(), notes.enter, wait=lambda notes: None)
    assert model.asked == 3


async def test_whoever_gives_up_waiting_never_reaches_the_model_and_is_no_failure():
    notes, model = Notes(), Played(["a"])

    async def waits(notes):
        raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        await respond_through(model, ask(), notes.enter, wait=waits)
    with pytest.raises(ModelError, match="no"):
        await heard(stream_through(model, ask(), notes.enter, wait=waits))
    assert (notes.told, model.asked) == ([ask(), ask()], 0)
