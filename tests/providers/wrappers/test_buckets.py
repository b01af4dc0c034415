"""Token buckets keep their law in every window, lose nothing and make nothing. Exact, with fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers.wrappers.buckets import Bucket, Limit


def fractions(least, most):
    return st.integers(least * 4, most * 4).map(lambda number: Fraction(number, 4))


def bucket(amount, per, burst):
    return Bucket(Limit(amount=Fraction(amount), per=Fraction(per), burst=Fraction(burst)))


def test_a_burst_passes_at_once_and_then_one_after_the_other():
    one = bucket(60, 60, 3)
    for _ in range(3):
        assert one.ready_at(1) <= 0
        one.charge(1, 0)
    assert one.ready_at(1) == 1
    assert one.level(0) == 0
    assert one.level(2) == 2
    assert one.level(100) == 3


def test_without_a_burst_the_whole_amount_passes_at_once():
    assert Bucket(Limit(amount=10)).level(0) == 10


def test_what_is_larger_than_the_burst_waits_for_a_full_bucket_and_leaves_a_debt():
    one = bucket(10, 10, 5)
    one.charge(1, 0)
    assert one.ready_at(8) == 1
    one.charge(8, 1)
    assert one.level(1) == -3
    assert one.ready_at(1) == 5


def test_what_is_given_back_can_be_had_at_once_but_never_more_than_full():
    one = bucket(10, 10, 5)
    one.charge(5, 0)
    one.give_back(2)
    assert one.level(0) == 2
    one.give_back(50)
    assert one.level(0) == 5
    one.charge(5, 0)
    assert one.level(0) == 0


def test_it_can_be_lowered_by_one_who_knows_better_and_not_raised():
    one = bucket(10, 10, 5)
    one.lower(2, 7)
    assert one.level(7) == 2
    one.lower(4, 7)
    assert one.level(7) == 2
    one.lower(-1, 8)
    assert one.ready_at(1) == 10


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["amount", "per", "burst"])
def test_a_limit_that_makes_no_sense_is_refused(name, wrong):
    with pytest.raises(ValueError, match=f"limit's {name} is a number above 0"):
        Limit(**{"amount": 1, name: wrong})


@given(
    amount=fractions(1, 20),
    burst=fractions(1, 20),
    wishes=st.lists(st.tuples(fractions(0, 5), fractions(0, 30)), max_size=40),
)
def test_in_every_window_no_more_passes_than_the_law_says(amount, burst, wishes):
    """Each waits its turn; over all pairs of first and last, what passed is within burst + rate * t + largest excess."""
    one = bucket(amount, 10, burst)
    now, passed = Fraction(0), []
    for pause, size in wishes:
        now = max(now + pause, one.ready_at(size))
        one.charge(size, now)
        passed.append((now, size))
    excess = max([size - burst for _, size in wishes], default=0)
    for first in range(len(passed)):
        total = 0
        for last in range(first, len(passed)):
            total += passed[last][1]
            length = passed[last][0] - passed[first][0]
            assert total <= burst + amount / 10 * length + max(excess, 0)


@given(
    amount=fractions(1, 20),
    burst=fractions(1, 20),
    steps=st.lists(
        st.tuples(fractions(0, 5), st.sampled_from(["charge", "give back", "lower"]), fractions(0, 30)),
        max_size=40,
    ),
)
def test_it_holds_what_a_plain_bucket_holds_that_is_refilled_step_by_step(amount, burst, steps):
    """No token is lost or made: the level is what came in less what went out, cut off at full."""
    one, now, level = bucket(amount, 10, burst), Fraction(0), burst
    for pause, what, size in steps:
        now += pause
        level = min(burst, level + pause * amount / 10)
        if what == "charge":
            one.charge(size, now)
            level -= size
        elif what == "give back":
            one.give_back(size)
            level = min(burst, level + size)
        else:
            one.lower(size, now)
            level = min(level, size)
        assert one.level(now) == level


@given(amount=fractions(1, 20), burst=fractions(1, 20), charged=fractions(0, 50), size=fractions(0, 30))
def test_it_is_ready_exactly_when_its_level_is_high_enough(amount, burst, charged, size):
    one = bucket(amount, 10, burst)
    one.charge(charged, 0)
    ready = one.ready_at(size)
    assert one.level(max(ready, 0)) >= min(size, burst)
    if ready > 0:
        assert one.level(ready) == min(size, burst)
