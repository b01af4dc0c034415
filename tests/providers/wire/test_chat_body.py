import base64

import pytest

from backedge.providers.errors import UnsupportedError
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
)
from backedge.providers.protocol import ModelRequest, OutputSpec, ToolSpec
from backedge.providers.wire.chat_body import body_of
from backedge.providers.wire.dialects import Dialect, dialect_of

PNG = b"\x89PNG"
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
PDF_URL = "data:application/pdf;base64," + base64.b64encode(b"%PDF").decode()
PLAIN = Dialect()
SEARCH = ToolSpec(name="search", description="finds", parameters={"type": "object", "properties": {}})
FETCH = ToolSpec(name="fetch", description="gets", parameters={"type": "object", "properties": {}})
CALL = ToolCall(id="c1", name="search", arguments='{"q": 1}')


def body(*messages, dialect=PLAIN, **more):
    return body_of(ModelRequest(messages=messages, **more), model="m", dialect=dialect)


def said(*messages, dialect=PLAIN):
    return body(*messages, dialect=dialect)["messages"]


def user(*parts):
    return Message.of("user", *parts)


def test_a_request_says_no_more_than_it_was_asked_to():
    assert body(user("hi")) == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_the_system_speaks_in_one_string():
    assert said(Message.of("system", "be brief", Text(text="be kind"))) == [
        {"role": "system", "content": "be brief\n\nbe kind"}
    ]


def test_several_parts_of_a_user_are_a_list_and_code_stands_in_fences():
    (message,) = said(user("look:", Code(language="python", text="x = 1")))
    assert message["content"] == [
        {"type": "text", "text": "look:"},
        {"type": "text", "text": "```python\nx = 1\n```"},
    ]
    assert said(user(Code(text="x"))) == [{"role": "user", "content": "```\nx\n```"}]


def test_pictures_are_given_by_address_or_with_their_bytes():
    (message,) = said(
        user(Image(media_type="image/png", data=PNG), Image(media_type="image/png", url="http://x/p"))
    )
    assert [piece["image_url"]["url"] for piece in message["content"]] == [PNG_URL, "http://x/p"]


PDF = File(media_type="application/pdf", data=b"%PDF", name="a.pdf")


def test_files_are_given_as_the_endpoint_takes_them():
    assert said(user(PDF))[0]["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF_URL}}
    ]
    assert said(user(PDF), dialect=Dialect(files="document_url"))[0]["content"] == [
        {"type": "document_url", "document_url": PDF_URL, "document_name": "a.pdf"}
    ]


def test_a_file_that_cannot_be_given_is_refused_and_one_of_text_is_written_out():
    none = Dialect(files="")
    with pytest.raises(UnsupportedError, match=r"application/pdf \('a.pdf'\): give their text"):
        said(user(PDF), dialect=none)
    text = File(media_type="text/csv", data=b"a,b", name="t.csv")
    assert said(user(text), dialect=none)[0]["content"] == [{"type": "text", "text": "t.csv:\n```\na,b\n```"}]


def test_a_tool_call_goes_back_with_what_its_provider_wants_back():
    signed = CALL.model_copy(update={"raw": {"extra_content": {"google": {"thought_signature": "s"}}}})
    assert said(Message.of("assistant", signed)) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "extra_content": {"google": {"thought_signature": "s"}},
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "search", "arguments": '{"q": 1}'},
                }
            ],
        }
    ]


def test_a_call_without_arguments_has_an_empty_object():
    (message,) = said(Message.of("assistant", ToolCall(id="c1", name="search", arguments=" ")))
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


def test_words_of_the_assistant_are_one_string_and_none_are_an_empty_one():
    assert said(Message.of("assistant", "a", "b"))[0]["content"] == "ab"
    assert said(Message.of("assistant"))[0]["content"] == ""


def test_results_of_tools_say_whether_they_failed():
    (ok, failed, told) = said(
        Message.of(
            "tool",
            ToolResult(id="c1", content="12"),
            ToolResult(id="c2", content="no such city", failed=True),
            ToolResult(id="c3", content="error: gone", failed=True),
        )
    )
    assert ok == {"role": "tool", "tool_call_id": "c1", "content": "12"}
    assert failed["content"] == "Error: no such city"
    assert told["content"] == "error: gone"


def test_pictures_of_results_follow_behind_the_results_of_all_calls_of_the_turn():
    picture = Image(media_type="image/png", data=PNG)
    sent = said(
        Message.of("tool", ToolResult(id="c1", content=(Text(text="done"), picture))),
        Message.of("tool", ToolResult(id="c2", content=(picture,))),
        user("go on"),
    )
    assert [message["role"] for message in sent] == ["tool", "tool", "user", "user"]
    assert sent[0]["content"] == "done\n(What it shows follows in the next message.)"
    assert sent[1]["content"] == "(What it shows follows in the next message.)"
    assert sent[2]["content"] == [
        {"type": "text", "text": "From the tool call c1:"},
        {"type": "image_url", "image_url": {"url": PNG_URL}},
        {"type": "text", "text": "From the tool call c2:"},
        {"type": "image_url", "image_url": {"url": PNG_URL}},
    ]
    assert sent[3]["content"] == "go on"


def test_a_picture_that_the_assistant_made_is_shown_to_it_as_the_users():
    sent = said(Message.of("assistant", "here", Image(media_type="image/png", data=PNG)))
    assert [message["role"] for message in sent] == ["assistant", "user"]
    assert sent[0]["content"] == "here"
    assert sent[1]["content"][1]["image_url"]["url"] == PNG_URL


def thought(**raw):
    return Reasoning(text="hm", origin="chat", raw=raw)


def test_plain_thoughts_go_back_only_with_the_calls_they_led_to():
    with_call = Message.of("assistant", thought(reasoning_content="hm"), CALL)
    without = Message.of("assistant", thought(reasoning_content="hm"), "answer")
    assert said(with_call)[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in said(without)[0]


def test_thoughts_in_detail_go_back_always_and_without_the_plain_ones():
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}]
    (message,) = said(Message.of("assistant", thought(reasoning="hm", reasoning_details=details), CALL))
    assert message["reasoning_details"] == details
    assert "reasoning" not in message
    (message,) = said(Message.of("assistant", thought(reasoning_details=details), "answer"))
    assert message["reasoning_details"] == details


def test_thoughts_that_stood_in_the_content_go_back_there():
    piece = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    (message,) = said(
        Message.of("assistant", thought(content=[piece]), "answer"),
        dialect=dialect_of("https://api.mistral.ai"),
    )
    assert message["content"] == [piece, {"type": "text", "text": "answer"}]


def test_thoughts_that_an_endpoint_does_not_take_or_of_another_wire_are_left_out():
    parts = (thought(reasoning_content="hm"), CALL)
    strict = Dialect(thoughts=frozenset())
    assert "reasoning_content" not in said(Message.of("assistant", *parts), dialect=strict)[0]
    other = Reasoning(text="hm", origin="anthropic", raw={"reasoning_content": "x"})
    assert "reasoning_content" not in said(Message.of("assistant", other, CALL))[0]


def test_several_thoughts_are_joined():
    (message,) = said(
        Message.of("assistant", thought(reasoning_content="a"), thought(reasoning_content="b"), CALL)
    )
    assert message["reasoning_content"] == "ab"


def test_where_thoughts_are_needed_with_a_call_there_are_empty_ones():
    deep = dialect_of("https://api.deepseek.com")
    assert said(Message.of("assistant", CALL), dialect=deep)[0]["reasoning_content"] == ""
    assert "reasoning_content" not in said(Message.of("assistant", "answer"), dialect=deep)[0]


def test_parts_that_only_their_provider_knows_go_back_over_the_same_wire_alone():
    piece = Other(origin="chat", raw={"type": "file", "file": {"file_id": "f"}})
    foreign = Other(origin="anthropic", raw={"type": "odd"})
    assert said(user(piece, foreign))[0]["content"] == [piece.raw]
    audio = Other(origin="chat", raw={"audio": {"id": "a"}})
    assert said(Message.of("assistant", audio, foreign))[0]["audio"] == {"id": "a"}
    assert said(user(foreign)) == []


def test_ids_of_other_providers_calls_fit_where_ids_are_short():
    short = Dialect(short_ids=True)
    turn = (Message.of("assistant", CALL), Message.of("tool", ToolResult(id="c1", content="x")))
    call, result = said(*turn, dialect=short)
    assert len(call["tool_calls"][0]["id"]) == 9
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] != "c1"
    kept = said(Message.of("tool", ToolResult(id="abcDEF123", content="x")), dialect=short)
    assert kept[0]["tool_call_id"] == "abcDEF123"


def test_a_part_in_the_wrong_place_is_refused():
    with pytest.raises(UnsupportedError, match="'c1' stands in a message that is not the assistant's"):
        said(user("x", CALL))
    with pytest.raises(UnsupportedError, match="'c1' stands in the assistant's message"):
        said(Message.of("assistant", ToolResult(id="c1", content="x")))


def test_tools_are_offered_with_what_was_said_of_them():
    found = body(user("hi"), tools=(SEARCH,), parallel_tools=False)
    assert found["tools"] == [
        {
            "type": "function",
            "function": {"name": "search", "description": "finds", "parameters": SEARCH.parameters},
        }
    ]
    assert found["parallel_tool_calls"] is False
    assert "tool_choice" not in found


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("none", "none"),
        ("required", "required"),
        ("fetch", {"type": "function", "function": {"name": "fetch"}}),
    ],
)
def test_whether_to_call_a_tool_is_told(choice, sent):
    assert body(user("hi"), tools=(SEARCH, FETCH), tool_choice=choice)["tool_choice"] == sent


def test_a_tool_that_must_be_called_must_be_offered():
    with pytest.raises(
        UnsupportedError, match=r"'nope' must be called but is not offered \(offered: fetch, search\)"
    ):
        body(user("hi"), tools=(SEARCH, FETCH), tool_choice="nope")


def test_without_tools_nothing_is_said_of_them():
    assert body(user("hi"), tool_choice="required", parallel_tools=True).keys() == {"model", "messages"}


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**OPEN, "required": ["a"], "additionalProperties": False}


def test_the_form_of_the_answer_is_strict_where_its_schema_allows():
    assert body(user("hi"), output=OutputSpec(name="x", parameters=OPEN))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": OPEN},
    }
    strict = body(user("hi"), output=OutputSpec(name="x", parameters=CLOSED))["response_format"][
        "json_schema"
    ]
    assert strict["strict"] is True


def test_an_endpoint_that_knows_no_schemas_is_told_in_words():
    found = body(
        user("hi"), output=OutputSpec(name="x", parameters=OPEN), dialect=Dialect(output="json_object")
    )
    assert found["response_format"] == {"type": "json_object"}
    assert found["messages"][-1]["role"] == "system"
    assert '{"type": "object", "properties": {"a"' in found["messages"][-1]["content"]


def test_limits_and_effort_have_the_names_the_endpoint_knows():
    found = body(user("hi"), max_tokens=9, temperature=0.0, effort="low")
    assert (found["max_tokens"], found["temperature"], found["reasoning_effort"]) == (9, 0.0, "low")
    other = Dialect(max_tokens="max_completion_tokens", effort="reasoning")
    found = body(user("hi"), max_tokens=9, effort="low", dialect=other)
    assert (found["max_completion_tokens"], found["reasoning"]) == (9, {"effort": "low"})
    assert "max_tokens" not in found


def test_a_stream_asks_for_its_usage_unless_that_is_refused():
    request = ModelRequest(messages=(user("hi"),))
    found = body_of(request, model="m", dialect=PLAIN, stream=True)
    assert (found["stream"], found["stream_options"]) == (True, {"include_usage": True})
    found = body_of(request, model="m", dialect=Dialect(usage_on_request=False), stream=True)
    assert "stream_options" not in found


def test_what_only_the_provider_knows_is_put_in():
    found = body(user("hi"), tools=(SEARCH,), extra={"top_k": 4, "tools": [{"type": "web"}]})
    assert found["top_k"] == 4
    assert [tool["type"] for tool in found["tools"]] == ["function", "web"]


@pytest.mark.parametrize("extra", [{"messages": []}, {"model": "other"}, {"stream": True}, {"n": 2}])
def test_what_would_change_the_call_itself_is_refused_as_extra(extra):
    with pytest.raises(UnsupportedError, match=next(iter(extra))):
        body(user("hi"), extra=extra)


@pytest.mark.parametrize("kind", ["tool_use", "function_call", "custom_tool_call"])
def test_what_other_apis_want_back_with_a_call_does_not_go_here(kind):
    own = ToolCall(id="1", name="f", arguments="{}", raw={"extra_content": {"google": 1}})
    foreign = ToolCall(id="2", name="f", arguments="{}", raw={"type": kind, "status": "completed"})
    (turn,) = said(Message.of("assistant", own, foreign))
    function = {"name": "f", "arguments": "{}"}
    assert turn["tool_calls"] == [
        {"extra_content": {"google": 1}, "id": "1", "type": "function", "function": function},
        {"id": "2", "type": "function", "function": function},
    ]
