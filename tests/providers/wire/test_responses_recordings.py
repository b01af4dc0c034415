"""Every recorded call of the Responses API goes through our model over the official client, there and back."""

import json
from urllib.parse import urlsplit

import httpx2
import pytest

from backedge.providers.errors import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    QuotaError,
    RateLimitError,
    ServerError,
    TooLargeError,
    UnsupportedError,
)
from backedge.providers.messages import Message, Other, Reasoning, ToolResult
from backedge.providers.protocol import Finished, ModelRequest, ReasoningDelta, TextDelta, ToolCallDelta
from backedge.providers.wire.responses import ResponsesModel
from backedge.providers.wire.responses_body import body_of

from .bodies import body_pair, offered, reported, reported_pair
from .replay import WIRE, each_of, needs_recordings, pairs, playing, read_sse
from .responses_requests import comparable, decoded

PAIRS = pairs("/responses")

# Requests that are refused before they are sent, and why.
REFUSED = {
    f"openai-responses/pai__test_openai_responses-test_background_mode_with_tool_vcr#{number}": "a call in the "
    "background is answered by a note that it is queued, and has to be asked for again and again"
    for number in (0, 1)
}

FAILURES = {
    "deepseek/pai__test_deepseek_responses-test_deepseek_responses_rejects_interleaved_function_calls#0": BadRequestError,
    "openai-responses/pai__test_multimodal_tool_returns-test_multimodal_tool_return_matrix_direct-url-audio-openai_responses#1": BadRequestError,
    "openai-responses/pai__test_multimodal_tool_returns-test_multimodal_tool_return_matrix_tool_return_content-url-audio-openai_resp#1": BadRequestError,
    "openai-responses/pai__test_openai_responses-test_openai_responses_thinking_with_modified_history#1": BadRequestError,
    "openai-responses/ruby_llm__chat_error_handling_with_openai_gpt-5-nano_raises_appropriate_auth_error#0": AuthenticationError,
    "openai-responses/ruby_llm__chat_real_error_scenarios_openai_gpt-5-nano_handles_context_length_exceeded_errors#0": ContextLengthError,
}

GOOD = [pair for pair in PAIRS if pair.id not in FAILURES and pair.id not in REFUSED]

pytestmark = needs_recordings


def model_of(pair, transport):
    client = httpx2.AsyncClient(transport=transport)
    base = pair.uri.removesuffix("/responses")
    name = pair.body.get("model", "m")
    model = ResponsesModel(
        f"openai:{name}", model=name, key="sk-canary-00000001", base_url=base, http_client=client
    )
    return client, model


def answer_in(pair):
    """The answer that was recorded: of a stream, what its last event holds."""
    if not pair.streamed:
        return json.loads(pair.answer)
    return read_sse(pair.answer)[-1][1]["response"]


def said(item):
    return "".join(c.get("text") or c.get("refusal") or "" for c in item["content"])


def thoughts(item):
    found = item.get("content") or item.get("summary") or []
    return "\n\n".join(piece["text"] for piece in found)


def assert_same(response, answer):
    """The response says what the answer says."""
    items = answer["output"]
    by_kind = {
        kind: [i for i in items if i["type"] == kind] for kind in ("message", "function_call", "reasoning")
    }
    assert response.text == "".join(said(item) for item in by_kind["message"])
    assert [(call.id, call.name, call.arguments) for call in response.message.tool_calls] == [
        (item["call_id"], item["name"], item["arguments"]) for item in by_kind["function_call"]
    ]
    mine = [part for part in response.message.parts if isinstance(part, Reasoning)]
    assert [part.text for part in mine] == [thoughts(item) for item in by_kind["reasoning"]]
    assert [part.raw for part in mine] == by_kind["reasoning"]
    others = [part.raw for part in response.message.parts if isinstance(part, Other)]
    assert others == [item for item in items if item["type"] not in by_kind]
    used = answer["usage"]
    assert (response.usage.input_tokens, response.usage.output_tokens) == (
        used["input_tokens"],
        used["output_tokens"],
    )
    assert response.usage.cached_tokens == used["input_tokens_details"]["cached_tokens"]
    assert response.usage.reasoning_tokens == used["output_tokens_details"]["reasoning_tokens"]
    cut_off = "length" if answer["status"] == "incomplete" else None
    assert response.finish == (cut_off or ("tool_calls" if by_kind["function_call"] else "stop"))
    assert (response.id, response.model) == (answer["id"], answer["model"])


def assert_goes_back(response, answer):
    """What the next request holds of an answer is what came: thoughts unchanged, if they can be read again."""
    messages = (Message.of("user", "?"), response.message, Message.of("user", "go on"))
    sent = body_of(ModelRequest(messages=messages), model="m")["input"][1:-1]
    kept = [item for item in answer["output"] if item["type"] != "reasoning" or readable(item)]
    while kept and kept[-1]["type"] == "reasoning":
        kept.pop()
    kept = [item for item in kept if item["type"] != "message" or said(item)]
    assert [item.get("type", "message") for item in sent] == [item["type"] for item in kept]
    for mine, theirs in zip(sent, kept, strict=True):
        if theirs["type"] == "message":
            assert mine["role"] == "assistant"
            assert mine.get("phase") == theirs.get("phase")
            content = mine["content"]
            assert (content if isinstance(content, str) else said(mine)) == said(theirs)
        elif theirs["type"] == "function_call":
            ours = {k: v for k, v in theirs.items() if k not in ("id", "status")}
            assert mine == {**ours, "arguments": ours["arguments"] or "{}"}
        else:
            assert mine == {k: v for k, v in theirs.items() if v is not None}


def readable(item):
    return item.get("encrypted_content") or item.get("content")


@each_of([pair for pair in GOOD if not pair.streamed])
async def test_a_recorded_answer_is_read(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        response = await model.respond(decoded(pair.body))
    answer = answer_in(pair)
    assert_same(response, answer)
    assert response.raw == answer
    assert len(sent) == 1
    assert_goes_back(response, answer)


@pytest.mark.parametrize("seed", [None, 7])
@each_of([pair for pair in GOOD if pair.streamed])
async def test_a_recorded_stream_is_read_wherever_it_is_cut(pair, seed):
    transport, _ = playing(pair, seed=seed)
    client, model = model_of(pair, transport)
    async with client:
        events = [event async for event in model.stream(decoded(pair.body))]
    *pieces, finished = events
    assert isinstance(finished, Finished)
    response, answer = finished.response, answer_in(pair)
    assert_same(response, answer)
    assert "".join(e.text for e in pieces if isinstance(e, TextDelta)) == response.text
    thought = "".join(p.text for p in response.message.parts if isinstance(p, Reasoning))
    assert "".join(e.text for e in pieces if isinstance(e, ReasoningDelta)) == thought
    calls = [e for e in pieces if isinstance(e, ToolCallDelta)]
    for index, call in enumerate(response.message.tool_calls):
        mine = [e for e in calls if e.index == index]
        assert (mine[0].id, mine[0].name) == (call.id, call.name)
        assert "".join(e.arguments for e in mine) == call.arguments
    assert_goes_back(response, answer)


@each_of([pair for pair in PAIRS if pair.id in FAILURES])
async def test_a_recorded_failure_is_the_right_error(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        with pytest.raises(FAILURES[pair.id]) as caught:
            await model.respond(decoded(pair.body))
    assert caught.value.status == pair.status
    assert caught.value.message.split()[:3] == json.loads(pair.answer)["error"]["message"].split()[:3]
    assert not caught.value.retryable
    assert len(sent) == 1


@each_of([pair for pair in PAIRS if pair.id in REFUSED])
async def test_a_call_in_the_background_is_refused_before_it_is_sent(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        with pytest.raises(UnsupportedError, match="background"):
            await model.respond(decoded(pair.body))
    assert sent == []


@each_of([pair for pair in PAIRS if pair.id not in REFUSED])
async def test_a_recorded_request_is_said_again(pair):
    transport, sent = playing(pair)
    client, model = model_of(pair, transport)
    async with client:
        if pair.id in FAILURES:
            with pytest.raises(FAILURES[pair.id]):
                await model.respond(decoded(pair.body))
        elif pair.streamed:
            async for _ in model.stream(decoded(pair.body)):
                pass
        else:
            await model.respond(decoded(pair.body))
    (request,) = sent
    body = json.loads(request.content)
    assert body.get("stream", False) == pair.streamed
    assert body["store"] is False
    assert comparable(body) == comparable(pair.body)
    assert urlsplit(str(request.url)) == urlsplit(pair.uri)
    if "model" in pair.body:
        thinks = "reasoning.encrypted_content" in pair.body.get("include", ())
        assert body["model"] == pair.body["model"]
        assert "reasoning.encrypted_content" in body.get("include", ()) or not thinks


# Bodies of other projects' tests, without requests.
BODIES = [
    "lmstudio/vercel-ai__lmstudio-basic.1.json",
    "lmstudio/vercel-ai__lmstudio-tool-call.1.json",
    "openai-responses/vercel-ai__openai-reasoning-encrypted-content.1.json",
    "openai-responses/vercel-ai__parallel-tool-call-wrapper.1.json",
]
CUSTOM = "openai-responses/vercel-ai__openai-custom-tool.1.chunks.txt"
BAD_BODIES = {
    "openai-responses/vercel-ai__openai-error.1.chunks.txt": (200, QuotaError),
    "openai-responses/vercel-ai__openai-error.1.json": (429, QuotaError),
    "openai-responses/vercel-ai__reasoning-model-temperature-error.json": (400, BadRequestError),
}


def play(pair):
    client, model = model_of(pair, playing(pair, seed=5 if pair.streamed else None)[0])
    request = ModelRequest(messages=(Message.of("user", "?"),), extra={"tools": offered(pair.answer)})
    return client, model, request


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_without_its_request_is_read(name):
    pair = body_pair(name)
    client, model, request = play(pair)
    async with client:
        response = await model.respond(request)
    assert_same(response, answer_in(pair))
    assert_goes_back(response, answer_in(pair))


async def test_a_call_of_a_tool_without_a_schema_holds_its_text_and_goes_back_as_it_came():
    pair = body_pair(CUSTOM)
    client, model, request = play(pair)
    async with client:
        events = [event async for event in model.stream(request)]
    (call,) = events[-1].response.message.tool_calls
    (item,) = answer_in(pair)["output"]
    assert json.loads(call.arguments) == {"input": item["input"]}
    assert "".join(e.arguments for e in events if isinstance(e, ToolCallDelta)) == call.arguments
    result = Message.of("tool", ToolResult(id=call.id, content="3 rows"))
    said = body_of(ModelRequest(messages=(events[-1].response.message, result)), model="m")["input"]
    kept = {key: value for key, value in item.items() if key not in ("id", "status")}
    assert said == [kept, {"type": "custom_tool_call_output", "call_id": call.id, "output": "3 rows"}]


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_a_failure_is_the_right_error(name):
    status, kind = BAD_BODIES[name]
    pair = body_pair(name, status=status)
    client, model, request = play(pair)
    async with client:
        with pytest.raises(kind) as caught:
            async for _ in model.stream(request):
                pass
    assert not caught.value.retryable


REPORTED = {
    "openai-429-tpm": RateLimitError,
    "openai-429-request-too-large": TooLargeError,
    "openai-429-insufficient-quota": QuotaError,
    "openai-500-server-error": ServerError,
    "openai-400-chat-tools-on-gpt6": BadRequestError,
}


@pytest.mark.parametrize("known", REPORTED)
async def test_a_reported_failure_is_the_right_error(known):
    pair = reported_pair(known)
    client, model, request = play(pair)
    async with client:
        with pytest.raises(REPORTED[known]) as caught:
            await model.respond(request)
    assert caught.value.retryable is (REPORTED[known] in (ServerError, RateLimitError))
    assert (caught.value.status, caught.value.model) == (pair.status, "openai:m")


def test_all_bodies_and_reported_failures_are_looked_at():
    folders = [WIRE / "bodies" / name for name in ("openai-responses", "lmstudio")]
    there = {f"{folder.name}/{path.name}" for folder in folders for path in folder.iterdir()}
    assert there == {*BODIES, *BAD_BODIES, CUSTOM}
    assert set(REPORTED) == set(reported("openai"))


def test_all_recorded_pairs_are_looked_at():
    assert len(PAIRS) == 97
    assert len([pair for pair in PAIRS if pair.streamed]) == 17
    assert {pair.id for pair in PAIRS if pair.status != 200} == set(FAILURES)
    assert set(REFUSED) < {pair.id for pair in PAIRS}
