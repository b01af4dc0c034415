"""What is said to Anthropic and what it answers: our words there and back, and whatever goes wrong on the way."""

import asyncio
import json
import re
from contextlib import aclosing

import httpx2
import pytest

from backedge.providers.errors import (
    BadAnswerError,
    BadToolCallError,
    MissingKeyError,
    ModelConnectionError,
    ModelTimeoutError,
    NotFoundError,
    OverloadedError,
    StreamBrokenError,
    UnsupportedError,
)
from backedge.providers.messages import (
    Code,
    File,
    Image,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from backedge.providers.protocol import (
    Finished,
    Model,
    ModelRequest,
    OutputSpec,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from backedge.providers.wire.anthropic import AnthropicModel
from backedge.providers.wire.anthropic_answer import Gathering, response_of
from backedge.providers.wire.anthropic_body import body_of

from .replay import Body, answering

KEY = "sk-ant-canary-0123456789"
SSE = [("content-type", "text/event-stream")]
JSON = [("content-type", "application/json")]
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters={"type": "object"})
START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "m-1", "content": [], "usage": {"input_tokens": 3}},
}
STOP = {"type": "message_stop"}


def ask(*parts, **rest):
    return ModelRequest(messages=(Message.of("user", *(parts or ("hi",))),), **rest)


def body(request, model="claude-sonnet-5", **rest):
    return body_of(request, model=model, max_tokens=4096, **rest)


def events(*payloads):
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in payloads)


def opened(index, block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, **more):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def ended(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7, **usage}}


TEXT = (opened(0, {"type": "text", "text": ""}), delta(0, "text_delta", text="Hello"))


def message(*blocks, reason="end_turn", **more):
    return {
        "id": "msg_1",
        "model": "m-1",
        "content": list(blocks),
        "stop_reason": reason,
        "usage": {},
        **more,
    }


class Made:
    """A model that is answered in one way, and what was sent."""

    def __init__(self, *, status=200, content=b"", headers=SSE, stream=None, transport=None, **options):
        made, self.sent = answering(status, content, headers, stream)
        self.client = httpx2.AsyncClient(transport=transport or made)
        name = {"model": "claude-sonnet-5", "key": KEY, **options}
        self.model = AnthropicModel("anthropic:test", http_client=self.client, **name)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        await self.model.aclose()
        await self.client.aclose()

    async def streamed(self, request=None):
        async with aclosing(self.model.stream(request or ask())) as found:
            return [event async for event in found]

    @property
    def said(self):
        return json.loads(self.sent[-1].content)


# What is said.


def test_system_messages_are_collected_at_the_top_and_turns_of_one_side_are_joined():
    call = ToolCall(id="a", name="weather", arguments='{"at": "sea"}')
    request = ModelRequest(
        messages=(
            Message.of("system", "Be brief."),
            Message.of("user", "one"),
            Message.of("assistant", "Looking.", call),
            Message.of("tool", ToolResult(id="a", content="rain")),
            Message.of("system", "Be kind."),
            Message.of("user", "two", Text(text="")),
        )
    )
    said = body(request)
    assert said["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    assert said["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "one"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"at": "sea"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "rain"},
                {"type": "text", "text": "two"},
            ],
        },
    ]
    assert (said["model"], said["max_tokens"]) == ("claude-sonnet-5", 4096)


def test_pictures_documents_and_code_become_blocks():
    said = body(
        ask(
            Image(media_type="image/png", data=b"png"),
            Image(media_type="image/png", url="https://x/y.png"),
            File(media_type="application/pdf", data=b"pdf", name="report.pdf"),
            File(media_type="text/csv", data=b"a,b"),
            Code(language="python", text="print('```')"),
        )
    )
    assert said["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "cGRm"},
            "title": "report.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
        {"type": "text", "text": "````python\nprint('```')\n````"},
    ]


@pytest.mark.parametrize("words", ["x = 1", "x = 1\n"])
def test_code_ends_its_last_line_once(words):
    (block,) = body(ask(Code(language="python", text=words)))["messages"][0]["content"]
    assert block["text"] == "```python\nx = 1\n```"


def test_a_result_holds_pictures_and_says_that_it_failed():
    picture = Image(media_type="image/png", data=b"png")
    result = ToolResult(id="a", content=(Text(text="see"), picture), failed=True)
    (block,) = body(ModelRequest(messages=(Message.of("tool", result),)))["messages"][0]["content"]
    assert block["is_error"] is True
    assert [one["type"] for one in block["content"]] == ["text", "image"]


def test_thoughts_go_back_unchanged_and_those_of_others_stay_away():
    signed = {"type": "thinking", "thinking": "hm", "signature": "xyz"}
    hidden = {"type": "redacted_thinking", "data": "abc"}
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    said = body(
        ModelRequest(
            messages=(
                Message.of(
                    "assistant",
                    Reasoning(text="hm", origin="anthropic", raw=signed),
                    Reasoning(origin="anthropic", raw=hidden),
                    Reasoning(text="no", origin="responses", raw={"type": "reasoning"}),
                    Reasoning(text="none", origin="chat"),
                    Other(origin="anthropic", raw=search),
                    Other(origin="responses", raw={"type": "web_search_call"}),
                    "done",
                ),
            )
        )
    )
    assert said["messages"][0]["content"] == [signed, hidden, search, {"type": "text", "text": "done"}]


def test_a_system_message_with_a_part_of_its_own_stays_in_its_place():
    marked = {"type": "text", "text": "From now on.", "cache_control": {"type": "ephemeral"}}
    there = Message.of("system", Other(origin="anthropic", raw=marked))
    said = body(ModelRequest(messages=(Message.of("user", "hi"), there)))
    assert said["messages"][1] == {"role": "system", "content": [marked]}
    assert "system" not in said


@pytest.mark.parametrize(
    ("choice", "parallel", "told"),
    [
        ("auto", None, None),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", None, {"type": "any"}),
        ("required", True, {"type": "any", "disable_parallel_tool_use": False}),
        ("none", None, {"type": "none"}),
        ("weather", False, {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}),
    ],
)
def test_which_tools_may_be_called_is_told(choice, parallel, told):
    said = body(ask(tools=(WEATHER,), tool_choice=choice, parallel_tools=parallel))
    assert said.get("tool_choice") == told
    assert said["tools"] == [
        {"name": "weather", "description": "Tells the weather.", "input_schema": {"type": "object"}}
    ]


@pytest.mark.parametrize(
    ("model", "effort", "told"),
    [
        ("claude-sonnet-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-opus-4-6", "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (
            "claude-fable-5-2",
            "minimal",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        ("claude-haiku-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ("claude-haiku-4-5-20251001", "high", {"thinking": {"type": "enabled", "budget_tokens": 2500}}),
        ("claude-sonnet-4-20250514", "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-3-7-sonnet-latest", "medium", {"thinking": {"type": "enabled", "budget_tokens": 2500}}),
        ("claude-opus-4-0", "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ],
)
def test_how_much_to_think_is_told_in_words_or_as_a_budget_as_the_model_takes_it(model, effort, told):
    said = body(ask(effort=effort, max_tokens=5000), model=model)
    assert {key: said[key] for key in ("thinking", "output_config") if key in said} == told


def test_a_budget_for_thinking_that_does_not_fit_into_the_answer_is_refused():
    with pytest.raises(UnsupportedError, match=r"at least 1024 tokens.*may have 1000"):
        body(ask(effort="low", max_tokens=1000), model="claude-haiku-4-5")


def test_the_form_of_the_answer_and_the_effort_are_told_together():
    form = OutputSpec(name="x", parameters={"type": "object"})
    said = body(
        ask(output=form, effort="low"), plain=lambda schema: {**schema, "additionalProperties": False}
    )
    schema = {"type": "object", "additionalProperties": False}
    assert said["output_config"] == {"format": {"type": "json_schema", "schema": schema}, "effort": "low"}


def test_parameters_of_its_own_are_put_in_and_tools_of_its_own_are_added():
    search = {"type": "web_search_20250305", "name": "web_search"}
    extra = {"tools": [search], "stop_sequences": ["."], "output_config": {"effort": "max"}}
    form = OutputSpec(name="x", parameters={"type": "object"})
    said = body(ask(tools=(WEATHER,), output=form, extra=extra))
    assert [tool["name"] for tool in said["tools"]] == ["weather", "web_search"]
    assert said["stop_sequences"] == ["."]
    assert said["output_config"].keys() == {"format", "effort"}
    assert extra["output_config"] == {"effort": "max"}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (ask(extra={"stream": True, "model": "x"}), "extra cannot hold model, stream"),
        (ask(File(media_type="audio/mp3", data=b"\xff\xfe", name="a.mp3")), "'a.mp3' is audio/mp3"),
        (
            ModelRequest(messages=(Message.of("assistant", ToolCall(id="a", name="b", arguments="[")),)),
            "tool call 'a' cannot be sent back",
        ),
    ],
)
async def test_what_cannot_be_said_is_refused_before_it_is_sent(request_, why):
    async with Made() as made:
        with pytest.raises(UnsupportedError, match=why) as caught:
            await made.model.respond(request_)
        assert made.sent == []
        assert caught.value.model == "anthropic:test"


@pytest.mark.parametrize("given", ["call|of another:provider", "x" * 65, "ü"])
def test_ids_of_other_providers_calls_become_such_as_are_taken(given):
    said = Message.of("assistant", ToolCall(id=given, name="weather", arguments="{}"))
    result = Message.of("tool", ToolResult(id=given, content="rain"))
    found = body(ModelRequest(messages=(said, result)))["messages"]
    asked, answered = [one["content"][0] for one in found]
    assert asked["id"] == answered["tool_use_id"]
    assert re.fullmatch("[A-Za-z0-9_-]{1,64}", asked["id"])


# What is answered.


def test_every_token_that_was_read_is_input_whether_it_came_from_a_cache_or_not():
    found = message(
        usage={
            "input_tokens": 10,
            "cache_read_input_tokens": 200,
            "cache_creation_input_tokens": 3000,
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 20},
        }
    )
    assert response_of(found, "x").usage == Usage(
        input_tokens=3210, output_tokens=50, cached_tokens=200, cache_write_tokens=3000, reasoning_tokens=20
    )


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_why_it_stopped_is_told(reason, finish):
    assert response_of(message({"type": "text", "text": "x"}, reason=reason), "x").finish == finish


def test_an_answer_without_a_reason_that_calls_a_tool_wants_it():
    use = {"type": "tool_use", "id": "a", "name": "weather", "input": {}}
    assert response_of(message(use, reason=None), "x").finish == "tool_calls"


def test_blocks_of_kinds_to_come_are_kept_and_go_back():
    strange = {"type": "hologram", "beam": [1, 2]}
    response = response_of(message(strange), "x")
    assert response.message.parts == (Other(origin="anthropic", raw=strange),)
    assert body(ModelRequest(messages=(response.message,)))["messages"][0]["content"] == [strange]


def test_who_called_a_tool_goes_back_unless_it_is_the_model_itself():
    code = {
        "type": "tool_use",
        "id": "a",
        "name": "w",
        "input": {},
        "caller": {"type": "code", "tool_id": "t"},
    }
    own = {"type": "tool_use", "id": "b", "name": "w", "input": {"x": 1}, "caller": {"type": "direct"}}
    response = response_of(message(code, own, reason="tool_use"), "x")
    plain = {key: value for key, value in own.items() if key != "caller"}
    assert body(ModelRequest(messages=(response.message,)))["messages"][0]["content"] == [code, plain]


def test_thoughts_that_are_not_shown_are_thoughts():
    hidden = {"type": "redacted_thinking", "data": "abc"}
    response = response_of(message(hidden, {"type": "thinking", "thinking": "hm", "signature": "s"}), "x")
    assert [(part.kind, part.text) for part in response.message.parts] == [
        ("reasoning", ""),
        ("reasoning", "hm"),
    ]
    assert response.message.parts[0].raw == hidden


async def test_a_paused_turn_goes_on_when_the_answer_is_sent_back():
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    answers = iter([message(search, reason="pause_turn"), message({"type": "text", "text": "found"})])
    sent = []

    def handler(request):
        sent.append(json.loads(request.content))
        return httpx2.Response(200, json=next(answers))

    async with Made(transport=httpx2.MockTransport(handler)) as made:
        request = ask("look for x")
        first = await made.model.respond(request)
        assert first.finish == "pause"
        second = await made.model.respond(ModelRequest(messages=(*request.messages, first.message)))
    assert second.text == "found"
    assert sent[1]["messages"] == [*sent[0]["messages"], {"role": "assistant", "content": [search]}]


# How it is sent.


async def test_the_key_goes_into_a_header_and_nowhere_else():
    async with Made(content=json.dumps(message()), headers=JSON) as made:
        await made.model.respond(ask())
        assert KEY not in repr(made.model)
        assert KEY not in str(vars(made.model))
    assert str(made.sent[0].url) == "https://api.anthropic.com/v1/messages"
    assert made.sent[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in made.sent[0].content


@pytest.mark.parametrize(
    ("options", "request_", "version"),
    [
        ({}, ask(temperature=0.5), "2023-06-01"),
        ({}, ask(extra={"top_k": 5}), "2023-06-01"),
        ({"version": "2030-01-01"}, ask(temperature=0.5), "2030-01-01"),
    ],
)
async def test_the_version_is_the_one_that_takes_what_is_said(options, request_, version):
    async with Made(content=json.dumps(message()), headers=JSON, **options) as made:
        await made.model.respond(request_)
    assert made.sent[0].headers["anthropic-version"] == version


async def test_a_key_does_not_follow_to_another_address():
    async with Made(status=307, headers=[("location", "https://elsewhere.test/v1")]) as made:
        with pytest.raises(NotFoundError, match=r"moved to https://elsewhere\.test"):
            await made.model.respond(ask())
    assert len(made.sent) == 1


async def test_without_need_the_version_is_the_one_of_the_client():
    async with Made(content=json.dumps(message()), headers=JSON, betas=("a-1", "b-2")) as made:
        await made.model.respond(ask())
    assert made.sent[0].headers["anthropic-version"] >= "2026-10-21"
    assert made.sent[0].headers["anthropic-beta"] == "a-1,b-2"


async def test_a_long_answer_is_streamed_even_when_it_is_wanted_whole():
    async with Made(content=events(START, *TEXT, ended(), STOP)) as made:
        response = await made.model.respond(ask(max_tokens=60_000))
    assert response.text == "Hello"
    assert made.said["stream"] is True


async def test_a_schema_is_made_such_that_it_can_be_held_to():
    form = OutputSpec(
        name="x", parameters={"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    )
    async with Made(content=json.dumps(message()), headers=JSON) as made:
        await made.model.respond(ask(output=form))
    schema = made.said["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert "minimum" not in schema["properties"]["n"]


async def test_what_is_said_of_rate_limits_is_kept_and_nothing_else():
    headers = [*JSON, ("Anthropic-RateLimit-Tokens-Remaining", "9"), ("request-id", "r")]
    async with Made(content=json.dumps(message()), headers=headers) as made:
        response = await made.model.respond(ask())
    assert response.headers == {"anthropic-ratelimit-tokens-remaining": "9"}


async def test_half_a_character_is_refused_before_it_is_sent():
    async with Made() as made:
        with pytest.raises(UnsupportedError, match="cannot be encoded"):
            await made.model.respond(ask("\ud800"))
        assert made.sent == []


async def test_it_is_a_model_that_is_closed_when_it_is_left():
    async with AnthropicModel("anthropic:x", model="x", key=KEY) as model:
        assert isinstance(model, Model)
        assert repr(model) == "AnthropicModel('anthropic:x', model='x')"
        client = model._clients.here()
    assert client.is_closed()


def test_no_key_is_no_model():
    with pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY"):
        AnthropicModel("anthropic:x", model="x", key=None)


# Streams.


async def test_a_stream_gives_text_thoughts_and_calls_and_ends_with_the_whole():
    sent = events(
        START,
        {"type": "ping"},
        opened(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "thinking_delta", thinking="m"),
        delta(0, "signature_delta", signature="sig"),
        opened(1, {"type": "text", "text": ""}),
        delta(1, "text_delta", text="So: "),
        delta(1, "citations_delta", citation={"n": 1}),
        opened(2, {"type": "tool_use", "id": "a", "name": "weather", "input": {}}),
        delta(2, "input_json_delta", partial_json='{"at": '),
        delta(2, "input_json_delta", partial_json='"sea"}'),
        opened(3, {"type": "tool_use", "id": "b", "name": "weather", "input": {}}),
        delta(3, "input_json_delta", partial_json=""),
        {"type": "something_new"},
        ended("tool_use"),
        STOP,
    )
    async with Made(content=sent) as made:
        *pieces, last = await made.streamed(ask(tools=(WEATHER,)))
    assert pieces == [
        ReasoningDelta(text="Hm"),
        ReasoningDelta(text="m"),
        TextDelta(text="So: "),
        ToolCallDelta(index=0, id="a", name="weather"),
        ToolCallDelta(index=0, arguments='{"at": '),
        ToolCallDelta(index=0, arguments='"sea"}'),
        ToolCallDelta(index=1, id="b", name="weather"),
    ]
    response = last.response
    assert [call.arguments for call in response.message.tool_calls] == ['{"at": "sea"}', "{}"]
    assert response.message.parts[0].raw == {"type": "thinking", "thinking": "Hmm", "signature": "sig"}
    assert response.raw["content"][1]["citations"] == [{"n": 1}]
    assert response.usage == Usage(input_tokens=3, output_tokens=7)
    assert (response.finish, response.id, response.by) == ("tool_calls", "msg_1", "anthropic:test")


async def test_tokens_are_counted_by_what_was_said_last_and_the_first_start_counts():
    other = {"type": "message_start", "message": {**START["message"], "id": "msg_2"}}
    last = ended(input_tokens=61, cache_read_input_tokens=None)
    async with Made(content=events(START, other, *TEXT, last, STOP)) as made:
        found = await made.streamed()
    assert found[-1].response.usage == Usage(input_tokens=61, output_tokens=7)
    assert found[-1].response.id == "msg_1"


@pytest.mark.parametrize("kept", range(1, 5))
async def test_a_stream_without_its_end_is_broken_wherever_it_ends(kept):
    whole = [START, *TEXT, ended(), STOP]
    async with Made(content=events(*whole[:kept])) as made:
        with pytest.raises(StreamBrokenError) as caught:
            await made.streamed()
    assert caught.value.usage.input_tokens == 3
    assert caught.value.retryable


async def test_a_stream_that_is_cut_inside_a_call_of_a_tool_is_broken():
    use = opened(0, {"type": "tool_use", "id": "a", "name": "weather", "input": {}})
    sent = events(START, use, delta(0, "input_json_delta", partial_json='{"at'))
    async with Made(content=sent) as made:
        with pytest.raises(StreamBrokenError):
            await made.streamed(ask(tools=(WEATHER,)))


async def test_a_call_that_the_token_limit_cut_off_cannot_be_used():
    use = opened(0, {"type": "tool_use", "id": "a", "name": "weather", "input": {}})
    sent = events(START, use, delta(0, "input_json_delta", partial_json='{"at'), ended("max_tokens"), STOP)
    async with Made(content=sent) as made:
        with pytest.raises(BadToolCallError, match="cut off at the token limit") as caught:
            await made.streamed(ask(tools=(WEATHER,)))
    assert caught.value.usage.output_tokens == 7


async def test_an_error_in_the_middle_of_a_stream_is_a_typed_error_that_knows_what_was_spent():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    headers = [*SSE, ("retry-after", "3000")]
    async with Made(content=events(START, *TEXT, error), headers=headers) as made:
        with pytest.raises(OverloadedError, match="Overloaded") as caught:
            await made.streamed()
    assert caught.value.usage.input_tokens == 3
    assert caught.value.retry_after is None


async def test_a_stream_that_is_cut_inside_a_character_is_broken():
    sent = events(START, *TEXT).encode() + b'event: content_block_delta\ndata: {"text": "\xe2\x82'
    async with Made(stream=Body([sent])) as made:
        with pytest.raises(StreamBrokenError):
            await made.streamed()


@pytest.mark.parametrize(
    ("before", "error", "kind"),
    [
        (b"", httpx2.ReadError("gone"), ModelConnectionError),
        (events(START, *TEXT).encode(), httpx2.ReadError("gone"), StreamBrokenError),
        (events(START, *TEXT).encode(), httpx2.RemoteProtocolError("cut"), StreamBrokenError),
        (events(START, *TEXT).encode(), httpx2.ReadTimeout("silent"), ModelTimeoutError),
    ],
)
async def test_a_connection_that_breaks_is_a_typed_error(before, error, kind):
    async with Made(stream=Body([before, error])) as made:
        with pytest.raises(kind) as caught:
            await made.streamed()
    assert caught.value.retryable
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ("<html><title>Oh no</title></html>", [("content-type", "text/html")]),
        ("[1, 2]", JSON),
        ('{"content": "not blocks"}', JSON),
        ('{"content": [], "id": "x", ', JSON),
        ('{"content": [{"type": "text", "text": "\\ud800"}]}', JSON),
        ('{"content": ' + "[" * 100_000, JSON),
        (
            events(START, {**TEXT[0], "index": {}}, ended(), STOP).replace('"content": []', '"content": 5'),
            JSON,
        ),
        (events(START, opened(0, {"type": "text", "text": None}), TEXT[1], ended(), STOP), SSE),
        (events(STOP), SSE),
        ("event: message_start\ndata: {oh no\n\n", SSE),
        ("event: message_start\ndata: [1]\n\n", SSE),
    ],
)
async def test_an_answer_that_is_none_is_a_typed_error(content, headers):
    async with Made(content=content, headers=headers) as made:
        with pytest.raises(BadAnswerError) as caught:
            await made.streamed()
    assert caught.value.model == "anthropic:test"


async def test_a_server_that_does_not_stream_is_understood():
    sent = json.dumps(message({"type": "text", "text": "whole"}))
    async with Made(content=sent, headers=JSON) as made:
        piece, last = await made.streamed()
    assert piece == TextDelta(text="whole")
    assert isinstance(last, Finished)


async def test_what_comes_after_the_end_is_not_waited_for():
    forever = asyncio.Event()
    stream = Body([events(START, *TEXT, ended(), STOP).encode(), forever.wait])
    async with Made(stream=stream) as made:
        found = await made.streamed()
    assert found[-1].response.text == "Hello"
    assert stream.closed


async def test_leaving_a_stream_early_closes_the_connection():
    stream = Body([events(START, *TEXT).encode(), asyncio.Event().wait])
    async with Made(stream=stream) as made:
        async with aclosing(made.model.stream(ask())) as found:
            assert await anext(found) == TextDelta(text="Hello")
        assert stream.closed


@pytest.mark.parametrize("max_tokens", [100, 60_000])
async def test_cancelling_a_call_closes_the_connection(max_tokens):
    waiting = asyncio.Event()

    async def wait():
        waiting.set()
        await asyncio.Event().wait()

    stream = Body([events(START).encode(), wait])
    async with Made(stream=stream) as made:
        task = asyncio.create_task(made.model.respond(ask(max_tokens=max_tokens)))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stream.closed


def test_deltas_of_kinds_to_come_are_put_onto_their_block():
    gathering = Gathering()
    for event in (
        START,
        opened(0, {"type": "compaction", "content": "", "n": 1}),
        delta(0, "compaction_delta", content="sum"),
        delta(0, "compaction_delta", content="mary", n=2),
        delta(7, "odd_delta", x=1),
        ended(),
        STOP,
    ):
        assert gathering.take(event) == []
    assert [part.raw for part in gathering.response("x").message.parts] == [
        {"type": "compaction", "content": "summary", "n": 2},
        {"type": "unknown", "x": 1},
    ]
