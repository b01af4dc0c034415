import pytest
from chain import Link, reversed_chain


def chained(values):
    first = None
    for value in reversed(values):
        first = Link(value, first)
    return first


def listed(link):
    values = []
    while link is not None and len(values) < 100:
        values.append(link.value)
        link = link.after
    return values


def test_nothing_stays_nothing():
    assert reversed_chain(None) is None


def test_one_link_stays_alone():
    assert listed(reversed_chain(Link(1))) == [1]


@pytest.mark.parametrize("values", [[1, 2], [1, 2, 3], ["a", "b", "a", "c"]])
def test_the_order_turns_round(values):
    assert listed(reversed_chain(chained(values))) == values[::-1]
