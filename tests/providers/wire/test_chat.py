import asyncio
import json
import logging
import subprocess
import sys
from contextlib import aclosing, asynccontextmanager

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers.errors import (
    BadAnswerError,
    BadRequestError,
    BadToolCallError,
    MissingKeyError,
    ModelConnectionError,
    ModelError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    StreamBrokenError,
    UnsupportedError,
)
from backedge.providers.messages import Message, Usage
from backedge.providers.protocol import Finished, Model, ModelRequest, TextDelta, ToolSpec
from backedge.providers.wire.chat import ChatModel

from .replay import Body, answering, sse

KEY = "canary-0123456789"
URL = "http://test.invalid/v1"
JSON = [("content-type", "application/json")]
EVENTS = [("content-type", "text/event-stream")]
HELLO = ModelRequest(messages=(Message.of("user", "hello"),))
WITH_TOOL = HELLO.model_copy(
    update={"tools": (ToolSpec(name="f", description="", parameters={"type": "object", "properties": {}}),)}
)


def chunk(finish=None, **delta):
    return {"id": "id-1", "model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(arguments, name="f"):
    return {"index": 0, "id": "c1", "function": {"name": name, "arguments": arguments}}


USAGE = {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}
WHOLE = {
    "id": "id-1",
    "model": "m-1",
    "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
    "usage": USAGE["usage"],
}
STREAM = sse(chunk(content="Hel"), chunk(content="lo"), chunk("stop"), USAGE)


@asynccontextmanager
async def chat(transport, **more):
    async with httpx2.AsyncClient(transport=transport, follow_redirects=True) as client:
        yield ChatModel("x:m", **{"model": "m", "base_url": URL, "key": KEY, **more}, http_client=client)


async def responded(transport, request=HELLO, **more):
    async with chat(transport, **more) as model:
        return await model.respond(request)


async def streamed(transport, request=HELLO, **more):
    async with chat(transport, **more) as model:
        return [event async for event in model.stream(request)]


async def both_fail(transport, expected, request=HELLO):
    """The errors of both ways to ask."""
    found = []
    for way in (responded, streamed):
        with pytest.raises(expected) as caught:
            await way(transport, request)
        assert type(caught.value) is expected
        found.append(caught.value)
    return found


async def test_it_is_a_model():
    transport, _ = answering(content=json.dumps(WHOLE), headers=JSON)
    async with chat(transport) as model:
        assert isinstance(model, Model)
        assert model.name == "x:m"


async def test_an_answer_is_given_whole_or_in_pieces_and_is_the_same():
    transport, sent = answering(
        content=json.dumps(WHOLE), headers=[*JSON, ("x-ratelimit-remaining-requests", "7")]
    )
    response = await responded(transport)
    assert (response.text, response.finish, response.by) == ("Hello", "stop", "x:m")
    assert response.usage == Usage(input_tokens=2, output_tokens=1)
    assert response.headers == {"x-ratelimit-remaining-requests": "7"}
    assert str(sent[0].url) == f"{URL}/chat/completions"
    transport, _ = answering(content=STREAM, headers=[*EVENTS, ("x-ratelimit-remaining-requests", "7")])
    *pieces, last = await streamed(transport)
    assert pieces == [TextDelta(text="Hel"), TextDelta(text="lo")]
    assert isinstance(last, Finished)
    assert last.response.model_copy(update={"raw": None}) == response.model_copy(update={"raw": None})


async def test_blank_lines_before_an_answer_are_passed_over():
    transport, _ = answering(content="\n\n  \n" + json.dumps(WHOLE), headers=JSON)
    assert (await responded(transport)).text == "Hello"


async def test_parameters_in_the_address_are_sent_behind_each_request():
    transport, sent = answering(content=json.dumps(WHOLE), headers=JSON)
    await responded(transport, base_url=f"{URL}?api-version=1")
    assert str(sent[0].url) == f"{URL}/chat/completions?api-version=1"


async def test_azure_gets_its_key_in_its_own_header():
    transport, sent = answering(content=json.dumps(WHOLE), headers=JSON)
    await responded(transport, base_url="https://mine.openai.azure.com/openai/v1")
    assert sent[0].headers["api-key"] == KEY
    assert "authorization" not in sent[0].headers


async def test_a_whole_answer_to_the_wish_for_a_stream_is_taken():
    transport, _ = answering(content=json.dumps(WHOLE), headers=JSON)
    first, last = await streamed(transport)
    assert first == TextDelta(text="Hello")
    assert last.response.text == "Hello"


async def test_a_page_with_status_200_is_no_answer():
    transport, _ = answering(content="<html><title>Sign in</title>", headers=[("content-type", "text/html")])
    for error in await both_fail(transport, BadAnswerError):
        assert error.message == "a page of HTML titled 'Sign in' instead of the API's JSON"
        assert error.status == 200


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '"x"', "[" * 100_000, '{"choices": []}', "{}"])
async def test_what_is_no_answer_is_said_to_be_none(body):
    transport, _ = answering(content=body, headers=JSON)
    await both_fail(transport, BadAnswerError)


async def test_an_error_with_status_200_is_an_error():
    transport, _ = answering(content='{"error": {"message": "busy", "code": 503}}', headers=JSON)
    for error in await both_fail(transport, OverloadedError):
        assert str(error).startswith("x:m: busy")


async def test_an_error_with_its_status_says_who_and_what_and_when_to_come_back():
    content = '{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'
    transport, sent = answering(429, content, [*JSON, ("retry-after", "7"), ("x-request-id", "r1")])
    for error in await both_fail(transport, RateLimitError):
        assert str(error) == "x:m: slow down (status 429, rate_limit_exceeded, request r1)"
        assert error.retry_after == 7.0
        assert error.__context__ is None
    assert len(sent) == 2


async def test_a_key_does_not_follow_a_redirect():
    transport, sent = answering(308, "", [("location", "https://elsewhere.invalid/v1")])
    for error in await both_fail(transport, NotFoundError):
        assert "https://elsewhere.invalid/v1" in error.message
    assert [request.url.host for request in sent] == ["test.invalid"] * 2


@pytest.mark.parametrize(
    ("pieces", "expected", "words"),
    [
        ([sse(chunk(content="Hel"), done=False)], StreamBrokenError, "without its last event"),
        ([sse(chunk(content="Hel"))], StreamBrokenError, "without its last event"),
        (
            [sse(chunk(content="Hel"), done=False), 'data: {"choi'],
            StreamBrokenError,
            "without its last event",
        ),
        ([sse(chunk(content="Hel"), done=False), 'data: {"choi\n\n'], BadAnswerError, "not JSON"),
        ([sse(chunk(content="Hel"), "[1]")], BadAnswerError, "no JSON object but list"),
        ([""], StreamBrokenError, "empty"),
        (["data: [DONE]\n\n"], StreamBrokenError, "empty"),
        ([": hello\n\n"], StreamBrokenError, "empty"),
        ([sse(chunk(content="Hel"), {"error": {"message": "busy", "code": 503}})], OverloadedError, "busy"),
        ([sse(chunk(content="Hel"), {"error": "odd"})], BadAnswerError, "odd"),
        ([sse(chunk(content="Hel"), chunk("error"))], None, "stopped with an error"),
        ([sse(chunk(content="\ud800"), chunk("stop"))], BadAnswerError, "half of a character"),
        ([sse(chunk(tool_calls=7), chunk("stop"))], BadAnswerError, "the answer is not the API's: TypeError"),
        ([sse(chunk(content="Hel"), done=False), httpx2.ReadError("reset")], StreamBrokenError, "reset"),
        (
            [sse(chunk(content="Hel"), done=False), httpx2.ReadTimeout("")],
            ModelTimeoutError,
            "no more of the answer",
        ),
        ([httpx2.ReadError("reset")], ModelConnectionError, "reset"),
    ],
)
async def test_a_stream_that_goes_wrong_ends_in_an_error_that_says_how(pieces, expected, words):
    body = Body(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    transport, _ = answering(headers=EVENTS, body=body)
    with pytest.raises(ModelError, match=words) as caught:
        await streamed(transport)
    assert expected is None or type(caught.value) is expected
    assert caught.value.model == "x:m"
    assert caught.value.retryable
    assert body.closed


KEYS = st.sampled_from(
    (
        "choices",
        "delta",
        "message",
        "content",
        "role",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "index",
        "id",
        "usage",
        "error",
        "type",
        "text",
        "thinking",
        "reasoning",
        "reasoning_details",
        "images",
        "image_url",
        "url",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens_details",
        "cost",
    )
)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats()
    | st.sampled_from(["", "x", "stop", "thinking"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
CHOICE = st.fixed_dictionaries(
    {}, optional={"delta": ODD, "message": ODD, "finish_reason": ODD, "index": ODD}
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2) | ODD},
    optional={"usage": ODD, "id": ODD, "model": ODD, "x_groq": ODD},
)


@given(bodies=st.lists(CHUNK | ODD, min_size=1, max_size=3))
def test_whatever_comes_ends_in_an_answer_or_in_an_error_of_ours(bodies):
    async def ask():
        for way, content, headers in (
            (responded, json.dumps(bodies[0]), JSON),
            (streamed, sse(*map(json.dumps, bodies)), EVENTS),
        ):
            transport, _ = answering(content=content, headers=headers)
            failed = None
            try:
                found = await way(transport)
            except ModelError as error:
                failed = error
            assert failed.model == "x:m" if failed else way is responded or isinstance(found[-1], Finished)

    asyncio.run(ask())


async def test_what_was_spent_before_a_stream_broke_is_told():
    transport, _ = answering(content=sse(chunk(content="Hel"), USAGE), headers=EVENTS)
    with pytest.raises(StreamBrokenError) as caught:
        await streamed(transport)
    assert caught.value.usage == Usage(input_tokens=2, output_tokens=1)


async def test_an_end_marker_may_be_missing_when_the_model_said_why_it_stopped():
    transport, _ = answering(
        content=sse(chunk(content="Hi"), chunk("stop"), USAGE, done=False), headers=EVENTS
    )
    assert (await streamed(transport))[-1].response.usage.input_tokens == 2


async def test_a_call_that_cannot_be_used_is_an_error_that_says_what_was_spent():
    message = {"content": None, "tool_calls": [call("{'a'")]}
    body = {**WHOLE, "choices": [{"message": message, "finish_reason": "tool_calls"}]}
    transport, _ = answering(content=json.dumps(body), headers=JSON)
    with pytest.raises(BadToolCallError) as caught:
        await responded(transport, WITH_TOOL)
    assert caught.value.usage.input_tokens == 2
    pieces = (
        chunk(tool_calls=[call('{"a":')]),
        chunk(tool_calls=[call('{"a":')]),
        chunk("tool_calls"),
        USAGE,
    )
    transport, _ = answering(content=sse(*pieces), headers=EVENTS)
    with pytest.raises(BadToolCallError) as caught:
        await streamed(transport, WITH_TOOL)
    assert caught.value.usage.input_tokens == 2


async def test_a_request_that_cannot_be_said_is_refused_before_it_is_sent():
    transport, sent = answering(content=json.dumps(WHOLE), headers=JSON)
    for error in await both_fail(transport, UnsupportedError, HELLO.model_copy(update={"extra": {"n": 2}})):
        assert error.model == "x:m"
    nan = HELLO.model_copy(update={"temperature": float("nan")})
    await both_fail(transport, UnsupportedError, nan)
    assert sent == []


async def test_leaving_a_stream_early_closes_the_connection():
    never = asyncio.Event()
    body = Body([sse(chunk(content="Hel"), done=False).encode(), never.wait])
    transport, _ = answering(headers=EVENTS, body=body)
    async with chat(transport) as model:
        async with aclosing(model.stream(HELLO)) as events:
            assert await anext(events) == TextDelta(text="Hel")
            assert not body.closed
        assert body.closed


async def test_cancelling_a_stream_closes_the_connection_at_once():
    waiting = asyncio.Event()

    async def stall():
        waiting.set()
        await asyncio.Event().wait()

    body = Body([sse(chunk(content="Hel"), done=False).encode(), stall])
    transport, _ = answering(headers=EVENTS, body=body)
    async with chat(transport) as model:

        async def read():
            async for _ in model.stream(HELLO):
                pass

        task = asyncio.create_task(read())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed


@pytest.mark.parametrize("way", ["respond", "stream"])
async def test_cancelling_while_an_answer_is_waited_for_closes_the_connection_at_once(way):
    waiting = asyncio.Event()

    async def stall():
        waiting.set()
        await asyncio.Event().wait()

    body = Body([stall])
    headers = JSON if way == "respond" else EVENTS
    transport, _ = answering(headers=headers, body=body)
    async with chat(transport) as model:
        asking = model.respond(HELLO) if way == "respond" else anext(model.stream(HELLO))
        task = asyncio.ensure_future(asking)
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed


async def test_many_tasks_may_ask_at_once():
    transport, sent = answering(content=STREAM, headers=EVENTS)
    async with chat(transport) as model:

        async def ask():
            return [event async for event in model.stream(HELLO)][-1].response.text

        assert await asyncio.gather(*(ask() for _ in range(50))) == ["Hello"] * 50
    assert len(sent) == 50


async def test_the_key_is_nowhere_to_be_seen(caplog):
    caplog.set_level(logging.DEBUG)
    secret_url = f"http://user:{KEY}@test.invalid/v1?key={KEY}"
    told = json.dumps({"error": {"message": f"{KEY} is wrong", "code": KEY}})
    transport, _ = answering(401, told, JSON)
    async with chat(transport, base_url=secret_url, headers={"X-Api-Key": KEY}) as model:
        with pytest.raises(ModelError) as caught:
            await model.respond(HELLO)
    error = caught.value
    shown = f"{model!r} {model} {vars(model)} {error!r} {error} {error.args} {vars(error)}"
    assert KEY not in shown
    assert repr(model) == "ChatModel('x:m', model='m', base_url='http://test.invalid/v1')"
    ours = [record for record in caplog.records if record.name.startswith("backedge")]
    assert KEY not in " ".join(record.getMessage() for record in ours)


def test_an_empty_key_is_refused_when_the_model_is_made():
    with pytest.raises(MissingKeyError, match="x:m: the key is empty"):
        ChatModel("x:m", model="m", base_url=URL, key=" ")


async def test_closing_closes_what_the_model_opened_itself():
    async with ChatModel("x:m", model="m", base_url=URL) as model:
        client = model._clients.here()
    assert client.is_closed()


async def test_a_bad_request_is_named_by_the_provider():
    transport, _ = answering(400, '{"error": {"message": "no such role", "code": "unsupported_value"}}', JSON)
    for error in await both_fail(transport, BadRequestError):
        assert (error.code, error.retryable) == ("unsupported_value", False)


@pytest.mark.parametrize("way", ["respond", "stream"])
def test_without_the_client_installed_it_says_what_to_install(way):
    code = f"""
import asyncio, sys
sys.modules["openai"] = sys.modules["httpx2"] = None  # as if they were not installed
from backedge.providers import Message, ModelRequest
from backedge.providers.errors import MissingPackageError
from backedge.providers.wire.chat import ChatModel
model = ChatModel("x:m", model="m", base_url="http://h/v1")
request = ModelRequest(messages=(Message.of("user", "hi"),))
async def ask():
    await model.respond(request) if {way!r} == "respond" else await anext(model.stream(request))
try:
    asyncio.run(ask())
except MissingPackageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "x:m: the package 'openai' is not installed: pip install 'backedge[openai]'\n"


def test_making_a_model_loads_no_client():
    code = (
        "import sys; from backedge.providers.wire.chat import ChatModel;"
        "ChatModel('x', model='m', base_url='http://h/v1', key='k');"
        "print([m for m in ('openai', 'anthropic', 'httpx2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
