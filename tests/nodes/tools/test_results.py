"""What a model is shown of what a tool returned."""

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from backedge.nodes.tools import Content, text_of, tool
from backedge.nodes.tools.results import HEAVIEST, content_of
from backedge.providers import Code, File, Image, Text, ToolResult

PNG = Image(media_type="image/png", data=b"png")


class Page(BaseModel):
    title: str
    on: date


@dataclass
class Spot:
    x: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("words", "words"),
        ("", "(an empty text)"),
        (None, "done; it returned nothing"),
        (3, "3"),
        (True, "true"),
        ([], "[]"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (Page(title="ü", on=date(2026, 1, 2)), '{"title":"ü","on":"2026-01-02"}'),
        ([Spot(1)], '[{"x":1}]'),
        ({1}, "[1]"),
        (b"bytes", '"bytes"'),
        ("half \ud800", "half ?"),
        ([Text(text="a"), Code(text="b")], "ab"),
        ((Text(text=""), ""), "(an empty text)"),
        ([Text(text="a"), {"b": 1}], 'a{"b":1}'),
        (Code(text="x = 1"), "x = 1"),
    ],
)
def test_a_result_is_text_or_json(value, text):
    assert text_of(content_of(value, limit=100)) == text


def test_pictures_and_files_stay_what_they_are_and_mix_with_words():
    pdf = File(media_type="application/pdf", data=b"pdf")
    assert content_of(PNG, limit=9) == (PNG,)
    assert content_of(["see", PNG, pdf], limit=9) == (Text(text="see"), PNG, pdf)


def test_what_is_too_long_is_cut_and_that_is_told():
    assert (
        text_of(content_of("x" * 11, limit=10))
        == "x" * 10 + "\n[cut: these are the first 10 of 11 characters]"
    )
    assert text_of(content_of("x" * 10, limit=10)) == "x" * 10
    assert "of 1002 characters" in text_of(content_of(["x" * 998], limit=10))


def test_parts_share_the_bound():
    shown = content_of([Text(text="a" * 8), PNG, Text(text="b" * 8), Text(text="c" * 8)], limit=10)
    assert text_of(shown).startswith("aaaaaaaabb\n[cut: these are the first 2 of 8")
    assert "c" not in text_of(shown).replace("cut", "").replace("characters", "")
    assert PNG in shown


def test_a_picture_that_is_too_heavy_is_left_out_and_that_is_told():
    heavy = Image(media_type="image/png", data=bytes(HEAVIEST + 1))
    assert text_of(content_of(heavy, limit=10)).startswith("[left out: image/png of ")
    assert content_of(Image(media_type="image/png", data=bytes(HEAVIEST)), limit=10)[0].kind == "image"
    far = Image(media_type="image/png", url="https://example.org/a.png")
    assert content_of(far, limit=10) == (far,)


def test_a_result_without_a_form_as_text_is_the_programmers_mistake():
    with pytest.raises(TypeError, match="returned object, which has no form as text"):
        content_of(object(), limit=10)
    with pytest.raises(TypeError, match="returned bytes"):
        content_of(b"\xff", limit=10)


async def test_the_limit_is_the_tools():
    @tool(limit=5)
    async def talk() -> str:
        """Talk."""
        return "too many words"

    assert text_of(await talk.call("")).startswith("too m\n[cut")


@given(st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.integers()), st.integers(1, 50))
def test_any_result_is_bounded_goes_into_a_message_and_comes_back_from_a_record(value, limit):
    content = content_of(value, limit=limit)
    assert len(text_of(content)) <= limit + 80
    assert ToolResult(id="1", content=content).content == content
    adapter = TypeAdapter(Content)
    assert adapter.validate_json(adapter.dump_json(content)) == content


def test_pictures_come_back_from_records():
    adapter = TypeAdapter(Content)
    content = content_of([Image(media_type="image/png", data=b"\xff\x00"), "x"], limit=9)
    assert adapter.validate_json(adapter.dump_json(content)) == content
