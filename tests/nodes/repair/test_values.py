import json
import math
from collections import OrderedDict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.repair.inside.values import LONGEST, NotJSONError, as_json, same, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON)
def test_json_data_stays_as_it_is(value):
    assert as_json(value) == value
    assert same(value, json.loads(json.dumps(as_json(value))))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ((x * x for x in range(3)), [0, 1, 4]),
        ([iter("ab"), map(str, [1])], [["a", "b"], ["1"]]),
        (range(3), [0, 1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        ({1: "a", None: "b", 2.5: "c"}, {"1": "a", "null": "b", "2.5": "c"}),
        ({True: "a"}, {"true": "a"}),
        (deque([1, 2]), [1, 2]),
        (OrderedDict(b=1, a=(2,)), {"b": 1, "a": [2]}),
        ({"a": 1}.items(), [["a", 1]]),
    ],
)
def test_python_values_become_what_json_would_hold(value, expected):
    assert as_json(value) == expected


def endless():
    while True:
        yield 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "object"),
        ([1, {2: lambda: 0}], "function"),
        ({(1, 2): 3}, "tuple cannot be a key"),
        (endless(), f"more than {LONGEST}"),
        (1j, "complex"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_name(value, message):
    with pytest.raises(NotJSONError, match=message):
        as_json(value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1.0, 1.0 + 5e-7),
        (1, 1.0),
        (1e12, 1e12 + 1e5),
        (0.0, 9e-7),
        ([1, {"a": 0.1 + 0.2}], [1, {"a": 0.3}]),
        (math.inf, math.inf),
        (math.nan, math.nan),
        (2**70, 2**70),
    ],
)
def test_equal_values(left, right):
    assert same(left, right)
    assert same(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (False, 0),
        (False, None),
        (1, 2),
        (10**9, 10**9 + 1),  # integers are exact
        (1.0, 1.0 + 3e-6),
        (1e12, 1e12 + 1e7),
        ("1", 1),
        ([1], [1, 1]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": 1}),
        ({"a": 1}, {"b": 1}),
        ([], {}),
        ("", []),
        (math.inf, 5.0),
        (math.inf, -math.inf),
        (math.nan, 0.0),
        (10**400, 1.5),
    ],
)
def test_different_values(left, right):
    assert not same(left, right)
    assert not same(right, left)


def test_a_long_value_is_cut_where_it_is_shown():
    text = shown(list(range(1000)))
    assert text.startswith("[0, 1, 2")
    assert len(text) == 240
    assert text.endswith("…")
