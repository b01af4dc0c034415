"""A call that is cancelled, or a stream that is left, closes its connection at once: the server sees it."""

import asyncio
from contextlib import aclosing

import pytest

from backedge.providers import Message, TextDelta
from backedge.providers.recorded import RecordedModel
from backedge.providers.shielded import Shielded
from backedge.providers.wrappers.audit import Audited
from backedge.providers.wrappers.breaker import CircuitBreaker
from backedge.providers.wrappers.budget import Budgeted
from backedge.providers.wrappers.budgets import Budget
from backedge.providers.wrappers.cache import Cached
from backedge.providers.wrappers.cost import Priced
from backedge.providers.wrappers.fallback import Fallback
from backedge.providers.wrappers.limits import RateLimited
from backedge.providers.wrappers.retry import Retrying
from backedge.providers.wrappers.routing import Router

from .kit import REQUEST, call
from .server import HEAD, STREAM, page

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE = 5.0  # seconds, on a very busy machine


class Context:
    """Makes steps without recording them."""

    async def step(self, name, made, request, **given):
        return await made(request)


def in_everything(model):
    model = Priced(Retrying(CircuitBreaker(Shielded(model))), price=lambda usage: 0.0)
    model = RateLimited(Budgeted(model, budget=Budget(tokens=10**9)), limits="high")
    model = Cached(Router([Fallback([model])]))
    return RecordedModel(Audited(model, lambda event: None), Context())


@pytest.fixture(params=[lambda model: model, in_everything], ids=["bare", "wrapped"])
def asked(request, model):
    return request.param(model)


class Silence:
    """Answers with the beginning of an answer, and tells when the other side has gone."""

    def __init__(self, *begin):
        self.reached = asyncio.Event()
        self.left = asyncio.Event()
        self._begin = begin

    async def __call__(self, door):
        await door.send(*self._begin)
        self.reached.set()
        await door.gone()
        self.left.set()


class Pieces(list):
    """Pieces of a stream, and whether one has come."""

    def __init__(self):
        self.came = asyncio.Event()

    def append(self, piece):
        super().append(piece)
        self.came.set()


async def at_once(event):
    async with asyncio.timeout(AT_ONCE):
        await event.wait()


@pytest.mark.parametrize("begin", [b"", HEAD + b"content-length: 100\r\n\r\n{"], ids=["no answer", "begun"])
async def test_cancelling_a_whole_call(server, asked, begin):
    server.answer = silence = Silence(begin)
    task = asyncio.create_task(asked.respond(REQUEST))
    await at_once(silence.reached)
    assert not silence.left.is_set()
    task.cancel()
    await at_once(silence.left)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("begun", [False, True], ids=["no answer", "begun"])
async def test_cancelling_who_listens_to_a_stream(server, wire, asked, begun):
    server.answer = silence = Silence(*([STREAM, *wire.unended("It is ")] if begun else []))
    pieces = Pieces()
    task = asyncio.create_task(call(asked, streamed=True, into=pieces))
    await at_once(pieces.came if begun else silence.reached)
    assert not silence.left.is_set()
    task.cancel()
    await at_once(silence.left)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_leaving_a_stream(server, wire, asked):
    server.answer = silence = Silence(STREAM, *wire.unended("It is "))
    async with aclosing(asked.stream(REQUEST)) as events:
        assert await anext(events) == TextDelta(text="It is ")
        assert not silence.left.is_set()
    await at_once(silence.left)


async def test_cancelling_one_call_leaves_others_alone(server, wire, asked):
    silence, go_on = Silence(), asyncio.Event()

    async def answer(door):
        if b"quick" not in door.body:
            await silence(door)
        else:
            await go_on.wait()
            await door.send(page(wire.whole("done")))

    server.answer = answer
    task = asyncio.create_task(asked.respond(REQUEST))
    other = asyncio.create_task(asked.respond(quick()))
    await at_once(silence.reached)
    task.cancel()
    await at_once(silence.left)
    go_on.set()
    assert (await other).text == "done"


def quick():
    return REQUEST.model_copy(update={"messages": (Message.of("user", "quick"),)})
