"""Large strings are cut out of JSON and put back to the byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.checkpoints.cutting import Cut, cut, put_back

SIZE = 12
PIECES = st.sampled_from(
    ["a" * 20, "\\", '"', "é" * 9, "\u2028", "{", '":"', "[1,1,", "\ud800", "\x00", "0" * 40]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=6).map("".join))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_every_json_value_comes_back_and_keeps_no_large_string(value, escaped):
    text = json.dumps(value, ensure_ascii=escaped, separators=(",", ":"))
    whole = text.encode("utf-8", "backslashreplace")
    rest, cuts = cut(whole, SIZE)
    assert put_back(rest, cuts) == whole
    assert len(rest) == len(whole) - sum(len(one.content) for one in cuts)
    if not isinstance(value, str):
        json.loads(rest)
        assert cut(rest, SIZE) == (rest, [])


@given(
    st.binary()
    | st.lists(st.sampled_from([b'"', b"\\", b"a" * 20, b"\n", b"\xff"]), max_size=9).map(b"".join)
)
def test_what_is_no_json_comes_back_too(value):
    rest, cuts = cut(value, SIZE)
    assert put_back(rest, cuts) == value


def test_strings_that_are_large_are_cut_and_their_quotes_stay():
    value = b'[{"kind":"image","data":"%b"},"%b","short"]' % (b"A" * 20, b'\\"' * 10)
    rest, cuts = cut(value, SIZE)
    assert rest == b'[{"kind":"image","data":""},"","short"]'
    assert cuts == [Cut(25, b"A" * 20), Cut(49, b'\\"' * 10)]


def test_a_value_that_is_one_string_is_left_whole():
    assert cut(b'"%b"' % (b"a" * 20), SIZE) == (b'"%b"' % (b"a" * 20), [])


@pytest.mark.parametrize("cuts", [[Cut(3, b"x")], [Cut(1, b"xx"), Cut(2, b"y")]])
def test_cuts_of_another_value_are_refused(cuts):
    with pytest.raises(ValueError, match="there is no place"):
        put_back(b"[]", cuts)
