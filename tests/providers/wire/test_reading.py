"""Bodies are read strictly, and what is no JSON at all is text."""

import pytest

from backedge.providers.wire.reading import read_body, reason_of


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b" 7", 7),
        (b"<html>", "<html>"),
        (b"", ""),
        (b"\xffno", "\ufffdno"),
    ],
)
def test_json_is_read_and_the_rest_is_text(content, found):
    assert read_body(content) == found


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": 1', "it is not JSON: Expecting"),
        (b' [{"a": "\xff"}]', "it is not JSON: invalid start byte at byte 9"),
        (b"[" * 100_000, "its JSON is nested too deeply"),
        (b'[{"b": {"a": 1, "a": 1}}]', "the key 'a' comes twice in it"),
    ],
)
def test_what_begins_like_json_must_be_json_without_anything_twice(content, problem):
    with pytest.raises(ValueError) as caught:
        read_body(content)
    assert str(caught.value).startswith(problem)


def test_a_reason_is_one_line_and_names_foreign_errors():
    assert reason_of(ValueError("a\n  b")) == "a b"
    assert reason_of(KeyError("a")) == "KeyError: 'a'"
