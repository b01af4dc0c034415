"""What is said over the Responses API and what it answers: there and back, and whatever goes wrong on the way."""

import asyncio
import json
import re
from contextlib import aclosing

import httpx2
import pytest

from backedge.providers.errors import (
    BadAnswerError,
    BadRequestError,
    BadToolCallError,
    MissingKeyError,
    ModelTimeoutError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
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
    Model,
    ModelRequest,
    OutputSpec,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from backedge.providers.wire.responses import ResponsesModel
from backedge.providers.wire.responses_answer import response_of
from backedge.providers.wire.responses_body import body_of
from backedge.providers.wire.schemas import is_strict

from .replay import Body, answering

KEY = "sk-canary-0123456789"
SSE = [("content-type", "text/event-stream")]
JSON = [("content-type", "application/json")]
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters={"type": "object"})
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
DELTA = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hello"}


def ask(*parts, **rest):
    return ModelRequest(messages=(Message.of("user", *(parts or ("hi",))),), **rest)


def body(*messages, model="gpt-4o", **rest):
    return body_of(ModelRequest(messages=messages, **rest), model=model)


def events(*payloads):
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in payloads)


def answer(*items, status="completed", **more):
    return {"id": "resp_1", "model": "m-1", "status": status, "output": list(items), "usage": {}, **more}


def text(words, **more):
    return {"type": "message", "content": [{"type": "output_text", "text": words}], **more}


def call(name="weather", arguments="{}", **more):
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "a",
        "name": name,
        "arguments": arguments,
        **more,
    }


def completed(*items, kind="completed", **more):
    return {"type": f"response.{kind}", "response": answer(*items, status=kind, **more)}


def item(kind, place, one):
    return {"type": f"response.output_item.{kind}", "output_index": place, "item": one}


class Made:
    """A model that is answered in one way, and what was sent."""

    def __init__(self, *, status=200, content=b"", headers=SSE, stream=None, sends=None, **options):
        transport, self.sent = answering(status, content, headers, stream)
        self.client = httpx2.AsyncClient(transport=transport)
        given = {"model": "gpt-5.5", "key": KEY, "headers": sends, **options}
        self.model = ResponsesModel("openai:test", http_client=self.client, **given)

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


def test_a_conversation_becomes_instructions_and_items():
    said = body(
        Message.of("system", "Be brief.", Code(text="x = 1")),
        Message.of("system", "Be kind."),
        Message.of("user", "one"),
        Message.of("assistant", "Looking.", ToolCall(id="a", name="weather", arguments=" ")),
        Message.of("tool", ToolResult(id="a", content="rain")),
        Message.of("system", "Be quick."),
        Message.of("user", "two", "three", Text(text="")),
    )
    assert said == {
        "model": "gpt-4o",
        "store": False,
        "instructions": "Be brief.\n\n```\nx = 1\n```\n\nBe kind.",
        "input": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "Looking."},
            {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "rain"},
            {"role": "system", "content": "Be quick."},
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "two"}, {"type": "input_text", "text": "three"}],
            },
        ],
    }


def test_pictures_and_files_are_parts_of_a_message_and_of_a_result():
    picture = Image(media_type="image/png", data=b"png")
    (message, result) = body(
        Message.of(
            "user",
            picture,
            File(media_type="application/pdf", url="https://x/y.pdf"),
            File(media_type="application/pdf", data=b"pdf", name="r.pdf"),
            File(media_type="text/csv", data=b"a,b\xff", name="t.csv"),
            Other(origin="responses", raw={"type": "input_image", "file_id": "f"}),
        ),
        Message.of("tool", ToolResult(id="a", content=(Text(text="no"), picture), failed=True)),
    )["input"]
    seen = {"type": "input_image", "image_url": "data:image/png;base64,cG5n"}
    assert message["content"] == [
        seen,
        {"type": "input_file", "file_url": "https://x/y.pdf"},
        {"type": "input_file", "filename": "r.pdf", "file_data": "data:application/pdf;base64,cGRm"},
        {"type": "input_text", "text": "t.csv:\n```\na,b\ufffd\n```"},
        {"type": "input_image", "file_id": "f"},
    ]
    words = [{"type": "input_text", "text": "Error: "}, {"type": "input_text", "text": "no"}]
    assert result["output"] == [*words, seen]


def test_thoughts_go_back_as_they_came_if_the_provider_can_read_them_and_they_led_to_something():
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc", "status": None}
    spoken = {"type": "reasoning", "id": "rs_2", "content": [{"type": "reasoning_text", "text": "hm"}]}
    unknown = {"type": "reasoning", "id": "rs_3", "summary": []}
    idle = {**sealed, "id": "rs_4"}
    found = body(
        Message.of(
            "assistant",
            *(Reasoning(origin="responses", raw=raw) for raw in (sealed, spoken, unknown)),
            Reasoning(origin="anthropic", raw={"type": "thinking"}),
            Other(origin="anthropic", raw={"type": "hologram"}),
            Other(origin="responses", raw={"type": "web_search_call", "id": "ws"}),
            "done",
            Reasoning(origin="responses", raw=idle),
        ),
        Message.of("user", "and?"),
    )["input"]
    kept = {key: value for key, value in sealed.items() if value is not None}
    assert found[:3] == [kept, spoken, {"type": "web_search_call", "id": "ws"}]
    assert [one.get("content") for one in found[3:]] == ["done", "and?"]


def test_what_the_assistant_said_in_several_pieces_is_one_message():
    (said,) = body(Message.of("assistant", "one", Code(text="two")))["input"]
    assert said["role"] == "assistant"
    assert [piece["type"] for piece in said["content"]] == ["output_text", "output_text"]


def test_a_thought_and_the_call_it_led_to_may_stand_in_messages_of_their_own():
    thought = {"type": "reasoning", "encrypted_content": "abc"}
    found = body(
        Message.of("assistant", Reasoning(origin="responses", raw=thought)),
        Message.of("assistant", ToolCall(id="a", name="weather", arguments="{}")),
        Message.of("tool", ToolResult(id="a", content="rain")),
    )["input"]
    assert [one["type"] for one in found] == ["reasoning", "function_call", "function_call_output"]


def test_whether_words_were_the_last_ones_is_told_again():
    response = response_of(answer(text("wait", phase="commentary"), text("ok", phase="final_answer")), "x")
    found = body(response.message)["input"]
    assert found == [
        {"role": "assistant", "content": "wait", "phase": "commentary"},
        {"role": "assistant", "content": "ok", "phase": "final_answer"},
    ]
    assert response.text == "waitok"


@pytest.mark.parametrize(
    ("model", "given", "asked"),
    [
        ("gpt-4o", None, False),
        ("gpt-4.1-mini", None, False),
        ("gpt-5-nano", None, True),
        ("openai/gpt-5.6-sol", None, True),
        ("o4-mini", None, True),
        ("grok-4.3", None, True),
        ("deployment", True, True),
        ("gpt-5-chat", False, False),
    ],
)
def test_thoughts_are_asked_for_of_models_that_think(model, given, asked):
    said = body_of(ask(extra={"include": ["x"]}), model=model, encrypted=given)
    assert ("reasoning.encrypted_content" in said["include"]) is asked
    assert "x" in said["include"]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", None),
        ("required", "required"),
        ("none", "none"),
        ("weather", {"type": "function", "name": "weather"}),
    ],
)
def test_which_tools_may_be_called_is_told(choice, told):
    said = body(tools=(WEATHER,), tool_choice=choice, parallel_tools=False)
    assert said.get("tool_choice") == told
    assert said["parallel_tool_calls"] is False
    (tool,) = said["tools"]
    assert tool == {"type": "function", "strict": False, **WEATHER.model_dump()}


def test_limits_effort_and_form_are_told_and_parameters_of_its_own_are_merged():
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    said = body(
        max_tokens=9,
        temperature=0.5,
        effort="low",
        output=OutputSpec(name="a b", parameters=closed),
        extra={"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}, "user": "u", "store": True},
    )
    assert (said["max_output_tokens"], said["temperature"], said["user"]) == (9, 0.5, "u")
    assert said["reasoning"] == {"effort": "low", "summary": "auto"}
    assert said["text"]["verbosity"] == "low"
    assert said["text"]["format"] == {"type": "json_schema", "name": "a_b", "schema": closed, "strict": True}
    assert said["store"] is True


@pytest.mark.parametrize("extra", [{"background": True}, {"input": []}, {"stream": True}])
async def test_what_cannot_be_said_is_refused_before_it_is_sent(extra):
    async with Made() as made:
        with pytest.raises(UnsupportedError, match="extra") as caught:
            await made.model.respond(ask(extra=extra))
        assert made.sent == []
    assert caught.value.model == "openai:test"


BOUNDS = {
    "$defs": {},
    "definitions": {},
    "const": 1,
    "description": "x",
    "enum": [1],
    "format": "date",
    "title": "T",
    "exclusiveMaximum": 9,
    "exclusiveMinimum": 1,
    "maxItems": 9,
    "maximum": 9,
    "minItems": 1,
    "minimum": 1,
    "multipleOf": 1,
    "pattern": "x",
}
LEAF = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (LEAF, True),
        ({**LEAF, "properties": {"n": {"anyOf": [LEAF, {"type": "null"}]}}}, True),
        (
            {
                **LEAF,
                "properties": {"n": {"type": "array", "items": {"$ref": "#/$defs/L"}}},
                "$defs": {"L": LEAF},
            },
            True,
        ),
        ({**LEAF, "properties": {"n": {"type": "array", "items": LEAF, **BOUNDS}}}, True),
        ({**LEAF, "properties": {"n": {"type": "string", "uniqueItems": True}}}, False),
        ({**LEAF, "required": []}, False),
        ({**LEAF, "additionalProperties": True}, False),
        ({**LEAF, "properties": {"n": {"type": "integer", "default": 1}}}, False),
        ({**LEAF, "properties": {"n": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**LEAF, "$defs": {"L": {"type": "object"}}}, False),
        ({"anyOf": [LEAF]}, False),
        ({"type": "object", "additionalProperties": {"type": "string"}}, False),
    ],
)
def test_a_form_is_held_to_the_letter_if_its_schema_is_closed_all_the_way_down(schema, strict):
    assert is_strict(schema) is strict


def test_a_call_of_a_tool_without_a_schema_and_its_result_go_back_as_such():
    query = {"type": "custom_tool_call", "call_id": "a", "name": "sql", "input": "SELECT 1", "id": "x"}
    (part,) = response_of(answer(query), "x").message.parts
    assert json.loads(part.arguments) == {"input": "SELECT 1"}
    changed = part.model_copy(update={"arguments": "no JSON"})
    found = body(
        Message.of("assistant", part, changed.model_copy(update={"id": "b"})),
        Message.of("tool", ToolResult(id="a", content="1"), ToolResult(id="c", content="2")),
    )["input"]
    assert found == [
        {"type": "custom_tool_call", "call_id": "a", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call", "call_id": "b", "name": "sql", "input": "no JSON"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "c", "output": "2"},
    ]


@pytest.mark.parametrize("given", ["call|of another:provider", "x" * 65, "ü"])
def test_ids_of_other_providers_calls_become_such_as_are_taken(given):
    said = Message.of("assistant", ToolCall(id=given, name="weather", arguments="{}"))
    result = Message.of("tool", ToolResult(id=given, content="rain"))
    found = body(said, result)["input"]
    asked, answered = found
    assert asked["call_id"] == answered["call_id"]
    assert re.fullmatch("[A-Za-z0-9_-]{1,64}", asked["call_id"])


# What is answered.


def test_usage_is_taken_over():
    details = {
        "input_tokens": 100,
        "output_tokens": 50,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 7},
        "output_tokens_details": {"reasoning_tokens": 20},
    }
    assert response_of(answer(usage=details), "x").usage == Usage(
        input_tokens=100, output_tokens=50, cached_tokens=60, cache_write_tokens=7, reasoning_tokens=20
    )
    assert response_of(answer(usage={"input_tokens": None, "input_tokens_details": 5}), "x").usage == Usage()


@pytest.mark.parametrize(
    ("found", "finish"),
    [
        (answer(text("x")), "stop"),
        (answer(text("x"), call()), "tool_calls"),
        (answer({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}), "refusal"),
        (answer(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (answer(status="incomplete", incomplete_details={"reason": "content_filter"}), "filtered"),
        (answer(status="incomplete"), "length"),
        (answer(text("x"), status=None), "stop"),
    ],
)
def test_why_it_stopped_is_told(found, finish):
    assert response_of(found, "x").finish == finish


def test_a_refusal_is_words_and_items_of_kinds_to_come_are_kept():
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}, {"type": "hologram"}]}
    response = response_of(answer(refusal, {"type": "teleport", "to": "x"}), "x")
    assert response.message.parts == (
        Text(text="no"),
        Other(origin="responses", raw={"type": "hologram"}),
        Other(origin="responses", raw={"type": "teleport", "to": "x"}),
    )


def test_content_that_is_a_plain_string_is_words():
    assert response_of(answer({"type": "message", "content": "words"}), "x").text == "words"


def test_thoughts_are_read_from_what_is_given_of_them():
    summary = {"type": "reasoning", "summary": [{"text": "one"}, {"text": "two"}], "content": None}
    spoken = {"type": "reasoning", "summary": [{"text": "s"}], "content": [{"text": "c"}]}
    response = response_of(answer(summary, spoken), "x")
    assert [part.text for part in response.message.parts] == ["one\n\ntwo", "c"]


def test_what_a_call_says_besides_goes_back_with_it():
    spaced = call(namespace="files", caller={"type": "program", "caller_id": "p"}, status="completed")
    plain = call(call_id="b", caller={"type": "direct"})
    found = body(response_of(answer(spaced, plain), "x").message)["input"]
    common = {"type": "function_call", "name": "weather", "arguments": "{}"}
    assert found == [
        {**common, "call_id": "a", "namespace": "files", "caller": {"type": "program", "caller_id": "p"}},
        {**common, "call_id": "b"},
    ]


@pytest.mark.parametrize("offer", ["parameter", "conversation", "nowhere"])
async def test_tools_are_offered_in_the_providers_own_words_too(offer):
    own = {"tools": [{"type": "function", "name": "weather"}]}
    told = Other(origin="responses", raw={"type": "additional_tools", **own})
    request = ModelRequest(
        messages=(
            Message.of("user", "hi"),
            *([Message.of("assistant", told)] if offer == "conversation" else []),
        ),
        extra=own if offer == "parameter" else {},
    )
    async with Made(content=json.dumps(answer(call())), headers=JSON) as made:
        if offer == "nowhere":
            with pytest.raises(BadToolCallError, match="not offered"):
                await made.model.respond(request)
        else:
            assert (await made.model.respond(request)).finish == "tool_calls"


# How it is sent.


async def test_the_key_goes_into_a_header_and_nowhere_else():
    async with Made(content=json.dumps(answer()), headers=JSON) as made:
        await made.model.respond(ask())
        assert KEY not in repr(made.model)
        assert KEY not in str(vars(made.model))
    (request,) = made.sent
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert str(request.url) == "https://api.openai.com/v1/responses"


@pytest.mark.parametrize(("base_url", "told"), [({}, "org-1"), ({"base_url": "https://x.test/v1"}, None)])
async def test_what_the_environment_says_of_openai_is_told_to_openai_alone(base_url, told, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    async with Made(content=json.dumps(answer()), headers=JSON, **base_url) as made:
        await made.model.respond(ask())
    assert made.sent[0].headers.get("openai-organization") == told


async def test_an_address_may_have_parameters_and_take_its_key_in_a_header_of_its_own():
    content = json.dumps(
        {"error": {"message": "the key canary-9876543210 is wrong", "code": "invalid_api_key"}}
    )
    options = {
        "base_url": "https://x.test/v1?api-version=7",
        "key": None,
        "sends": {"api-key": "canary-9876543210"},
    }
    async with Made(status=401, content=content, headers=JSON, **options) as made:
        with pytest.raises(Exception, match=r"the key \[key\] is wrong"):
            await made.model.respond(ask())
    (request,) = made.sent
    assert str(request.url) == "https://x.test/v1/responses?api-version=7"
    assert "authorization" not in request.headers


async def test_half_a_character_is_refused_before_it_is_sent():
    async with Made() as made:
        with pytest.raises(UnsupportedError, match="cannot be encoded"):
            await made.model.respond(ask("\ud800"))
        assert made.sent == []


async def test_it_is_a_model_that_is_closed_when_it_is_left():
    async with ResponsesModel("openai:x", model="x", key=KEY) as model:
        assert isinstance(model, Model)
        assert repr(model) == "ResponsesModel('openai:x', model='x')"
        client = model._clients.here()
    assert client.is_closed()


def test_an_empty_key_is_refused():
    with pytest.raises(MissingKeyError, match="empty"):
        ResponsesModel("openai:x", model="x", key=" ")


async def test_what_is_said_of_rate_limits_is_kept():
    headers = [*JSON, ("x-ratelimit-remaining-tokens", "9"), ("x-request-id", "r")]
    async with Made(content=json.dumps(answer()), headers=headers) as made:
        response = await made.model.respond(ask())
    assert response.headers == {"x-ratelimit-remaining-tokens": "9"}


# Streams.


async def test_a_stream_gives_text_thoughts_and_calls_and_ends_with_the_whole():
    thought = {"type": "reasoning", "summary": [{"text": "one"}, {"text": "two"}], "encrypted_content": "abc"}
    summary = {"type": "response.reasoning_summary_text.delta", "output_index": 0}
    first, second = call(arguments='{"at": "sea"}'), call(call_id="b", arguments="")
    arguments = {"type": "response.function_call_arguments.delta", "output_index": 2}
    sent = events(
        CREATED,
        {**summary, "summary_index": 0, "delta": "one"},
        {**summary, "summary_index": 1, "delta": "t"},
        {**summary, "summary_index": 1, "delta": "wo"},
        {**DELTA, "output_index": 1},
        {**DELTA, "output_index": 1, "delta": ""},
        item("added", 2, {**first, "arguments": ""}),
        {**arguments, "delta": '{"at": '},
        {**arguments, "delta": '"sea"}'},
        item("done", 2, first),
        item("added", 3, second),
        item("done", 3, second),
        {"type": "response.hologram.delta", "output_index": 3, "delta": "x"},
        completed(thought, text("Hello"), first, second, usage={"input_tokens": 3}),
    )
    async with Made(content=sent) as made:
        *pieces, last = await made.streamed(ask(tools=(WEATHER,)))
    assert made.said["stream"] is True
    assert pieces == [
        ReasoningDelta(text="one"),
        ReasoningDelta(text="\n\nt"),
        ReasoningDelta(text="wo"),
        TextDelta(text="Hello"),
        ToolCallDelta(index=0, id="a", name="weather"),
        ToolCallDelta(index=0, arguments='{"at": '),
        ToolCallDelta(index=0, arguments='"sea"}'),
        ToolCallDelta(index=1, id="b", name="weather"),
    ]
    response = last.response
    assert [part.kind for part in response.message.parts] == ["reasoning", "text", "tool_call", "tool_call"]
    assert response.message.parts[0].text == "one\n\ntwo"
    assert (response.finish, response.usage.input_tokens) == ("tool_calls", 3)
    assert (response.by, response.model, response.id) == ("openai:test", "m-1", "resp_1")


async def test_what_comes_whole_without_pieces_is_given_whole_and_a_last_event_may_leave_out_the_items():
    thought = {"type": "reasoning", "content": [{"text": "hm"}]}
    sent = events(
        item("done", 1, text("Hello")),
        item("done", 0, thought),
        item("done", 2, call(arguments='{"at": 1}')),
        completed(),
    )
    async with Made(content=sent) as made:
        *pieces, last = await made.streamed(ask(tools=(WEATHER,)))
    assert pieces == [
        TextDelta(text="Hello"),
        ReasoningDelta(text="hm"),
        ToolCallDelta(index=0, id="a", name="weather"),
        ToolCallDelta(index=0, arguments='{"at": 1}'),
    ]
    assert [part.kind for part in last.response.message.parts] == ["reasoning", "text", "tool_call"]


async def test_a_refusal_streams_as_words():
    said = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
    delta = {"type": "response.refusal.delta", "output_index": 0, "delta": "no"}
    async with Made(content=events(delta, completed(said))) as made:
        piece, last = await made.streamed()
    assert piece == TextDelta(text="no")
    assert last.response.finish == "refusal"


async def test_an_answer_that_was_cut_off_at_the_limit_says_so():
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    async with Made(content=events(DELTA, completed(text("Hello"), kind="incomplete", **details))) as made:
        found = await made.streamed()
    assert found[-1].response.finish == "length"


@pytest.mark.parametrize("content", ["", events(CREATED), events(CREATED, DELTA), "data: [DONE]\n\n"])
async def test_a_stream_without_its_end_is_broken(content):
    async with Made(content=content) as made:
        with pytest.raises(StreamBrokenError, match="without its last event") as caught:
            await made.streamed()
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, RateLimitError),
        ({"type": "error", "error": {"code": "insufficient_quota", "message": "slow"}}, QuotaError),
        (completed(kind="failed", error={"code": "server_error", "message": "slow"}), ServerError),
        (completed(kind="failed", error={"code": "invalid_prompt", "message": "slow"}), BadRequestError),
        (completed(kind="failed", error={"code": "image_too_large", "message": "slow"}), BadRequestError),
        (
            completed(kind="failed", error={"code": "server_is_overloaded", "message": "slow"}),
            OverloadedError,
        ),
    ],
)
async def test_a_failure_in_the_middle_of_a_stream_is_a_typed_error(event, kind):
    async with Made(content=events(CREATED, DELTA, event), headers=[*SSE, ("x-request-id", "r-1")]) as made:
        with pytest.raises(kind, match="slow") as caught:
            await made.streamed()
    assert type(caught.value) is kind
    assert caught.value.model == "openai:test"


async def test_a_failure_knows_what_was_spent_and_which_call_it_was():
    failed = completed(
        kind="failed", usage={"input_tokens": 7}, error={"code": "server_error", "message": "no"}
    )
    async with Made(content=events(failed), headers=[*SSE, ("x-request-id", "r-1")]) as made:
        with pytest.raises(ServerError) as caught:
            await made.streamed()
    assert (caught.value.usage.input_tokens, caught.value.request_id) == (7, "r-1")


async def test_a_failure_without_a_reason_is_a_failure_all_the_same():
    async with Made(content=events(completed(kind="failed"))) as made:
        with pytest.raises(BadAnswerError, match="failed"):
            await made.streamed()


async def test_a_whole_answer_that_failed_is_a_typed_error_that_knows_what_was_spent():
    failed = answer(
        status="failed", error={"code": "server_error", "message": "no"}, usage={"input_tokens": 7}
    )
    async with Made(content=json.dumps(failed), headers=JSON) as made:
        with pytest.raises(ServerError, match="no") as caught:
            await made.model.respond(ask())
    assert caught.value.usage.input_tokens == 7


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(answer(status="cancelled")),
        json.dumps(answer(status="queued")),
        '{"output": "words"}',
        '{"output": [5]}',
        "{}",
        "null",
        "<!doctype html><title>Gone</title>",
        '{"output": [], "id": "\\udc00"}',
    ],
)
async def test_an_answer_that_is_none_is_a_typed_error(content):
    async with Made(content=content, headers=JSON) as made:
        with pytest.raises(BadAnswerError) as caught:
            await made.model.respond(ask())
    assert caught.value.model == "openai:test"


async def test_a_silence_in_the_middle_of_a_stream_is_a_typed_error():
    stream = Body([events(CREATED, DELTA).encode(), httpx2.ReadTimeout("silent")])
    async with Made(stream=stream) as made:
        with pytest.raises(ModelTimeoutError):
            await made.streamed()
    assert stream.closed


async def test_what_comes_after_the_end_is_not_waited_for():
    stream = Body([events(DELTA, completed(text("Hello"))).encode(), asyncio.Event().wait])
    async with Made(stream=stream) as made:
        found = await made.streamed()
    assert found[-1].response.text == "Hello"
    assert stream.closed


async def test_leaving_a_stream_early_closes_the_connection():
    stream = Body([events(CREATED, DELTA).encode(), asyncio.Event().wait])
    async with Made(stream=stream) as made:
        async with aclosing(made.model.stream(ask())) as found:
            assert await anext(found) == TextDelta(text="Hello")
        assert stream.closed


@pytest.mark.parametrize("streamed", [True, False])
async def test_cancelling_a_call_closes_the_connection(streamed):
    waiting = asyncio.Event()

    async def wait():
        waiting.set()
        await asyncio.Event().wait()

    stream = Body([events(CREATED).encode(), wait])
    async with Made(stream=stream) as made:
        task = asyncio.create_task(made.streamed() if streamed else made.model.respond(ask()))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stream.closed
