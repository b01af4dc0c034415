import pytest

from backedge.providers.messages import Reasoning, Text, Usage
from backedge.providers.protocol import ReasoningDelta, TextDelta, ToolCallDelta
from backedge.providers.wire.chat_answer import response_of
from backedge.providers.wire.chat_stream import Gathered
from backedge.providers.wire.dialects import Dialect

PLAIN = Dialect()


def chunk(finish=None, **delta):
    return {"id": "id-1", "model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def piece(arguments="", *, name=None, **more):
    function = {"arguments": arguments, **({} if name is None else {"name": name})}
    return {"function": function, **more}


def gathered(*chunks):
    """What was gathered from these, and the events."""
    found = Gathered(PLAIN)
    return found, [event for one in chunks for event in found.take(one)]


def calls_of(*pieces):
    """(id, name, arguments) of the calls that come in these pieces, one a chunk; a list is several in one chunk."""
    chunks = [chunk(tool_calls=one if isinstance(one, list) else [one]) for one in pieces]
    found, events = gathered(*chunks, chunk("tool_calls"))
    calls = found.response("x").message.tool_calls
    told = {}
    for event in events:
        told.setdefault(event.index, []).append(event.arguments)
    assert ["".join(told[place]) for place in range(len(calls))] == [call.arguments for call in calls]
    return [(call.id, call.name, call.arguments) for call in calls]


def test_words_come_as_they_come_and_add_up():
    found, events = gathered(
        chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo"), chunk("stop")
    )
    assert events == [TextDelta(text="Hel"), TextDelta(text="lo")]
    response = found.response("x:m")
    assert (response.text, response.finish, response.by) == ("Hello", "stop", "x:m")
    assert (response.id, response.model) == ("id-1", "m-1")
    assert response.raw == chunk("stop")


def test_a_streamed_answer_is_what_it_would_have_been_in_one_piece():
    found, _ = gathered(
        chunk(reasoning_content="h"),
        chunk(reasoning_content="m"),
        chunk(content="Hel"),
        chunk(content="lo", refusal=None),
        chunk(tool_calls=[piece('{"a"', id="c1", name="f", index=0)]),
        chunk(tool_calls=[piece(": 1}", index=0)]),
        chunk("tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}},
    )
    message = {
        "reasoning_content": "hm",
        "content": "Hello",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }
    body = {
        "id": "id-1",
        "model": "m-1",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1},
    }
    whole = response_of(body, by="x", dialect=PLAIN)
    assert found.response("x").model_copy(update={"raw": None}) == whole.model_copy(update={"raw": None})


def test_the_end_is_the_reason_to_stop():
    found, _ = gathered(chunk(content="x"))
    assert not found.done
    found.take(chunk("stop"))
    assert found.done


@pytest.mark.parametrize(
    "last",
    [
        {"choices": [], "usage": {"prompt_tokens": 2}},
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 2}}},
        {"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 2}}]},
        {"choices": None, "usage": {"prompt_tokens": 2}},
    ],
)
def test_the_usage_is_found_wherever_it_stands(last):
    found, _ = gathered({**chunk("stop"), "usage": None}, last)
    assert found.usage == Usage(input_tokens=2)
    assert found.response("x").usage == Usage(input_tokens=2)


def test_a_later_usage_replaces_an_earlier_one():
    found, _ = gathered(
        {**chunk("stop"), "usage": {"prompt_tokens": 1}}, {"choices": [], "usage": {"prompt_tokens": 2}}
    )
    assert found.usage == Usage(input_tokens=2)


def test_calls_come_in_pieces_one_after_the_other_or_mixed():
    assert calls_of(
        piece(id="a", name="f", index=0),
        piece('{"x"', index=0),
        piece(id="b", name="g", index=1),
        piece(":1}", index=0),
        piece("{}", index=1),
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_several_calls_come_in_one_piece():
    assert calls_of([piece("{}", id="a", name="f", index=0), piece("{}", id="b", name="g", index=1)]) == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


def test_an_index_may_start_anywhere():
    assert calls_of(
        piece(id="a", name="f", index=1), piece("{}", index=1), piece("{}", id="b", name="g", index=7)
    ) == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


def test_a_name_that_comes_again_or_empty_changes_nothing():
    assert calls_of(
        piece("{", id="a", name="f", index=0),
        piece("", id="a", name="f", index=0),
        piece("}", id="", name="", index=0),
    ) == [("a", "f", "{}")]


def test_without_an_index_pieces_belong_to_the_call_with_their_id_or_to_the_latest():
    assert calls_of(
        piece("{", id="a", name="f"),
        piece('"x":1'),
        piece("{}", id="b", name="g"),
        piece("}", id="a"),
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_calls_that_come_whole_are_told_apart_though_they_share_an_index():
    assert calls_of(piece("{}", id="a", name="f", index=0), piece("{}", id="b", name="f", index=0)) == [
        ("a", "f", "{}"),
        ("b", "f", "{}"),
    ]
    ids = calls_of(piece('{"x":1}', id="", name="f", index=0), piece('{"x":2}', id="", name="f", index=0))
    assert [one[1:] for one in ids] == [("f", '{"x":1}'), ("f", '{"x":2}')]
    assert len({one[0] for one in ids}) == 2


def test_calls_that_come_whole_without_index_and_id_are_told_apart():
    assert [one[1:] for one in calls_of(piece("{}", name="f"), piece("{}", name="g"))] == [
        ("f", "{}"),
        ("g", "{}"),
    ]


def test_the_pieces_of_a_call_without_index_and_id_stay_together():
    assert [one[1:] for one in calls_of(piece("", name="f"), piece('{"x"'), piece(":1}"))] == [
        ("f", '{"x":1}')
    ]


def test_arguments_may_come_as_an_object_or_not_at_all():
    assert calls_of(piece({"x": 1}, id="a", name="f", index=0)) == [("a", "f", '{"x": 1}')]
    assert calls_of({"id": "a", "index": 0, "function": {"name": "f"}}) == [("a", "f", "")]
    assert calls_of({"id": "a", "index": 0, "function": None}) == [("a", "", "")]


def test_what_a_provider_wants_back_with_a_call_is_kept():
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    found, _ = gathered(
        chunk(tool_calls=[piece("{}", id="a", name="f", index=0, **extra)]), chunk("tool_calls")
    )
    assert found.response("x").message.tool_calls[0].raw == extra


def test_each_piece_of_a_call_says_what_is_known_of_it():
    _, events = gathered(
        chunk(tool_calls=[piece("{", id="a", name="f", index=3)]), chunk(tool_calls=[piece("}", index=3)])
    )
    assert events == [
        ToolCallDelta(index=0, id="a", name="f", arguments="{"),
        ToolCallDelta(index=0, id="a", name="f", arguments="}"),
    ]


def test_thoughts_are_told_once_though_they_come_in_two_forms():
    detail = {"type": "reasoning.text", "index": 0}
    found, events = gathered(
        chunk(reasoning="two ", reasoning_details=[{**detail, "text": "two ", "signature": None}]),
        chunk(reasoning="and", reasoning_details=[{**detail, "text": "and"}]),
        chunk(reasoning_details=[{**detail, "text": "", "signature": "s"}]),
        chunk(content="4"),
        chunk("stop"),
    )
    assert events == [ReasoningDelta(text="two "), ReasoningDelta(text="and"), TextDelta(text="4")]
    joined = {"type": "reasoning.text", "index": 0, "text": "two and", "signature": "s"}
    assert found.response("x").message.parts[0] == Reasoning(
        text="two and", origin="chat", raw={"reasoning": "two and", "reasoning_details": [joined]}
    )


def test_thoughts_that_come_in_detail_only_are_told():
    _, events = gathered(chunk(reasoning_details=[{"type": "reasoning.summary", "summary": "hm"}]))
    assert events == [ReasoningDelta(text="hm")]


def test_different_thoughts_and_sealed_ones_are_kept_apart():
    sealed = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    first = {"type": "reasoning.text", "text": "a", "index": 0}
    other = {"type": "reasoning.text", "text": "b", "index": 1}
    found, _ = gathered(chunk(reasoning_details=[first, other, sealed, sealed]), chunk("stop"))
    assert found.response("x").message.parts[0].raw["reasoning_details"] == [first, other, sealed, sealed]


def test_a_content_in_parts_is_joined_with_words_before_and_after():
    def thinking(text, **more):
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}

    found, events = gathered(
        chunk(content="a"),
        chunk(content=[thinking("h")]),
        chunk(content=[thinking("m", closed=True)]),
        chunk(content=[{"type": "text", "text": "b"}]),
        chunk(content="c"),
        chunk(content=[{"type": "reference", "ids": [1]}]),
        chunk("stop"),
    )
    kinds = [TextDelta, ReasoningDelta, ReasoningDelta, TextDelta, TextDelta]
    assert [type(event) for event in events] == kinds
    response = found.response("x")
    assert response.text == "abc"
    assert response.message.parts[0] == Reasoning(
        text="hm", origin="chat", raw={"content": [thinking("hm", closed=True)]}
    )
    assert response.message.parts[-1].raw == {"type": "reference", "ids": [1]}


def test_what_was_given_is_not_changed_by_joining():
    detail = {"type": "reasoning.text", "text": "a", "index": 0}
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}
    text = {"type": "text", "text": "a"}
    one = chunk(reasoning_details=[detail], content=[thinking, text])
    gathered(one, one)
    assert (detail["text"], thinking["thinking"][0]["text"], text["text"]) == ("a", "a", "a")


def test_a_refusal_is_told_as_words():
    found, events = gathered(chunk(refusal="I will"), chunk(refusal=" not."), chunk("stop"))
    assert events == [TextDelta(text="I will"), TextDelta(text=" not.")]
    assert (found.response("x").text, found.response("x").finish) == ("I will not.", "refusal")


def test_pictures_are_gathered():
    found, _ = gathered(chunk(content="", images=[{"image_url": {"url": "http://x/p"}}]), chunk("stop"))
    assert found.response("x").message.parts[0].url == "http://x/p"


def test_a_sign_of_thoughts_of_the_whole_answer_is_kept():
    found, _ = gathered(
        chunk(content="x", extra_content={"google": {"thought_signature": "s"}}), chunk("stop")
    )
    assert found.response("x").message.parts[0].raw == {
        "extra_content": {"google": {"thought_signature": "s"}}
    }


def test_a_chunk_that_is_an_error_is_kept_with_what_was_spent_until_then():
    problem = {"error": {"message": "no"}, "usage": {"prompt_tokens": 2}, **chunk(content="x")}
    found, events = gathered(chunk(content="a"), problem)
    assert events == [TextDelta(text="a")]
    assert found.failure == problem
    assert found.usage == Usage(input_tokens=2)


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": []},
        {"choices": [None]},
        {"choices": "x"},
        {},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 1, "delta": {"content": "of another answer"}}]},
        {
            "choices": [
                {"delta": {"content": 7, "tool_calls": [None], "reasoning_details": [None], "images": {}}}
            ]
        },
    ],
)
def test_a_chunk_without_anything_of_the_answer_adds_nothing(odd):
    found, events = gathered(chunk(content="a"), odd, chunk("stop"))
    assert events == [TextDelta(text="a")]
    assert found.response("x").message.parts == (Text(text="a"),)


def test_a_whole_message_in_a_chunk_is_read_too():
    found, _ = gathered({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    assert found.response("x").text == "x"
