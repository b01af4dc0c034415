"""Answers that come whole and cannot be used: each is refused with what was spent, none is bent into shape."""

import pytest

from backedge.providers.errors import BadAnswerError, BadToolCallError, StreamBrokenError

from .kit import call, failure
from .server import CHUNKED, STREAM, chunk, page
from .wires import NOTHING, USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINE = '{"city": "Ulm"}'


def answers(wire, streamed, *texts, calls=()):
    """An answer of these texts and tool calls."""
    if not streamed:
        return lambda door: door.send(page(wire.whole("".join(texts), calls)))
    sent = [chunk(event) for event in (*wire.stream(*texts, calls=calls), b"")]
    return lambda door: door.send(CHUNKED, *sent)


async def test_a_tool_call_comes_as_it_was_written(server, wire, model, streamed):
    server.answer = answers(wire, streamed, "Look.", calls=[("c1", "look", FINE), ("c2", "look", "{}")])
    answer = await call(model, streamed=streamed)
    assert [(one.id, one.name, one.arguments) for one in answer.message.tool_calls] == [
        ("c1", "look", FINE),
        ("c2", "look", "{}"),
    ]
    assert (answer.finish, answer.text, answer.usage) == ("tool_calls", "Look.", USAGE)


async def test_streams_that_end_in_order_use_one_connection(server, wire, model):
    server.answer = answers(wire, True, "It is warm.")
    await call(model, streamed=True)
    before = server.connections
    for _ in range(3):
        await call(model, streamed=True)
    assert server.connections == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ('{"city": "Ulm"', "not JSON"),
        ("{'city': 'Ulm'}", "not JSON"),
        (FINE + FINE, "not JSON"),
        ('["Ulm"]', "no JSON object"),
        ('{"city": "Ulm", "city": "Bonn"}', "comes twice"),
        ('{"city": NaN}', "NaN"),
        ('{"city": -Infinity}', "Infinity"),
        ('{"city": "\\ud83d"}', "lone surrogate"),
        ('{"city": ' + "[" * 100 + "]" * 100 + "}", "nested deeper"),
        ('{"city": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
        ('{"city": "' + "x" * 1_000_000 + '"}', "characters long"),
    ],
    ids=[
        "broken",
        "quotes",
        "two",
        "list",
        "twice",
        "nan",
        "infinity",
        "surrogate",
        "deep",
        "deeper",
        "huge",
    ],
)
async def test_arguments_that_cannot_be_used(server, wire, model, streamed, arguments, problem):
    server.answer = answers(wire, streamed, calls=[("c1", "look", arguments)])
    error = await failure(model, streamed=streamed)
    assert isinstance(error, BadAnswerError)
    assert error.retryable
    assert problem in str(error) or "not JSON" in str(error)
    if wire.name != "anthropic" or streamed:
        assert (type(error), error.usage) == (BadToolCallError, USAGE)
        assert "'look'" in str(error)


@pytest.mark.parametrize(
    ("calls", "problem"),
    [
        (
            [("c1", "delete_everything", FINE)],
            "'delete_everything', which it was not offered (offered: look)",
        ),
        ([("c1", "look", FINE), ("c1", "look", "{}")], "two tool calls have the id 'c1'"),
    ],
    ids=["unknown", "same id"],
)
async def test_calls_that_cannot_be_used(server, wire, model, streamed, calls, problem):
    server.answer = answers(wire, streamed, calls=calls)
    error = await failure(model, streamed=streamed)
    assert (type(error), error.usage, error.request_id) == (BadToolCallError, USAGE, "a1")
    assert problem in str(error)


async def test_half_a_character_in_the_words_is_refused(server, wire, model, streamed):
    spoiled = [b"\\ud83d".join(event.split("€".encode())) for event in wire.stream("warm€")]
    whole = wire.whole("warm€").replace("€".encode(), b"\\ud83d")
    server.answer = lambda door: door.send(
        *([CHUNKED, *map(chunk, [*spoiled, b""])] if streamed else [page(whole)])
    )
    error = await failure(model, streamed=streamed)
    assert (type(error), error.usage) == (BadAnswerError, USAGE)
    assert "lone surrogate" in str(error)


async def test_a_whole_answer_that_is_broken_says_so(server, wire, model):
    server.answer = lambda door: door.send(page(wire.whole("warm")[:-5]))
    error = await failure(model, streamed=False)
    assert (type(error), error.retryable, error.usage) == (BadAnswerError, True, NOTHING)
    assert "it is not JSON: Expecting" in str(error)


@pytest.mark.parametrize("head", [STREAM, CHUNKED], ids=["until the end", "chunked"])
async def test_a_stream_without_an_end_marker_is_no_answer(server, wire, model, head):
    pieces = []
    events = wire.unended("It is ", "warm.")

    async def answer(door):
        await door.send(head, *([chunk(event) for event in (*events, b"")] if head is CHUNKED else events))
        await door.cut()

    server.answer = answer
    error = await failure(model, streamed=True, into=pieces)
    assert (type(error), error.retryable, error.usage) == (StreamBrokenError, True, wire.early)
    assert "".join(pieces) == "It is warm."


@pytest.mark.parametrize("event", [b"data: {\n\n", b"data: 7\n\n", b"data: null\n\n", b"data: \xff\n\n"])
async def test_an_event_that_is_none_breaks_the_stream(server, wire, model, event):
    name = b"event: content_block_delta\n" if wire.name == "anthropic" else b""
    events = [*wire.unended("It is "), name + event, *wire.stream("warm.")]
    server.answer = lambda door: door.send(STREAM, *events)
    error = await failure(model, streamed=True)
    assert isinstance(error, BadAnswerError | StreamBrokenError)
    assert (error.retryable, error.usage) == (True, wire.early)


async def test_events_that_come_twice(server, wire, model):
    pieces = []
    twice = [event for event in wire.stream("It is ", "warm.") for _ in range(2)]
    server.answer = lambda door: door.send(CHUNKED, *map(chunk, [*twice, b""]))
    if wire.name == "responses":  # events have numbers
        answer = await call(model, streamed=True, into=pieces)
        assert (answer.text, "".join(pieces), answer.usage) == ("It is warm.", "It is warm.", USAGE)
    elif wire.name == "anthropic":  # blocks have numbers
        error = await failure(model, streamed=True)
        assert (type(error), error.retryable, error.usage) == (BadAnswerError, True, wire.early)
        assert "began twice" in str(error)
    else:  # nothing tells a repeated chunk from a model that repeats itself
        assert (await call(model, streamed=True)).usage == USAGE


async def test_a_tool_call_that_comes_twice_is_never_made_twice(server, wire, model):
    twice = [event for event in wire.stream(calls=[("c1", "look", FINE)]) for _ in range(2)]
    server.answer = lambda door: door.send(CHUNKED, *map(chunk, [*twice, b""]))
    if wire.name == "responses":
        answer = await call(model, streamed=True)
        assert [one.arguments for one in answer.message.tool_calls] == [FINE]
    else:
        assert isinstance(await failure(model, streamed=True), BadAnswerError)
