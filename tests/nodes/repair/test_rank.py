import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.repair.models import Candidate, Winner
from backedge.nodes.repair.neighbours import MOST, changed, neighbours
from backedge.nodes.repair.rank import ranked

from .samples import DOUBLE, spec_of, survey_of


def winner(name, *behaviour, size=1.0):
    return Winner(Candidate(name, (), 1, "constant", size), behaviour)


def order(*winners, original=("a", "b", "c", "d"), passing=(True, True, False, False)):
    return [one.candidate.id for one in ranked(winners, original, passing)]


def test_the_smaller_patch_comes_first():
    assert order(winner("big", size=4.0), winner("small"), original=(), passing=()) == ["small", "big"]


def test_among_equals_the_one_found_first_comes_first():
    assert order(winner("one"), winner("two")) == ["one", "two"]


def test_a_patch_that_keeps_what_was_right_nearby_comes_first():
    assert order(winner("changes", "x", "y", "c", "d"), winner("keeps", "a", "b", "x", "y")) == [
        "keeps",
        "changes",
    ]


def test_a_patch_that_raises_nearby_comes_last():
    assert order(winner("raises", "a", "b", "!", "!"), winner("holds", "a", "b", "x", "y")) == [
        "holds",
        "raises",
    ]


def test_a_fault_of_the_original_counts_for_nothing():
    behaviours = ("!", "b", "c", "d"), ("x", "b", "c", "d")
    winners = [winner(str(number), *behaviour) for number, behaviour in enumerate(behaviours)]
    assert order(*winners, original=("!", "b", "c", "d")) == ["0", "1"]


def test_patches_that_agree_with_most_others_come_first():
    winners = (
        winner("alone", "a", "b", "1", "2"),
        winner("two", "a", "b", "x", "y"),
        winner("three", "a", "b", "x", "y"),
    )
    assert order(*winners) == ["two", "three", "alone"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@given(JSON, st.integers())
def test_a_changed_value_keeps_its_type_and_the_original_stays(value, seed):
    before = json.dumps(value)
    made = changed(value, random.Random(seed))
    assert type(made) is type(value)
    assert json.dumps(value) == before


def test_neighbours_are_new_always_the_same_and_know_their_case():
    spec = spec_of(DOUBLE, "double", ([[1, 2, 3], "abc"], 0), ([[], "x"], 0))
    found = neighbours(spec, survey_of("p", "f"))
    assert found == neighbours(spec, survey_of("p", "f"))
    assert 20 < len(found) <= MOST
    assert not {one.arguments for one in found} & {case.arguments for case in spec.cases}
    assert {one.passing for one in found} == {True, False}
    assert all(len(json.loads(one.arguments)) == 2 for one in found)


@pytest.mark.parametrize("cases", [(), (([], 0),)])
def test_without_arguments_there_are_no_neighbours(cases):
    assert neighbours(spec_of(DOUBLE, "double", *cases), survey_of(*"p" * len(cases))) == ()
