"""All problems of a graph are told in one `GraphError`, whatever they are, and nothing else is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .building import problems_of
from .defects import DEFECTS, broken
from .sizes import examples

# What is hidden behind what stands before it. A node that writes what is no field, or returns a value for which it
# declares none, may be meant to write the very field that is unset: nobody can tell until that is mended.
UNSET = {"unset_read", "unset_condition", "unset_switch"}
HIDING = {"unknown_write": UNSET, "return_for_no_field": UNSET}
PLAIN = [kind for kind in DEFECTS if kind not in HIDING]


def check(kinds, *, row):
    graph, told = broken(kinds, row=row)
    expected = [
        text
        for place, (kind, text) in enumerate(zip(kinds, told, strict=True))
        if not (row and any(kind in HIDING.get(before, ()) for before in kinds[:place]))
    ]
    problems = problems_of(graph)
    assert [text for text in expected if sum(each.startswith(text) for each in problems) != 1] == []
    assert [each for each in problems if not each.startswith(tuple(expected))] == []


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_told_once_and_nothing_follows_from_it(kind):
    check([kind], row=True)


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_told_twice_where_it_is_there_twice(kind):
    check([kind, kind], row=True)


@pytest.mark.parametrize(
    ("row", "kinds"),
    [(True, list(DEFECTS)), (True, list(reversed(DEFECTS))), (False, PLAIN)],
    ids=["in a row", "in a row, the last first", "side by side"],
)
def test_every_defect_there_is_is_told_at_once(row, kinds):
    check(kinds, row=row)


@settings(max_examples=examples(40), deadline=None)
@given(
    st.tuples(*[st.sampled_from(list(DEFECTS))] * 2)
    | st.lists(st.sampled_from(PLAIN), min_size=3, max_size=5),
    st.booleans(),
)
def test_defects_of_any_kinds_are_told_together(kinds, row):
    check(kinds, row=row)


@pytest.mark.soak
@pytest.mark.parametrize("first", DEFECTS)
def test_each_two_defects_are_told_together(first):
    for second, row in product(DEFECTS, (True, False)):
        check([first, second], row=row)
