"""Numbers in texts."""

import pytest

from backedge.nodes.novelty import Quantity, Unit, Units, agree, quantities


def tokens(text, units=None):
    return [one.token for one in quantities(text, units)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$500K", "500,000 dollars"),
        ("$500K", "USD 500 thousand"),
        ("US$ 0.5 million", "500k USD"),
        ("$500K", "USD500K"),
        ("$3m", "$3,000,000"),
        ("5 KM and a bit", "5000 m"),
        ("5Kg", "5000 g"),
        ("£2bn", "2 billion pounds"),
        ("500\u202f000 €", "€500k"),
        ("500 000 euros", "EUR 500,000"),
        ("5M users", "5 million users"),
        ("3 km", "3000 m"),
        ("3 km", "3,000 metres"),
        ("2 hours", "120 minutes"),
        ("a 10-year plan", "120 months"),
        ("1 year", "12 months"),
        ("12%", "12 percent"),
        ("12 per cent", "12 pct"),
        ("50 basis points", "0.5 percentage points"),
        ("20 m²", "20 square metres"),
        ("68 °F", "20 degrees Celsius"),
        ("273.15 kelvin", "0 °C"),
        ("90 km/h", "25 m/s"),
        ("25 metres per second", "90 kilometers per hour"),
        ("$5/h", "5 dollars per hour"),
        ("$1.2M per year", "$100,000 / month"),
        ("$1.2M/year", "$100K/month"),
        ("500k/year", "500,000"),
        ("500'000 dollars", "$500K"),
        ("1’500’000.50 francs", "CHF 1,500,000.5"),
        ("43,560 sq ft", "1 acre"),
        ("2 GB per second", "2000 MB/s"),
        ("€3 per user", "3 euros"),
        ("£3 per second-hand car", "3 pounds"),
        ("1.5e3 m", "1.5 km"),
        ("2 GB/s", "2000 MB/s"),
        ("1 KiB", "1024 bytes"),
        ("3-5 km", "between 3 and 5 kilometres"),
        ("$3-5M", "$3M to $5M"),
        ("3–5 million dollars", "from $3m to $5m"),
        ("900 m to 1.1 km", "900-1100 m"),
        ("−5 °C", "-5 celsius"),
        ("\uff15\uff10\uff10 m", "500 m"),
        ("2 hundred thousand", "200,000"),
    ],
)
def test_what_means_the_same_reads_the_same(one, other):
    (left,), (right,) = quantities(one), quantities(other)
    assert left.token == right.token
    assert agree(left, right, tolerance=1e-9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$500K", "€500K"),
        ("$500K", "$5M"),
        ("5 m", "5 M"),
        ("5 m", "$5m"),
        ("5 MW", "5 mW"),
        ("$100/month", "$100/year"),
        ("$100 per month", "$100"),
        ("50%", "0.5"),
        ("1 GB", "1 GB/s"),
        ("3 km", "3 kg"),
        ("1 MB", "1 MiB"),
    ],
)
def test_what_means_something_else_does_not_agree(one, other):
    (left, *_), (right, *_) = quantities(one), quantities(other)
    assert not agree(left, right)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026-11-21T14:30:05Z",
        "21/11/2026",
        "21.11.26",
        "2026/11/21",
        "21 November 2026",
        "on the 3rd of May",
        "Nov 21, 2026",
        "Sept. 2026",
        "at 14:30",
        "at 7pm or 9 a.m.",
        "in 2024",
        "from 2019-2021",
        "between 2019 and 2021",
        "the 1990s",
        "Q3 2024 and FY25",
        "version 1.2.3",
        "GPT-4 on 5G with A4 in 3D and v2",
        "the 2nd of #7",
        "1,5 with a comma",
        "no number at all",
        "",
    ],
)
def test_dates_versions_and_names_are_no_quantities(text):
    assert tokens(text) == []


def test_a_date_ends_where_the_next_quantity_begins():
    assert tokens("On 2026-01-05, 3 km; in March 2024 $5, until 2030 7 kg.") == [
        "3000 length",
        "5 usd",
        "7 mass",
    ]


def test_a_year_is_a_number_where_something_says_so():
    assert tokens("$2024, 2024 m, 2,024, 2k, 2024.5") == ["2024 usd", "2024 length", "2024", "2000", "2024"]
    assert tokens("3100 of them") == ["3100"]


def test_ranges_are_one_quantity_and_lists_are_two():
    assert tokens("5 to 10 %") == ["5..10 share"]
    assert tokens("3 and 5 km") == ["3", "5000 length"]
    assert tokens("5 km and 3 km") == ["5000 length", "3000 length"]
    assert tokens("5-3 km") == ["5", "3000 length"]
    assert tokens("5-5 km") == ["5000 length"]
    assert tokens("5 km to 3 kg") == ["5000 length", "3 mass"]
    assert tokens("5 km to nowhere") == ["5000 length"]
    assert tokens("5 km to about 7 km") == ["5000 length", "7000 length"]
    assert tokens("Between 3 and 5") == ["3..5"]
    assert tokens("2-4 m and 6 m") == ["2..4 length", "6 length"]


def test_what_was_written_is_kept():
    (one,) = quantities("it took about 3.5 hours in all")
    assert one == Quantity(low=12600, high=12600, dimension="time", text="3.5 hours")


def test_a_unit_that_nobody_knows_leaves_a_plain_number():
    assert tokens("7 furlongs") == ["7"]
    assert tokens("7 m/furlong") == ["7"]
    assert tokens("7 furlongs/m") == ["7"]
    more = Units().extended({"furlong": Unit("length", 201.168), "furlongs": Unit("length", 201.168)})
    assert tokens("7 Furlongs", more) == ["1408 length"]
    assert tokens("7 km", more) == ["7000 length"]
    assert tokens("7 furlongs/h", more) == tokens("1408.176 m/h")


def test_numbers_too_large_to_be_numbers_are_left_out():
    assert tokens("1e300 and " + "9" * 400) == []


def number(low, high=None, dimension="length"):
    return Quantity(low=low, high=low if high is None else high, dimension=dimension)


def test_numbers_agree_up_to_a_share_of_the_larger_one():
    assert agree(number(100), number(99))
    assert not agree(number(100), number(98.9))
    assert agree(number(100), number(95), tolerance=0.05)
    assert agree(number(0), number(0), tolerance=0)
    assert not agree(number(0), number(1e-9))
    assert not agree(number(5), number(-5), tolerance=0.5)


def test_ranges_agree_at_both_ends_and_with_what_lies_in_them():
    assert agree(number(3, 5), number(3.01, 4.99))
    assert not agree(number(3, 5), number(3, 6))
    assert agree(number(3, 5), number(4))
    assert agree(number(5.01), number(3, 5))
    assert not agree(number(3, 5), number(6))
    assert not agree(number(2), number(3, 5))
