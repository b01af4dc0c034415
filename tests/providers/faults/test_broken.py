"""Connections that fail, stall, lie and never end, over a real socket: an error in time, never a piece of an answer."""

import asyncio
import gzip
import socket

import pytest

from backedge.providers.errors import (
    BadAnswerError,
    ModelConnectionError,
    ModelTimeoutError,
    StreamBrokenError,
)
from backedge.providers.wire import bounds

from .kit import call, failure
from .server import CHUNKED, HEAD, STREAM, chunk, page
from .wires import NOTHING, USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sends(*pieces, then="cut"):
    """An answer of these pieces, after which the connection is cut, reset, or silent."""

    async def answer(door):
        await door.send(*pieces)
        await (door.gone() if then == "silence" else getattr(door, then)())

    return answer


async def test_nobody_listens(wire, streamed):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        async with wire.model(f"http://127.0.0.1:{taken.getsockname()[1]}/v1") as model:
            error = await failure(model, streamed=streamed)
    assert (type(error), error.retryable, error.usage) == (ModelConnectionError, True, NOTHING)


async def test_a_connection_that_is_not_made_is_not_waited_for_any_longer(wire, streamed):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(3)]  # fill the queue: who comes now gets no answer
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        async with wire.model(f"http://127.0.0.1:{full.getsockname()[1]}/v1", timeout=0.1) as model:
            error = await failure(model, streamed=streamed)
        for other in others:
            other.close()
    assert (type(error), error.retryable) == (ModelTimeoutError, True)
    assert "no connection in time" in str(error)


@pytest.mark.parametrize("then", ["cut", "reset"])
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200", HEAD + b"content-type: text/ev"])
async def test_a_connection_that_ends_before_the_answer(server, model, streamed, before, then):
    server.answer = sends(before, then=then)
    error = await failure(model, streamed=streamed)
    assert (type(error), error.retryable, error.usage) == (ModelConnectionError, True, NOTHING)


@pytest.mark.parametrize("then", ["cut", "reset"])
async def test_a_whole_answer_that_is_cut_is_none(server, wire, model, then):
    server.answer = sends(page(wire.whole("It is warm."))[:-9], then=then)
    error = await failure(model, streamed=False)
    assert (type(error), error.retryable) == (ModelConnectionError, True)


@pytest.mark.parametrize("then", ["cut", "reset"])
@pytest.mark.parametrize("head", [STREAM, CHUNKED], ids=["until the end", "chunked"])
async def test_a_stream_that_is_cut_between_events_is_no_answer(server, wire, model, head, then):
    pieces = []
    events = wire.unended("It is ", "warm.")
    sent = [chunk(event) for event in events] if head is CHUNKED else events

    async def answer(door):
        await door.send(head, *sent)
        await asyncio.sleep(0.1)  # a reset overtakes what is on its way
        await getattr(door, then)()

    server.answer = answer
    error = await failure(model, streamed=True, into=pieces)
    assert (type(error), error.retryable, error.usage) == (StreamBrokenError, True, wire.early)
    assert "".join(pieces) == "It is warm."


@pytest.mark.parametrize("then", ["cut", "silence"])
@pytest.mark.parametrize("off", [1, 20])
async def test_a_stream_that_breaks_off_within_an_event_is_no_answer(server, wire, hasty, off, then):
    pieces = []
    *events, last = wire.unended("It is ", "warm, I say, and will be.")
    server.answer = sends(STREAM, *events, last[:-off], then=then)
    error = await failure(hasty, streamed=True, into=pieces)
    kind = ModelTimeoutError if then == "silence" else StreamBrokenError
    assert (type(error), error.retryable, error.usage) == (kind, True, wire.early)
    assert "".join(pieces) in ("It is ", "It is warm, I say, and will be.")


async def test_a_stream_that_breaks_off_within_a_character_is_no_answer(server, wire, model):
    pieces = []
    *events, last = wire.unended("It is ", "warm€")
    server.answer = sends(STREAM, *events, last[: last.index("€".encode()) + 1])
    error = await failure(model, streamed=True, into=pieces)
    assert (type(error), error.retryable, error.usage) == (StreamBrokenError, True, wire.early)
    assert "".join(pieces) == "It is "


async def test_a_character_may_come_in_pieces(server, wire, model):
    events = wire.stream("wärm €🌡")
    place = next(number for number, event in enumerate(events) if "🌡".encode() in event)
    letters = [events[place][at : at + 1] for at in range(len(events[place]))]
    server.answer = sends(STREAM, *events[:place], *letters, *events[place + 1 :])
    assert (await call(model, streamed=True)).text == "wärm €🌡"


async def test_silence_instead_of_an_answer(server, hastier, streamed):
    server.answer = sends(then="silence")
    error = await failure(hastier, streamed=streamed)
    assert (type(error), error.retryable, error.usage) == (ModelTimeoutError, True, NOTHING)


async def test_silence_in_the_middle_of_a_whole_answer(server, wire, hastier):
    server.answer = sends(page(wire.whole("It is warm."))[:-9], then="silence")
    error = await failure(hastier, streamed=False)
    assert (type(error), error.retryable) == (ModelTimeoutError, True)


async def test_silence_in_the_middle_of_a_stream(server, wire, hasty):
    pieces = []
    server.answer = sends(STREAM, *wire.unended("It is "), then="silence")
    error = await failure(hasty, streamed=True, into=pieces)
    assert (type(error), error.retryable, error.usage) == (ModelTimeoutError, True, wire.early)
    assert "".join(pieces) == "It is "


@pytest.mark.parametrize("sign", [b": still here\n\n", b'event: ping\ndata: {"type": "ping"}\n\n', b"\n"])
async def test_signs_of_life_are_no_answer(server, wire, hasty, sign):
    async def answer(door):
        await door.send(STREAM, *wire.unended("It is "))
        while door.listened:
            await door.send(sign)
            await asyncio.sleep(0.03)

    server.answer = answer
    error = await failure(hasty, streamed=True)
    assert (type(error), error.retryable, error.usage) == (ModelTimeoutError, True, wire.early)


async def test_blanks_before_an_answer_are_no_answer(server, hastier, streamed):
    async def answer(door):
        await door.send(HEAD + b"content-type: application/json\r\n\r\n")
        while door.listened:
            await door.send(b"\n")
            await asyncio.sleep(0.03)

    server.answer = answer
    error = await failure(hastier, streamed=streamed)
    assert (type(error), error.retryable) == (ModelTimeoutError, True)


@pytest.mark.parametrize(
    "piece",
    [
        b"x: y\r\n",
        b"x",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        HEAD + b"content-type: text/event-stream\r\n\r\n\n",
    ],
    ids=["headers", "a header", "continues", "heads"],
)
async def test_a_head_without_an_end(server, hastier, streamed, piece):
    async def answer(door):
        await door.send(HEAD if b"HTTP" not in piece else b"")
        await door.forever(piece * 100, every=0.01)

    server.answer = answer
    error = await failure(hastier, streamed=streamed)
    assert type(error) in (ModelConnectionError, ModelTimeoutError, BadAnswerError, StreamBrokenError)
    assert error.retryable


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_a_body_without_an_end(server, model, streamed, status, packed, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_BYTES", 500_000)
    kind = b"text/event-stream" if streamed and status == 200 else b"application/json"
    encoding = b"content-encoding: gzip\r\n" if packed else b""
    head = b"HTTP/1.1 %d X\r\ncontent-type: %s\r\n%s\r\n" % (status, kind, encoding)
    blanks = b"data: " + b" " * 100_000
    piece = gzip.compress(blanks * 25) if packed else blanks

    async def answer(door):
        await door.send(head)
        await door.forever(piece)

    server.answer = answer
    error = await failure(model, streamed=streamed)
    assert error.retryable
    assert "longer than" in str(error)


async def test_an_answer_that_says_it_is_longer(server, wire, model, streamed):
    body = b"".join(wire.stream("It is warm.")[:-1]) if streamed else wire.whole("It is warm.")
    kind = "text/event-stream" if streamed else "application/json"
    server.answer = sends(page(body, kind=kind, length=len(body) + 1000))
    error = await failure(model, streamed=streamed)
    assert type(error) is (StreamBrokenError if streamed else ModelConnectionError)
    assert error.retryable


async def test_an_answer_that_says_it_is_shorter(server, wire, model, streamed):
    body = b"".join(wire.unended("It is warm.")) if streamed else wire.whole("It is warm.")
    kind = "text/event-stream" if streamed else "application/json"
    server.answer = sends(page(body, kind=kind, length=len(body) - 20))
    error = await failure(model, streamed=streamed)
    assert type(error) is (StreamBrokenError if streamed else BadAnswerError)
    assert error.retryable


@pytest.mark.parametrize(
    "said",
    [
        b"\x15\x03\x01\x00\x02\x02\x50",  # TLS, where none was asked for
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"\x00" * 300_000,
    ],
)
async def test_what_is_no_http_is_no_answer(server, model, streamed, said):
    server.answer = sends(said)
    error = await failure(model, streamed=streamed)
    assert type(error) in (ModelConnectionError, StreamBrokenError, BadAnswerError)
    assert error.retryable


async def test_a_packed_answer_is_unpacked(server, wire, model, streamed):
    body = b"".join(wire.stream("It is ", "warm.")) if streamed else wire.whole("It is warm.")
    kind = "text/event-stream" if streamed else "application/json"
    server.answer = sends(page(gzip.compress(body), kind=kind, headers=["content-encoding: gzip"]))
    answer = await call(model, streamed=streamed)
    assert (answer.text, answer.usage) == ("It is warm.", USAGE)


@pytest.mark.parametrize("broken", ["not packed", "cut"])
async def test_what_cannot_be_unpacked_is_no_answer(server, wire, model, streamed, broken):
    body = b"".join(wire.stream("It is warm.")) if streamed else wire.whole("It is warm.")
    kind = "text/event-stream" if streamed else "application/json"
    packed = body if broken == "not packed" else gzip.compress(body)[:60]
    server.answer = sends(page(packed, kind=kind, headers=["content-encoding: gzip"]))
    error = await failure(model, streamed=streamed)
    assert type(error) in (ModelConnectionError, StreamBrokenError, BadAnswerError)
    assert error.retryable
