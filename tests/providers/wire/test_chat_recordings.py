"""Every recorded call of a Chat Completions endpoint goes through `ChatModel` and the official client's own transport.

What is expected of an answer is read from the recording here, by code of its own.
"""

import json
from binascii import crc32
from collections import Counter
from contextlib import aclosing, asynccontextmanager, suppress

import httpx2
import pytest

from backedge.providers.errors import (
    AuthenticationError,
    BadRequestError,
    BadToolCallError,
    ContextLengthError,
    NotFoundError,
    RateLimitError,
)
from backedge.providers.messages import Message
from backedge.providers.protocol import (
    Finished,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from backedge.providers.wire.chat import ChatModel

from .decode_chat import base_url, compared, request_of
from .replay import WIRE, answering, each_of, needs_recordings, pairs, playing, read_sse, sse

pytestmark = needs_recordings

PAIRS = pairs("chat/completions")

# Pairs whose answer is an error, by the file's name, and what it has to become.
ERRORS = {
    "azure-openai/ruby_llm__chat_error_handling_with_azure_grok-4-1-fast-non-reasoning_raises_appropriate_auth_error#0": AuthenticationError,
    "azure-openai/traceloop__test_prompt_content_filtering_with_events_with_content#0": BadRequestError,  # status 200
    "deepseek/ruby_llm__chat_error_handling_with_deepseek_deepseek-chat_raises_appropriate_auth_error#0": AuthenticationError,
    "deepseek/ruby_llm__chat_real_error_scenarios_deepseek_deepseek-chat_handles_context_length_exceeded_errors#0": ContextLengthError,
    "groq/pai__test_model_name_suggestions-test_model_name_suggestion_groq#0": NotFoundError,
    "groq/pai__test_groq-test_tool_use_failed_error#0": BadToolCallError,
    "groq/pai__test_groq-test_tool_use_failed_error_with_text#0": BadToolCallError,
    "groq/pai__test_groq-test_tool_use_failed_error_streaming_with_text#0": BadToolCallError,  # in the stream
    "ollama/ruby_llm__chat_error_handling_with_ollama_cloud_gpt-oss_120b_raises_appropriate_auth_error#0": AuthenticationError,
    "openai-chat/braintrust__test_openai_client_async_error#0": NotFoundError,
    "openai-chat/openinf__TestLM.test_exception_event_recorded_on_lm_error#0": AuthenticationError,
    "openai-chat/openinf__TestInputValueImageHiding.test_input_value_hides_regular_url_images#0": BadRequestError,
    "openai-chat/otel__test_async_chat_completion_404#0": NotFoundError,
    "openai-chat/pai__test_openai-test_openai_o1_mini_system_role_developer#0": BadRequestError,
    "openai-chat/pai__test_openai-test_openai_web_search_tool_model_not_supported#0": BadRequestError,
    "openai-chat/traceloop__test_vision#2": BadRequestError,
    "openrouter/pai__test_openrouter-test_openrouter_errors_raised#0": RateLimitError,
    "openrouter/pai__test_openrouter-test_openrouter_errors_raised#1": RateLimitError,
    "openrouter/pai__test_openrouter-test_openrouter_errors_raised#2": RateLimitError,
    "openrouter/pai__test_openrouter-test_openrouter_stream_error#0": BadRequestError,  # in the stream
    "openrouter/ruby_llm__chat_error_handling_with_openrouter_claude-haiku-4-5_raises_appropriate_auth_error#0": AuthenticationError,
    "openrouter/ruby_llm__chat_real_error_scenarios_openrouter_claude-haiku-4-5_handles_context_length_exceeded_errors#0": ContextLengthError,
    "perplexity/ruby_llm__chat_real_error_scenarios_perplexity_sonar_handles_context_length_exceeded_errors#0": ContextLengthError,
}

# Pairs that cannot work, each with the reason. Nothing else is left out.
CANNOT = {}

ANSWERS = [pair for pair in PAIRS if pair.id not in ERRORS and pair.id not in CANNOT]
STREAMS = [pair for pair in ANSWERS if pair.streamed]
FAILING = [pair for pair in PAIRS if pair.id in ERRORS]
FINISH = {"length": "length", "content_filter": "filtered", "tool_calls": "tool_calls"}

each_answer = each_of(ANSWERS)
each_stream = each_of(STREAMS)
each_failing = each_of(FAILING)


@asynccontextmanager
async def model_for(pair, *, seed=None):
    transport, sent = playing(pair, seed=seed)
    async with httpx2.AsyncClient(transport=transport) as client:
        model = ChatModel(
            f"{pair.provider}:test",
            model=pair.body["model"],
            base_url=base_url(pair.uri),
            key="canary-0123456789",
            http_client=client,
        )
        yield model, sent


async def asked(pair, *, seed=None):
    """The response, the events before it, and the request that was sent."""
    events = []
    async with model_for(pair, seed=seed) as (model, sent):
        if not pair.streamed:
            return await model.respond(request_of(pair.body)), events, sent[0]
        async for event in model.stream(request_of(pair.body)):
            events.append(event)
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return events[-1].response, events[:-1], sent[0]


def deltas(pair):
    """The deltas, the reason to stop and the usage of an answer; of one in one piece there is one delta."""
    bodies = [data for _, data in read_sse(pair.answer)] if pair.streamed else [json.loads(pair.answer)]
    usage = {}
    finish = None
    found = []
    for body in bodies:
        usage = body.get("usage") or body.get("x_groq", {}).get("usage") or usage
        for choice in body["choices"]:
            finish = choice.get("finish_reason") or finish
            found.append(choice.get("delta", {}) if pair.streamed else choice.get("message", {}))
    return found, finish, usage


def recorded_text(found):
    text = ""
    for delta in found:
        content = delta.get("content") or ""
        if isinstance(content, list):
            content = "".join(piece["text"] for piece in content if piece["type"] == "text")
        text += content + (delta.get("refusal") or "")
    return text


def recorded_thoughts(found):
    details = [one for delta in found for one in delta.get("reasoning_details") or ()]
    told = any(delta.get("reasoning") for delta in found)
    text = "" if told else "".join(one.get("summary") or one.get("text") or "" for one in details)
    for delta in found:
        text += delta.get("reasoning") or delta.get("reasoning_content") or ""
        for piece in delta["content"] if isinstance(delta.get("content"), list) else ():
            text += "".join(one["text"] for one in piece.get("thinking", ()))
    return text


def recorded_calls(found):
    """(id, name, arguments) of each call; the recordings tell calls apart by index, or give them all at once."""
    calls = {}
    for delta in found:
        for number, piece in enumerate(delta.get("tool_calls") or ()):
            call = calls.setdefault(piece.get("index", number), ["", "", ""])
            call[0] = call[0] or piece.get("id") or ""
            call[1] = call[1] or piece["function"].get("name") or ""
            call[2] += piece["function"].get("arguments") or ""
    return [tuple(call) for call in calls.values()]


def recorded_usage(usage):
    read, written = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    unseen = usage.get("total_tokens", read + written) - read - written
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("num_cached_tokens") or usage.get("cached_tokens") or 0
    stored = details.get("cache_write_tokens") or usage.get("cache_creation_input_tokens") or 0
    return (read, written + unseen, cached, stored, max(thought, unseen))


def test_all_recordings_are_there_and_none_is_left_out_unsaid():
    assert len(PAIRS) == 248
    assert len({pair.id for pair in PAIRS}) == 248
    assert (len(ANSWERS), len(STREAMS), len(FAILING), len(CANNOT)) == (225, 69, 23, 0)
    assert ERRORS.keys() <= {pair.id for pair in PAIRS}
    assert {pair.id for pair in PAIRS if pair.status != 200} <= ERRORS.keys()


@each_answer
async def test_a_recorded_answer_is_read_as_it_was_recorded(pair):
    response, _, _ = await asked(pair)
    found, finish, usage = deltas(pair)
    calls = recorded_calls(found)
    assert response.text == recorded_text(found)
    ours = [(call.id, call.name, call.arguments) for call in response.message.tool_calls]
    assert [call[1:] for call in ours] == [call[1:] for call in calls]
    assert all(given[0] == call[0] if call[0] else given[0] for given, call in zip(ours, calls, strict=True))
    thoughts = [part.text for part in response.message.parts if part.kind == "reasoning"]
    assert "".join(thoughts) == recorded_thoughts(found)
    counts = response.usage
    assert recorded_usage(usage) == (
        counts.input_tokens,
        counts.output_tokens,
        counts.cached_tokens,
        counts.cache_write_tokens,
        counts.reasoning_tokens,
    )
    refused = any(delta.get("refusal") for delta in found)
    wanted = "refusal" if refused else FINISH.get(finish, "stop")
    assert response.finish == ("tool_calls" if wanted == "stop" and calls else wanted)
    assert response.by == f"{pair.provider}:test"
    assert response.model
    assert response.id


@each_stream
async def test_the_pieces_of_a_recorded_stream_add_up_to_its_answer(pair):
    response, events, _ = await asked(pair)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == response.text
    thoughts = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert thoughts == "".join(part.text for part in response.message.parts if part.kind == "reasoning")
    calls = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            first = calls.setdefault(event.index, [event.name, ""])
            first[1] += event.arguments
    assert sorted(calls) == list(range(len(response.message.tool_calls)))
    assert [tuple(call) for call in calls.values()] == [
        (call.name, call.arguments) for call in response.message.tool_calls
    ]


@each_stream
async def test_a_recorded_stream_is_the_same_wherever_the_network_cuts_it(pair):
    whole, events, _ = await asked(pair)
    response, pieces, _ = await asked(pair, seed=crc32(pair.id.encode()))
    assert response == whole
    assert pieces == events


@each_of(PAIRS)
async def test_what_we_send_says_what_the_recorded_request_said(pair):
    async with model_for(pair) as (model, sent):
        request = request_of(pair.body)
        with suppress(*({ERRORS[pair.id]} if pair.id in ERRORS else ())):
            if pair.streamed:
                async with aclosing(model.stream(request)) as events:
                    await anext(events)
            else:
                await model.respond(request)
    assert len(sent) == 1
    body = json.loads(sent[0].content)
    assert compared(body) == compared(pair.body)
    assert bool(body.get("stream")) == pair.streamed
    assert str(sent[0].url) == pair.uri
    if "azure.com" in pair.uri:
        assert sent[0].headers["api-key"] == "canary-0123456789"
        assert "authorization" not in sent[0].headers
    else:
        assert sent[0].headers["authorization"] == "Bearer canary-0123456789"


@each_failing
async def test_a_recorded_error_becomes_one_of_ours(pair):
    with pytest.raises(ERRORS[pair.id]) as caught:
        await asked(pair)
    error = caught.value
    assert type(error) is ERRORS[pair.id]
    assert error.model == f"{pair.provider}:test"
    assert error.status == pair.status
    assert len(error.message) > 10
    assert error.code
    assert str(error).startswith(f"{pair.provider}:test: ")
    assert error.__cause__ is None
    assert error.__context__ is None


# Fixtures of other projects, a body without its request: (words, (id, name, arguments) of the calls, tokens written).
FIXTURES = {
    "azure-openai/vercel-ai__azure-model-router.1.chunks.txt": ("Capital of Denmark.", [], 78),
    "mistral/vercel-ai__mistral-incremental-tool-call.chunks.txt": (
        "",
        [("chatcmpl-tool-9f149c74c42f265b", "webSearchTool", '{"query": "current Berlin weather"}')],
        14,
    ),
    "mistral/vercel-ai__mistral-reasoning.json": ("2 + 2 = 4", [], 46),
    "openai-compatible/vercel-ai__anthropic-fallback-tool-call.sse": (
        "Reading it.",
        [("toolu_sanitized", "read_file", '{"path": "a.txt"}')],
        0,
    ),
    "deepseek/vercel-ai__deepseek-tool-call.json": (
        "",
        [("call_00_9V0vrf86Pc9aelHCJMZqnJBo", "weather", '{"location": "San Francisco"}')],
        92,
    ),
    "groq/vercel-ai__groq-tool-call.chunks.txt": ("", [("tk85n1k4m", "weather", "{}")], 15),
}


@pytest.mark.parametrize("file", FIXTURES)
async def test_a_fixture_of_another_project_is_read(file):
    text, calls, written = FIXTURES[file]
    content = (WIRE / "bodies" / file).read_text(encoding="utf-8")
    if file.endswith(".chunks.txt"):
        content = sse(*(line for line in content.splitlines() if line))
    streamed = not file.endswith(".json")
    kind = "text/event-stream" if streamed else "application/json"
    transport, _ = answering(content=content, headers=[("content-type", kind)])
    tools = tuple(ToolSpec(name=name, description="", parameters={}) for _, name, _ in calls)
    request = ModelRequest(messages=(Message.of("user", "x"),), tools=tools)
    async with httpx2.AsyncClient(transport=transport) as client:
        model = ChatModel("x", model="m", base_url="http://test.invalid/v1", http_client=client)
        if streamed:
            response = [event async for event in model.stream(request)][-1].response
        else:
            response = await model.respond(request)
    assert response.text == text
    assert [(call.id, call.name, call.arguments) for call in response.message.tool_calls] == calls
    assert response.usage.output_tokens == written
    assert response.finish == ("tool_calls" if calls else "stop")


def test_the_recordings_hold_what_the_tests_are_for():
    answers = [(pair, *deltas(pair)) for pair in ANSWERS]
    seen = Counter()
    for pair, found, finish, usage in answers:
        seen["parallel calls"] += len(recorded_calls(found)) > 1
        seen["thoughts"] += bool(recorded_thoughts(found))
        seen["ids missing"] += any(not call[0] for call in recorded_calls(found))
        seen["streamed calls"] += pair.streamed and bool(recorded_calls(found))
        seen["refused"] += any(delta.get("refusal") for delta in found)
        seen[f"finish {finish}"] += 1
        seen["cached"] += recorded_usage(usage)[2] > 0
    assert seen["parallel calls"] >= 20
    assert seen["thoughts"] >= 40
    assert seen["ids missing"] == 1
    assert seen["streamed calls"] >= 20
    assert seen["refused"] >= 3
    assert seen["finish length"] >= 5
    assert seen["finish content_filter"] == 1
    assert seen["cached"] >= 20
