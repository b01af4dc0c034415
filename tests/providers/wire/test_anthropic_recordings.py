"""Every recorded call of the Messages API goes through our model over the official client, there and back."""

import json

import httpx2
import pytest

from backedge.providers.errors import (
    AuthenticationError,
    BadRequestError,
    BadToolCallError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    TooLargeError,
)
from backedge.providers.messages import Message, Reasoning
from backedge.providers.protocol import Finished, ModelRequest, ReasoningDelta, TextDelta, ToolCallDelta
from backedge.providers.wire.anthropic import LONGEST_UNSTREAMED, AnthropicModel
from backedge.providers.wire.anthropic_body import body_of

from .anthropic_requests import comparable, decoded
from .bodies import body_pair, offered, reported, reported_pair
from .replay import WIRE, each_of, needs_recordings, pairs, playing, read_sse

PAIRS = pairs("/messages")

# Requests that cannot be said with our types, and why.
UNSAYABLE = {
    "anthropic/ddtrace__anthropic_completion_error#0": "it is broken on purpose: a message that is a string",
}

FAILURES = {
    "anthropic/braintrust__test_anthropic_client_error#0": NotFoundError,
    "anthropic/ddtrace__anthropic_completion_error#0": BadRequestError,
    "anthropic/pai__test_anthropic-test_anthropic_explicit_effort_xhigh_unsupported_model_errors#0": BadRequestError,
    "anthropic/ruby_llm__chat_error_handling_with_anthropic_claude-haiku-4-5_raises_appropriate_auth_error#0": AuthenticationError,
}

GOOD = [pair for pair in PAIRS if pair.id not in FAILURES]
FINISH = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length", "refusal": "refusal"}

pytestmark = needs_recordings


def model_of(pair, transport):
    client = httpx2.AsyncClient(transport=transport)
    return client, AnthropicModel(
        f"anthropic:{pair.body['model']}",
        model=pair.body["model"],
        key="sk-ant-canary-0001",
        http_client=client,
    )


def request_of(pair):
    return ModelRequest(messages=(Message.of("user", "?"),)) if pair.id in UNSAYABLE else decoded(pair.body)


def message_in(pair):
    """The message that a recorded answer holds, put together without our code."""
    if not pair.streamed:
        return json.loads(pair.answer)
    message, blocks, pieces = {}, {}, {}
    for _, event in read_sse(pair.answer):
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            blocks[event["index"]] = event["content_block"]
        elif event["type"] == "content_block_delta":
            kind, value = next((k, v) for k, v in event["delta"].items() if k != "type")
            pieces.setdefault((event["index"], kind), []).append(value)
        elif event["type"] == "message_delta":
            message.update(event["delta"])
            message["usage"].update(event["usage"])
    for (index, kind), values in pieces.items():
        if kind == "partial_json":
            blocks[index]["input"] = json.loads("".join(values) or "{}")
        elif kind == "citation":
            blocks[index]["citations"] = values
        else:
            blocks[index][kind] = blocks[index].get(kind, "") + "".join(values)
    return {**message, "content": list(blocks.values())}


def assert_same(response, message):
    """The response says what the message says."""
    blocks = message["content"]
    by_kind = {kind: [b for b in blocks if b["type"] == kind] for kind in ("text", "tool_use", "thinking")}
    kinds = {
        "text": "text",
        "tool_use": "tool_call",
        "thinking": "reasoning",
        "redacted_thinking": "reasoning",
    }
    assert [part.kind for part in response.message.parts] == [kinds.get(b["type"], "other") for b in blocks]
    assert response.text == "".join(block["text"] for block in by_kind["text"])
    assert [(call.id, call.name, json.loads(call.arguments)) for call in response.message.tool_calls] == [
        (block["id"], block["name"], block["input"]) for block in by_kind["tool_use"]
    ]
    thoughts = [part.text for part in response.message.parts if isinstance(part, Reasoning) and part.text]
    assert thoughts == [block["thinking"] for block in by_kind["thinking"] if block["thinking"]]
    used = message["usage"]
    read, written = used.get("cache_read_input_tokens") or 0, used.get("cache_creation_input_tokens") or 0
    assert response.usage.input_tokens == used["input_tokens"] + read + written
    assert (response.usage.cached_tokens, response.usage.cache_write_tokens) == (read, written)
    assert response.usage.output_tokens == used["output_tokens"]
    assert response.finish == FINISH[message["stop_reason"]]
    assert (response.id, response.model) == (message["id"], message["model"])


def sent_back(response, model):
    """The blocks that the next request holds for an answer."""
    messages = (Message.of("user", "?"), response.message)
    body = body_of(ModelRequest(messages=messages), model=model, max_tokens=1)
    return body["messages"][1]["content"] if len(body["messages"]) > 1 else []


def without_citations(blocks):
    kept = [{k: v for k, v in b.items() if b["type"] != "text" or k != "citations"} for b in blocks]
    called = [
        {k: v for k, v in b.items() if b["type"] != "tool_use" or (k, v) != ("caller", {"type": "direct"})}
        for b in kept
    ]
    return [block for block in called if block.get("text") != ""]


@each_of([pair for pair in GOOD if not pair.streamed])
async def test_a_recorded_answer_is_read(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        response = await model.respond(request_of(pair))
    message = message_in(pair)
    assert_same(response, message)
    assert response.raw == message
    assert response.by == f"anthropic:{pair.body['model']}"
    assert len(sent) == 1
    assert sent_back(response, pair.body["model"]) == without_citations(message["content"])


@pytest.mark.parametrize("seed", [None, 7])
@each_of([pair for pair in GOOD if pair.streamed])
async def test_a_recorded_stream_is_read_wherever_it_is_cut(pair, seed):
    transport, _ = playing(pair, seed=seed)
    client, model = model_of(pair, transport)
    async with client:
        events = [event async for event in model.stream(request_of(pair))]
    *pieces, finished = events
    assert isinstance(finished, Finished)
    response, message = finished.response, message_in(pair)
    assert_same(response, message)
    assert "".join(e.text for e in pieces if isinstance(e, TextDelta)) == response.text
    thoughts = "".join(p.text for p in response.message.parts if isinstance(p, Reasoning))
    assert "".join(e.text for e in pieces if isinstance(e, ReasoningDelta)) == thoughts
    calls = [e for e in pieces if isinstance(e, ToolCallDelta)]
    for index, call in enumerate(response.message.tool_calls):
        mine = [e for e in calls if e.index == index]
        assert (mine[0].id, mine[0].name) == (call.id, call.name)
        assert json.loads("".join(e.arguments for e in mine) or "{}") == json.loads(call.arguments)
    assert sent_back(response, pair.body["model"]) == without_citations(message["content"])


@each_of([pair for pair in PAIRS if pair.id in FAILURES])
async def test_a_recorded_failure_is_the_right_error(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        with pytest.raises(FAILURES[pair.id]) as caught:
            await model.respond(request_of(pair))
    assert caught.value.status == pair.status
    assert json.loads(pair.answer)["error"]["message"] == caught.value.message
    assert not caught.value.retryable
    assert len(sent) == 1


@each_of([pair for pair in PAIRS if pair.id not in UNSAYABLE])
async def test_a_recorded_request_is_said_again(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        if pair.id in FAILURES:
            with pytest.raises(FAILURES[pair.id]):
                await model.respond(request_of(pair))
        elif pair.streamed:
            async for _ in model.stream(request_of(pair)):
                pass
        else:
            await model.respond(request_of(pair))
    (request,) = sent
    body = json.loads(request.content)
    long = pair.body["max_tokens"] > LONGEST_UNSTREAMED
    assert body.get("stream", False) == (pair.streamed or long)
    assert comparable(body) == comparable(pair.body)
    assert request.url.path == "/v1/messages"
    old = any(key in pair.body for key in ("temperature", "top_p", "top_k"))
    assert (request.headers["anthropic-version"] == "2023-06-01") is old


# Bodies of other projects' tests, without requests. What a tool call is cut off in cannot be used.
CUT_OFF = "anthropic-sdk__incomplete_partial_json_response.txt"
BODIES = [
    "anthropic-sdk__basic_response.txt",
    "anthropic-sdk__fallback_response.txt",
    "anthropic-sdk__refusal_response.txt",
    "anthropic-sdk__stream-a-refusal.sse",
    "anthropic-sdk__stream-b-fallback.sse",
    "anthropic-sdk__tool_use_response.txt",
    "vercel-ai__anthropic-json-output-format.1.chunks.txt",
    "vercel-ai__anthropic-message-delta-input-tokens.chunks.txt",
    "vercel-ai__anthropic-refusal.json",
    "vercel-ai__anthropic-tool-no-args.chunks.txt",
    "vercel-ai__anthropic-web-fetch-tool.error.json",
    "vercel-ai__duplicate-message-start.chunks.txt",
]


def play(name):
    """A model that is answered with a body, a request that offers what it calls, and the body as a pair."""
    pair = body_pair(f"anthropic/{name}")
    client, model = model_of(pair, playing(pair, seed=5 if pair.streamed else None)[0])
    request = ModelRequest(messages=(Message.of("user", "?"),), extra={"tools": offered(pair.answer)})
    return client, model, request, pair


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_without_its_request_is_read(name):
    client, model, request, pair = play(name)
    async with client:
        if pair.streamed:
            response = [event async for event in model.stream(request)][-1].response
        else:
            response = await model.respond(request)
    assert_same(response, message_in(pair))


async def test_a_body_that_ends_inside_a_tool_call_is_an_error_that_says_so():
    client, model, request, pair = play(CUT_OFF)
    async with client:
        with pytest.raises(BadToolCallError, match="cut off at the token limit") as caught:
            async for _ in model.stream(request):
                pass
    assert caught.value.usage.output_tokens == read_sse(pair.answer)[-2][1]["usage"]["output_tokens"]


REPORTED = {
    "anthropic-529-overloaded": OverloadedError,
    "anthropic-500-api_error": ServerError,
    "anthropic-429-per-minute": RateLimitError,
    "anthropic-429-spend-limit": QuotaError,
    "anthropic-413-request-too-large": TooLargeError,
    "anthropic-400-image-too-large": BadRequestError,
    "anthropic-400-sampling-params": BadRequestError,
    "anthropic-stream-error-after-200": OverloadedError,
}


@pytest.mark.parametrize("known", REPORTED)
async def test_a_reported_failure_is_the_right_error(known):
    pair = reported_pair(known)
    client, model = model_of(pair, playing(pair)[0])
    request = ModelRequest(messages=(Message.of("user", "?"),))
    async with client:
        with pytest.raises(REPORTED[known]) as caught:
            async for _ in model.stream(request):
                pass
    assert caught.value.retryable is (REPORTED[known] in (OverloadedError, ServerError, RateLimitError))
    assert caught.value.model == "anthropic:m"


def test_all_bodies_and_reported_failures_are_looked_at():
    assert {path.name for path in (WIRE / "bodies/anthropic").iterdir()} == {*BODIES, CUT_OFF}
    assert set(REPORTED) == set(reported("anthropic"))


def test_all_recorded_pairs_are_looked_at():
    assert len(PAIRS) == 82
    assert len([pair for pair in PAIRS if pair.streamed]) == 28
    assert {pair.id for pair in PAIRS if pair.status != 200} == set(FAILURES)
    assert set(UNSAYABLE) < set(FAILURES)
