"""Messages: what they hold, and that a state can carry them."""

import copy

import pytest
from pydantic import BaseModel, ValidationError

from backedge.engine.state.fields import StateSchema
from backedge.providers import Image, Message, Text, ToolCall, ToolResult, Usage

CALL = ToolCall(id="1", name="add", arguments='{"a": 1}')


def test_a_plain_string_is_a_text_and_the_words_can_be_had():
    message = Message.of("assistant", "one ", CALL, Text(text="two"))
    assert message.text == "one two"
    assert message.tool_calls == (CALL,)


@pytest.mark.parametrize("where", [{}, {"data": b"x", "url": "y"}])
def test_an_image_is_somewhere_and_in_one_place(where):
    with pytest.raises(ValidationError, match="either data or a url"):
        Image(media_type="image/png", **where)


def test_messages_are_frozen_and_refuse_what_they_do_not_know():
    with pytest.raises(ValidationError, match="frozen"):
        Message.of("user", "x").role = "system"
    with pytest.raises(ValidationError, match="Extra"):
        Text(text="x", colour="red")


def test_a_state_carries_messages_with_every_part():
    class State(BaseModel):
        messages: list[Message] = []

    schema = StateSchema(State)
    assert schema.problems == ()
    picture = Image(media_type="image/png", data=bytes(range(256)))
    messages = [
        Message.of("user", "look", picture),
        Message.of("tool", CALL, ToolResult(id="1", content="2")),
    ]
    raw, back = schema.roundtrip("messages", messages)
    assert back == messages
    assert schema.decode("messages", raw) == messages


def test_a_copy_shares_all_but_what_can_be_changed():
    result = ToolResult(id="1", content=(Text(text="2", raw={"signed": ["a"]}), Text(text="3")))
    said, answered = (
        Message.of("user", "look", Image(media_type="image/png", data=b"x")),
        Message.of("tool", CALL, result),
    )
    talk = [said, answered]
    copied = copy.deepcopy(talk)
    assert copied == talk
    assert copied is not talk
    assert copied[0] is said
    call, told = copied[1].parts
    assert call is CALL
    assert told.content[1] is result.content[1]
    told.content[0].raw["signed"].append("b")
    assert result.content[0].raw == {"signed": ["a"]}


def test_a_deep_copy_with_something_else_leaves_the_original_as_it_was():
    text = Text(text="a")
    assert text.model_copy(update={"text": "b"}, deep=True) == Text(text="b")
    assert text == Text(text="a")


def test_usage_adds_up():
    both = Usage(input_tokens=1, output_tokens=2) + Usage(input_tokens=10, cached_tokens=5)
    assert both == Usage(input_tokens=11, output_tokens=2, cached_tokens=5)


def test_a_picture_is_read_from_a_file_whose_ending_tells_its_type(tmp_path):
    (tmp_path / "a.jpeg").write_bytes(b"picture")
    assert Image.read(tmp_path / "a.jpeg") == Image(media_type="image/jpeg", data=b"picture")
    (tmp_path / "a.unheard").write_bytes(b"picture")
    with pytest.raises(ValueError, match="its ending tells no type"):
        Image.read(str(tmp_path / "a.unheard"))
