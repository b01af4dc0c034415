"""Equal requests have the same digest, others do not."""

import hashlib

import pytest

from backedge.providers import (
    Code,
    File,
    Image,
    Message,
    ModelRequest,
    OutputSpec,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from backedge.providers.wrappers import digests
from backedge.providers.wrappers.digests import digest_of

PICTURE = Image(media_type="image/png", data=b"png")
TOOL = ToolSpec(name="add", description="adds", parameters={"type": "object", "title": "x"})


def request(*parts, role="user", **more):
    return ModelRequest(messages=(Message.of(role, *parts),), **more)


DIFFERENT = [
    request("a"),
    request("a", role="system"),
    request("a", "b"),
    request("ab"),
    request(Code(text="a")),
    request(Code(text="a", language="python")),
    request("a", PICTURE),
    request("a", Image(media_type="image/png", data=b"other")),
    request("a", Image(media_type="image/jpeg", data=b"png")),
    request("a", Image(media_type="image/png", url=hashlib.sha256(b"png").hexdigest())),
    request("a", File(media_type="image/png", data=b"png")),
    request(ToolCall(id="1", name="a", arguments="{}")),
    request(ToolCall(id="1", name="a", arguments="{}", raw={"x": 1})),
    request(ToolResult(id="1", content="a")),
    request(ToolResult(id="1", content="a", failed=True)),
    request(ToolResult(id="1", content=(Text(text="a"), PICTURE))),
    request(Reasoning(text="a")),
    request("a", tools=(TOOL,)),
    request("a", tools=(TOOL.model_copy(update={"name": "add 4:adds"}),)),
    request("a", tools=(TOOL.model_copy(update={"description": "adds "}),)),
    request("a", tools=(TOOL.model_copy(update={"parameters": {"type": "object", "title": "y"}}),)),
    request("a", tools=(TOOL, TOOL)),
    request("a", tools=(TOOL,), tool_choice="required"),
    request("a", parallel_tools=False),
    request("a", output=OutputSpec(name="x", parameters={})),
    request("a", max_tokens=1),
    request("a", temperature=0.0),
    request("a", temperature=1.0),
    request("a", effort="low"),
    request("a", extra={"seed": 1}),
    ModelRequest(messages=(Message.of("user", "a"), Message.of("user", "b"))),
    ModelRequest(messages=(Message.of("user", 'a"}\n{"'),)),
    request("a 1:b"),
    request(Text(text="a", raw={"x": 1})),
    request("a\nuser 1:b"),
    request(),
    ModelRequest(messages=()),
]


def test_everything_that_can_change_the_answer_changes_the_digest():
    digests = [digest_of(one, "m") for one in DIFFERENT] + [digest_of(DIFFERENT[0], "other")]
    assert len(set(digests)) == len(DIFFERENT) + 1
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize("one", DIFFERENT)
def test_an_equal_request_has_the_same_digest(one):
    again = ModelRequest.model_validate_json(one.model_dump_json())
    assert again == one
    assert digest_of(again, "m") == digest_of(one, "m")


def test_the_order_of_keys_does_not_matter():
    one = request("a", tools=(TOOL,), extra={"a": 1, "b": {"c": 1, "d": 2}})
    other = request(
        "a",
        tools=(TOOL.model_copy(update={"parameters": {"title": "x", "type": "object"}}),),
        extra={"b": {"d": 2, "c": 1}, "a": 1},
    )
    assert digest_of(one, "m") == digest_of(other, "m")
    raw = ({"x": 1, "y": 2}, {"y": 2, "x": 1})
    assert len({digest_of(request(Reasoning(raw=each)), "m") for each in raw}) == 1


def test_half_a_character_is_no_obstacle():
    assert digest_of(request("a", extra={"x": "\ud800"}), "m") != digest_of(
        request("a", extra={"x": "?"}), "m"
    )


def test_what_is_written_without_json_has_no_other_fields():
    """Whoever adds a field to these has to write it, too."""
    assert set(Text.model_fields) == {"kind", "text", "raw"}
    assert set(Message.model_fields) == {"role", "parts"}
    assert set(ToolSpec.model_fields) == {"name", "description", "parameters"}


def test_without_the_encoder_in_c_the_digest_is_the_same(monkeypatch):
    found = digests._writer()
    monkeypatch.setattr(digests.encoder, "c_make_encoder", None)
    plain = digests._writer()
    told = {"b": [1, 2.5, None, "ä\n\ud800"], "a": {"y": True, "x": b"bytes"}, "c": PICTURE}
    assert found(told) == plain(told)
