import pytest

from backedge.providers.errors import BadAnswerError
from backedge.providers.messages import Image, Other, Reasoning, Text, Usage
from backedge.providers.wire.chat_answer import error_in, response_of
from backedge.providers.wire.dialects import Dialect

PLAIN = Dialect()


def answer(finish="stop", usage=None, dialect=PLAIN, **message):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    body = {"id": "id-1", "model": "m-1", "choices": [choice], **({"usage": usage} if usage else {})}
    return response_of(body, by="x:m", dialect=dialect)


def call(name="f", arguments="{}", **more):
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def test_an_answer_says_who_gave_it_and_is_kept_as_it_came():
    response = answer(content="hello")
    assert (response.text, response.finish) == ("hello", "stop")
    assert (response.model, response.by, response.id) == ("m-1", "x:m", "id-1")
    assert response.raw["choices"][0]["message"]["content"] == "hello"
    assert response.message.role == "assistant"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        (None, "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("content_filter", "filtered"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("refusal", "refusal"),
    ],
)
def test_reasons_to_stop_are_told_in_our_words(reason, finish):
    assert answer(reason, content="x").finish == finish


def test_who_calls_tools_stopped_for_them_whatever_the_reason_says():
    assert answer("stop", tool_calls=[call()]).finish == "tool_calls"
    assert answer("length", tool_calls=[call()]).finish == "length"


def test_a_refusal_is_words_with_a_reason_of_its_own():
    response = answer("stop", content=None, refusal="I will not.")
    assert (response.text, response.finish) == ("I will not.", "refusal")


def test_thoughts_come_before_words_and_keep_their_form():
    response = answer(
        content="4", reasoning="two and two", reasoning_details=[{"type": "reasoning.text", "text": "t"}]
    )
    assert response.message.parts == (
        Reasoning(
            text="two and two",
            origin="chat",
            raw={"reasoning": "two and two", "reasoning_details": [{"type": "reasoning.text", "text": "t"}]},
        ),
        Text(text="4"),
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"reasoning_content": "hm"}, "hm"),
        ({"reasoning": "hm"}, "hm"),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "h"},
                    {"text": "m"},
                    {"data": "x"},
                ]
            },
            "hm",
        ),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "hm"),
        ({"content": [{"type": "thinking", "thinking": "hm"}]}, "hm"),
        ({"extra_content": {"google": {"thought_signature": "s"}}}, ""),
    ],
)
def test_thoughts_are_found_wherever_they_stand(message, text):
    (part,) = answer(**message).message.parts
    assert (part.kind, part.text, part.origin) == ("reasoning", text, "chat")
    assert part.raw == message


def test_a_content_in_parts_is_read_part_by_part():
    odd = {"type": "reference", "reference_ids": [1]}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    response = answer(content=[{"type": "text", "text": "a"}, odd, picture, {"type": "text", "text": "b"}])
    assert response.text == "ab"
    assert response.message.parts[1] == Other(origin="chat", raw=odd)
    assert response.message.parts[2] == Image(media_type="image/png", data=b"\x89PNG")


def test_pieces_that_are_no_objects_and_pictures_that_are_nowhere_are_passed_over():
    response = answer(
        content=["x", {"type": "text", "text": ""}], images=[{"image_url": {}}, "x", {"image_url": ""}]
    )
    assert response.message.parts == ()


def test_pictures_and_sound_of_an_answer_are_kept():
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}},
        {"image_url": {"url": "http://x/p.png"}},
    ]
    response = answer(content="", images=images, audio={"id": "a"})
    assert response.message.parts == (
        Image(media_type="image/webp", data=b"\x00\x00\x00"),
        Image(media_type="image/*", url="http://x/p.png"),
        Other(origin="chat", raw={"audio": {"id": "a"}}),
    )


def test_a_picture_whose_bytes_are_broken_stays_an_address():
    (part,) = answer(images=[{"image_url": {"url": "data:image/png;base64,???"}}]).message.parts
    assert part.url == "data:image/png;base64,???"


def test_calls_keep_what_their_provider_wants_back():
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    response = answer(tool_calls=[call(arguments='{"a": 1}', index=0, **extra), call(id="c2")])
    first, second = response.message.tool_calls
    assert (first.id, first.name, first.arguments, first.raw) == ("c1", "f", '{"a": 1}', extra)
    assert (second.id, second.raw) == ("c2", None)


@pytest.mark.parametrize(("given", "read"), [({"a": 1}, '{"a": 1}'), ("", ""), (None, "")])
def test_arguments_may_be_an_object_or_nothing(given, read):
    assert answer(tool_calls=[call(arguments=given)]).message.tool_calls[0].arguments == read


def test_calls_without_an_id_get_one_of_their_own_that_the_next_answer_does_not_use():
    calls = answer(tool_calls=[call(id=""), call(id=None)]).message.tool_calls
    assert [one.id for one in calls] == ["call_0_id-1", "call_1_id-1"]


@pytest.mark.parametrize("choices", [None, [], "x", {}, [None], ["x"]])
def test_an_answer_without_choices_is_none(choices):
    usage = {"prompt_tokens": 3}
    with pytest.raises(BadAnswerError, match="no choices") as caught:
        response_of({"id": "i", "choices": choices, "usage": usage}, by="x:m", dialect=PLAIN)
    assert caught.value.usage == Usage(input_tokens=3)
    assert caught.value.model == "x:m"


def test_a_choice_without_a_message_is_an_empty_answer():
    response = response_of({"choices": [{"finish_reason": "content_filter"}]}, by="x", dialect=PLAIN)
    assert (response.message.parts, response.finish) == ((), "filtered")


def test_a_delta_stands_for_a_message_that_is_missing():
    assert response_of({"choices": [{"delta": {"content": "x"}}]}, by="x", dialect=PLAIN).text == "x"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no"}, "choices": []},
        {"error": "no", "choices": [{"delta": {}}]},
        {"x_groq": {"error": "no"}, "choices": [{"delta": {}}]},
        {"object": "error", "message": "no"},
        {"message": "no"},
        {"detail": "no"},
        {"choices": [{"error": {"message": "no"}}]},
        {"choices": [{"finish_reason": "error"}]},
        {"choices": [{"finish_reason": "insufficient_system_resource"}]},
    ],
)
def test_errors_are_found_in_what_looks_like_an_answer(body):
    assert error_in(body) is not None


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [], "usage": {}},
        {"choices": None},
        {"choices": ["x"]},
        {"choices": [{"error": None}], "error": None},
        {"message": "served by n1", "choices": [{"delta": {}}]},
    ],
)
def test_what_is_no_error_is_not_taken_for_one(body):
    assert error_in(body) is None


def test_only_where_prices_are_told_there_is_a_cost():
    assert answer(content="x", usage={"cost": 0.5}, dialect=Dialect(costs=True)).cost == 0.5
    assert answer(content="x", usage={"cost": 0.5}).cost is None
