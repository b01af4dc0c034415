"""No answer is longer than it may be, and signs of life are nobody's event."""

import httpx2
import pytest

from backedge.providers.wire import bounds
from backedge.providers.wire.bounds import TooLongError, bound, next_event, read_rest


class Pieces(httpx2.AsyncByteStream):
    def __init__(self, count):
        self.count = count
        self.closed = False

    async def __aiter__(self):
        for _ in range(self.count):
            yield b"x" * 10

    async def aclose(self):
        self.closed = True


async def bounded(count, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_BYTES", 100)
    response = httpx2.Response(200, stream=Pieces(count))
    await bound(response)
    return response


async def test_an_answer_that_is_just_not_too_long_is_read(monkeypatch):
    assert await (await bounded(10, monkeypatch)).aread() == b"x" * 100


async def test_an_answer_that_is_too_long_is_refused_and_closed(monkeypatch):
    response = await bounded(11, monkeypatch)
    with pytest.raises(TooLongError, match="longer than 100 bytes"):
        await response.aread()
    assert response.stream.closed


async def events(*given):
    for one in given:
        if isinstance(one, Exception):
            raise one
        yield one


async def test_signs_of_life_are_passed_over():
    found = events({"type": "ping"}, {"type": "keepalive"}, {"type": "text"}, 7)
    assert [await next_event(found) for _ in range(4)] == [{"type": "text"}, 7, None, None]


async def test_the_rest_is_read_whatever_it_is():
    for rest in (events(1, 2), events(ValueError("no JSON"), 3)):
        await read_rest(rest)
        assert await anext(rest, None) is None
