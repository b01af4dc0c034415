"""Reducers: pure, and as good a thousand at a time as one by one."""

import copy
import doctest
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.engine.state import reducers

from .sizes import examples

numbers = st.lists(st.integers(), max_size=3)
texts = st.text(max_size=3)
CASES = {
    reducers.extend: [numbers, numbers.map(tuple)],
    reducers.append: [numbers],
    reducers.add: [
        st.integers(),
        texts,
        numbers,
        numbers.map(tuple),
        st.floats(allow_nan=False, allow_infinity=False, width=16),
    ],
    reducers.merge: [st.dictionaries(texts, st.integers(), max_size=3)],
    reducers.union: [numbers.map(set), numbers.map(frozenset)],
    reducers.maximum: [st.integers(), texts],
    reducers.minimum: [st.integers(), texts],
}


def test_the_examples_in_the_docstrings_hold():
    found = doctest.testmod(reducers)
    assert found.failed == 0
    assert found.attempted >= 7


def test_every_reducer_of_the_module_is_tested_here():
    assert set(CASES) == set(reducers.REDUCERS)


@pytest.mark.parametrize("reducer", CASES, ids=lambda reducer: reducer.__name__)
@settings(max_examples=examples(20))
@given(data=st.data())
def test_folding_many_updates_gives_what_one_after_the_other_gives(reducer, data):
    kind = data.draw(st.sampled_from(CASES[reducer]))
    value = data.draw(kind)
    updates = data.draw(
        st.lists(st.integers() if reducer is reducers.append else kind, min_size=1, max_size=5)
    )
    before = copy.deepcopy((value, updates))
    one_by_one = reduce(reducer, updates, value)
    fold = getattr(reducer, "fold", None)
    at_once = one_by_one if fold is None else fold(value, updates)
    assert at_once == one_by_one
    assert type(at_once) is type(one_by_one) is type(value)
    assert (value, updates) == before


def test_sums_of_floats_are_rounded_the_same_way_in_every_grouping():
    updates = [0.1] * 10
    assert reducers.add.fold(0.0, updates) == reduce(reducers.add, updates, 0.0)


def test_add_takes_whatever_has_a_plus():
    assert reducers.add(timedelta(seconds=1), timedelta(seconds=2)) == timedelta(seconds=3)
    assert reducers.add.fold(timedelta(), [timedelta(seconds=1)] * 2) == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("reducer", "value", "update"),
    [
        (reducers.extend, [1], [2]),
        (reducers.append, [1], 2),
        (reducers.add, [1], [2]),
        (reducers.merge, {"a": 1}, {"a": 2}),
        (reducers.union, {1}, {2}),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_the_result_is_another_object_than_the_value(reducer, value, update):
    assert reducer(value, update) is not value
    assert reducer.fold(value, [update, update]) is not value


@pytest.mark.parametrize("reducer", [reducers.maximum, reducers.minimum])
def test_of_equal_ones_the_value_is_kept(reducer):
    value, update = 1, 1.0
    assert reducer(value, update) is value
