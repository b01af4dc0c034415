"""What is read as an answer, and what is told when it is none."""

from fractions import Fraction

import pytest

from backedge.nodes.orchestra import AnswerError, Choice, Number, Said, Text, agreement

ONE = Fraction(1)


@pytest.mark.parametrize(
    ("unit", "given", "low", "text"),
    [
        ("", 5, 5, "5"),
        ("", 0.5, 0.5, "0.5"),
        ("", "about 12", 12, "about 12"),
        ("", "1e3", 1000, "1e3"),
        ("", "2026", 2026, "2026"),
        ("$", "some $500K", 500_000, "some $500K"),
        ("$", "500000", 500_000, "500000"),
        ("km", 3, 3000, "3"),
        ("km", "3000 m", 3000, "3000 m"),
        ("°C", "68 °F", 20, "68 °F"),
        ("°F", 68, 20, "68"),
        ("%", "12 per cent", 12, "12 per cent"),
    ],
)
def test_a_number_is_read_in_its_unit(unit, given, low, text):
    said = Number(unit).read(given)
    assert (said.quantity.low, said.text) == (pytest.approx(low), text)


@pytest.mark.parametrize(
    ("unit", "given", "told"),
    [
        ("", "many", "has none"),
        ("", "from 3 or so, perhaps 7", "has 3, 7"),
        ("", "3 km", "a number without a unit, and '3 km' is one of length"),
        ("$", "3 km", r"a number in \$, and '3 km' is one of length"),
        ("", True, "exactly one number"),
        ("", None, "exactly one number"),
        ("", "nan", "up to 1e200"),
        ("", float("inf"), "up to 1e200"),
        ("", 10**400, "exactly one number"),
    ],
)
def test_what_is_not_one_number_of_the_unit_is_told(unit, given, told):
    with pytest.raises(AnswerError, match=told):
        Number(unit).read(given)


def test_a_number_that_was_read_before_is_converted_or_refused():
    said = Number().read(3)
    assert Number("km").read(said).quantity.low == 3000
    with pytest.raises(AnswerError, match="without a unit"):
        Number().read(Number("km").read(3))


def test_numbers_are_averaged_by_weight_in_the_unit_that_was_asked_for():
    kind = Number("km")
    said = [kind.read(one) for one in (1, "3000 m", "2-4 km")]
    mean = kind.mean(said, [ONE, ONE * 3, ONE * 4])
    assert mean.text == "2.25 km to 3.25 km"
    assert (mean.quantity.low, mean.quantity.high) == (2250, 3250)
    assert kind.mean(said[:2], [ONE, ONE]).text == "2 km"
    warm = Number("°C")
    assert warm.mean([warm.read("68 °F"), warm.read("86 °F")], [ONE, ONE]).text == "25 °C"


@pytest.mark.parametrize(
    ("unit", "given", "text"),
    [
        ("$", ["$1.1M", "$1.2M"], "$1,150,000"),
        ("$", ["-$3", "-$4"], "-$3.5"),
        ("%", ["12 per cent", 13], "12.5 %"),
        ("", [1, 2, 2], "1.66667"),
        ("km/h", ["100 km/h", 120], "110 km/h"),
    ],
)
def test_a_mean_is_written_as_it_can_be_read_again(unit, given, text):
    kind = Number(unit)
    mean = kind.mean([kind.read(one) for one in given], [ONE] * len(given))
    assert mean.text == text
    assert kind.read(text).quantity.low == pytest.approx(mean.quantity.low, rel=1e-5)


def test_a_mean_of_tenths_is_exact_and_does_not_depend_on_the_order():
    kind = Number()
    said = [kind.read(one) for one in (0.1, 0.2, 0.3, 1e9)]
    weights = [ONE, ONE * 2, ONE * 3, ONE / 7]
    assert kind.mean(said, weights) == kind.mean(said[::-1], weights[::-1])


def test_a_number_needs_a_unit_that_there_is_and_a_share_as_tolerance():
    for wrong in ("furlongs", 5, None):
        with pytest.raises(ValueError, match=f"no unit {wrong!r}"):
            Number(wrong)
    with pytest.raises(ValueError, match="tolerance= is a share"):
        Number(tolerance=2)


def test_a_choice_is_read_in_any_case_and_what_there_is_not_is_told():
    kind = Choice("Buy", "Sell")
    assert kind.read(" buy ").text == "Buy"
    assert kind.read(kind.output(choice="Sell", reason="it falls")) == Said(text="Sell", reason="it falls")
    for wrong in ("hold", "", None, 3):
        with pytest.raises(AnswerError, match="one of Buy, Sell"):
            kind.read(wrong)


def test_the_choice_with_the_most_weight_wins_and_of_equal_ones_the_first_declared():
    kind = Choice("buy", "sell", "hold")
    said = [kind.read(one) for one in ("sell", "hold", "hold")]
    assert kind.mean(said, [ONE, ONE, ONE]).text == "hold"
    assert kind.mean(said, [ONE * 2, ONE, ONE]).text == "sell"


@pytest.mark.parametrize("options", [(), ("yes",), ("yes", "Yes"), ("yes", " "), (1, 2), (["yes", "no"],)])
def test_a_choice_is_between_two_different_texts(options):
    with pytest.raises(ValueError, match=r"two different texts or more, as in Choice\('yes', 'no'\)"):
        Choice(*options)


@pytest.mark.parametrize("wrong", ["", " \n", None, 3])
def test_a_text_says_something(wrong):
    with pytest.raises(AnswerError, match="a text that says something"):
        Text().read(wrong)


def test_texts_have_no_mean():
    assert not Text().has_mean
    with pytest.raises(TypeError, match="no mean"):
        Text().mean([Said(text="x")], [ONE])


def test_texts_whose_vectors_have_to_be_asked_for_are_not_silently_compared_by_their_words():
    with pytest.raises(TypeError, match="await kind.ready"):
        agreement(["a", "b"], kind=Text(embed=lambda texts: []))
