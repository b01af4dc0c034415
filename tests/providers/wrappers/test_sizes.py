"""What a request will take is guessed from all of it, rather too much than too little."""

import pytest

from backedge.providers import (
    Code,
    File,
    Image,
    Message,
    ModelRequest,
    Other,
    OutputSpec,
    Reasoning,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from backedge.providers.wrappers.sizes import expected


def read(*parts, **more):
    return expected(ModelRequest(messages=(Message.of("user", *parts),), **more), output=0).input_tokens


BARE = read()


def test_each_three_bytes_are_a_token():
    assert read("x" * 300) - BARE == 100
    assert read("漢" * 100) - BARE == 100
    assert read(Code(text="x" * 300)) - BARE == 100


@pytest.mark.parametrize(
    ("part", "least"),
    [
        (Image(media_type="image/png", data=b"x"), 1500),
        (Image(media_type="image/png", url="http://x/y"), 1500),
        (File(media_type="application/pdf", data=b"x" * 60_000), 4999),
        (File(media_type="application/pdf", url="http://x/y"), 2999),
        (ToolCall(id="1", name="add", arguments="x" * 300), 101),
        (ToolResult(id="1", content="x" * 300), 100),
        (Reasoning(text="x" * 300), 100),
        (Reasoning(origin="chat", raw={"x": "x" * 300}), 100),
        (Other(origin="chat", raw={"x": "x" * 300}), 100),
    ],
)
def test_every_part_counts(part, least):
    assert least <= read(part) - BARE <= least * 1.1


def test_tools_and_the_form_of_the_answer_count():
    schema = {"type": "object", "properties": {"x" * 300: {}}}
    assert read(tools=(ToolSpec(name="a", description="x" * 300, parameters=schema),)) - BARE > 200
    assert read(output=OutputSpec(name="a", parameters=schema)) - BARE > 100


def test_each_message_counts():
    two = ModelRequest(messages=(Message.of("user"), Message.of("user")))
    assert expected(two, output=0).input_tokens > BARE


def test_what_may_be_written_is_what_the_request_says_or_else_what_is_expected():
    assert expected(ModelRequest(messages=()), output=7).output_tokens == 7
    assert expected(ModelRequest(messages=(), max_tokens=100), output=7).output_tokens == 100


def test_half_a_character_is_counted_too():
    part = Code.model_construct(kind="code", language="", text="\ud800")
    assert read(part) > BARE
