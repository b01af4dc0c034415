import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.engine.render import wording
from backedge.engine.render.wording import amount, clean, cut, listed, seconds, wrap

words = st.text(st.sampled_from("ab_. \n\té…"), max_size=80)


def test_the_examples_in_the_docs_hold():
    assert doctest.testmod(wording).failed == 0


@given(words, st.integers(2, 12), st.integers(1, 4))
def test_wrapped_lines_fit_and_lose_nothing_but_what_the_ellipsis_stands_for(
    text: str, width: int, lines: int
):
    found = wrap(text, width, lines)
    assert 1 <= len(found) <= lines
    assert all(len(line) <= width for line in found)
    whole = clean(text).replace(" ", "")
    told = "".join(found).replace(" ", "")
    assert told == whole or (told.endswith("…") and whole.startswith(told[:-1]))


def test_long_words_are_broken_at_their_joints():
    assert wrap("read_the_whole_specification", 12) == ("read_the_", "whole_", "specificati…")
    assert wrap("read_the_specification", 12, 4) == ("read_the_", "specificatio", "n")


@given(st.text(max_size=40), st.integers(1, 20))
def test_cut_text_fits(text: str, width: int):
    assert len(cut(text, width)) <= width


@given(st.text(st.characters(), max_size=20))
def test_clean_text_can_be_written_in_xml(text: str):
    from xml.etree import ElementTree as ET

    element = ET.Element("a")
    element.text = clean(text)
    assert ET.fromstring(ET.tostring(element, encoding="unicode")).text in (clean(text), None)
    assert "\n" not in clean(text)


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (0, "0 µs"),
        (-5, "0 µs"),
        (0.00099951, "1 ms"),
        (0.9996, "1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (86400, "24 h 0 min"),
        (float("nan"), "unknown time"),
    ],
)
def test_durations_never_show_a_full_unit_of_the_next_kind(duration: float, told: str):
    assert seconds(duration) == told


def test_amounts_of_money_and_tokens_stay_readable():
    assert [amount(number) for number in (0, 1e6, 1234.5, 0.000012)] == [
        "0",
        "1,000,000",
        "1,234.5",
        "1.2e-05",
    ]


def test_names_beyond_the_most_are_counted():
    assert listed(["a", "b"], most=2) == "a, b"
    assert listed([str(number) for number in range(1002)], most=2) == "0, 1 and 1,000 more"
