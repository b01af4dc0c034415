"""What makes two requests the same: digests, keys, places, and which record answers which."""

import collections
import dataclasses
import enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.effects.identity import digest_of, key_of
from backedge.engine.effects.places import Branch, Place, around, place_of
from backedge.engine.effects.recall import Recall
from backedge.engine.errors import InputError, ReplayMismatchError
from backedge.engine.records import ActivationId, EffectKind, EffectOpened, EffectRecorded

NODE = ActivationId("node")


class Model(BaseModel):
    a: int


@dataclasses.dataclass
class Data:
    a: int


class Color(enum.Enum):
    RED = 1


class Client:
    pass


def test_equal_arguments_have_equal_digests_whatever_their_order():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({3, 1, 2}) == digest_of({2, 3, 1})
    assert digest_of(Client()) == digest_of(Client())
    assert digest_of(Model(a=1), [Data(1)]) == digest_of(Model(a=1), [Data(1)])


@pytest.mark.parametrize(
    "values",
    [
        (1, "1", True, 1.0, None, [1], {1}, {"1": 1}, {1: 1}, Color.RED, b"1", Path("1"), Model(a=1)),
        ([], [[]], [[], []], "", {}, set(), [""]),
        ("a", "b", "ab", ["a", "b"], ["ab"]),
        (Client(), collections.Counter("a"), Client),
    ],
)
def test_different_arguments_have_different_digests(values):
    digests = [digest_of(value) for value in values]
    assert len(set(digests)) >= len(digests) - (Client in values)
    assert digest_of("a", "b") != digest_of(["a", "b"])


def test_arguments_that_hold_themselves_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="hold themselves"):
        digest_of(endless)


def test_a_key_is_of_its_run_activation_name_arguments_and_occurrence():
    keys = {
        key_of(run, ActivationId(node), name, digest, n)
        for run in "rs"
        for node in "ab"
        for name in "xy"
        for digest in "12"
        for n in (0, 1)
    }
    assert len(keys) == 32


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "two"])), max_size=12))
def test_a_place_reads_back_from_its_path_and_no_two_are_the_same(asked):
    branch = Branch("2.0", actor="a")
    places = [branch.next(actor, name, "digest") for actor, name in asked]
    assert [place_of(place.path) for place in places] == places
    assert len({place.path for place in places}) == len(places)
    assert branch.asked == sum(actor == "a" for actor, _ in asked)


@pytest.mark.parametrize(
    ("path", "outer"),
    [
        ("0", []),
        ("2.0.1", ["2"]),
        ("b.3.1.4.0.~ab", ["b.3", "b.3.1.4"]),
        ("~ab-1.0.2", ["~ab-1"]),
        ("b.c.0", []),
    ],
)
def test_the_places_around_an_effect(path, outer):
    assert list(around(path)) == outer


def test_a_branch_has_one_user_at_a_time_who_may_enter_it_again():
    branch = Branch("b")
    branch.enter("a")
    branch.enter("a")
    branch.leave()
    with pytest.raises(InputError, match="two tasks use the branch 'b'"):
        branch.enter("c")
    branch.leave()
    branch.enter("c")
    assert branch.next("c", "x", "") == Place("b", 0)


def recorded(path, name="x", *, attempt=1, seq=0, occurrence=0, kind=EffectKind.STEP, at=0.0):
    return EffectRecorded(seq, NODE, attempt, path, name, "d", at, b"1", kind=kind, occurrence=occurrence)


def opened(path, name="x", *, attempt=1):
    return EffectOpened(0, NODE, attempt, path, name, "d", 0.0, EffectKind.STEP, b"{}")


def test_a_copy_takes_the_place_of_what_it_repeats():
    first, copy = recorded("0", at=1.0), recorded("3", attempt=2, at=1.0)
    recall = Recall(NODE, 3, [first, copy])
    assert recall.find(Place("", 0), "x", "d") is copy
    assert recall.find(Place("", 1), "x", "d") is None


def test_what_nobody_reused_can_still_be():
    records = [recorded("0", at=1.0), recorded("1", at=2.0), recorded("0", attempt=2, at=1.0)]
    recall = Recall(NODE, 2, records)
    assert recall.find(Place("", 0), "x", "d") is records[2]
    assert recall.find(Place("", 1), "x", "d") is records[1]


def test_the_number_of_a_new_one_of_several_equal_requests_is_free():
    recall = Recall(NODE, 1, [recorded("0", occurrence=1)])
    assert recall.take("x", "d") == 0
    assert recall.take("x", "d") == 2
    recall.give_back("x", "d", 0)
    assert recall.take("x", "d") == 0, "it failed, and is free again"
    recall.used("x", "d", 0)
    recall.give_back("x", "d", 0)
    assert recall.take("x", "d") == 3
    assert recall.take("x", "d", 7) == 7, "one that was begun has its number"


class Counted(set):
    """Counts how often it is looked into."""

    looks = 0

    def __contains__(self, item):
        self.looks += 1
        return super().__contains__(item)


def test_to_number_one_more_of_many_equal_requests_takes_no_longer_than_the_first():
    recall = Recall(NODE, 1, [recorded(str(number), occurrence=number) for number in range(500)])
    taken = recall._taken["x", "d"] = Counted(recall._taken["x", "d"])
    for number in range(500, 1500):
        assert recall.take("x", "d") == number
        recall.used("x", "d", number)
        recall.give_back("x", "d", number)
    assert taken.looks <= 500 + 2 * 1000


def test_a_step_that_an_earlier_attempt_began_and_did_not_end_is_found_once():
    recall = Recall(NODE, 2, [opened("0")])
    assert recall.find(Place("", 5), "x", "d").attempt == 1
    assert recall.find(Place("", 6), "x", "d") is None


def test_one_that_ended_or_was_begun_again_is_in_doubt_no_more():
    assert (
        Recall(NODE, 2, [opened("0"), recorded("0", kind=EffectKind.MODEL)]).find(Place("", 0), "x", "d")
        is None
    )
    again = Recall(NODE, 3, [opened("0"), opened("0", attempt=2)])
    assert again.find(Place("", 0), "x", "d").attempt == 2
    assert again.find(Place("", 1), "x", "d") is None


def test_a_gap_before_what_is_recorded_is_a_mismatch():
    recall = Recall(NODE, 1, [recorded("1", "later")])
    with pytest.raises(ReplayMismatchError, match="asks for 'x' at 0, where 'later' is recorded \\(at 1\\)"):
        recall.find(Place("", 0), "x", "d")
    assert recall.find(Place("", 2), "x", "d") is None
    assert recall.left(1).name == "later"
    assert recall.left(2) is None


def test_digests_are_those_that_are_in_journals():
    names = {"b_2": 1, "a": {"c": [None, 2.5], "B": True}, "ab": "x"}
    other = {"a b": 1, 'a"': 2, "é": 3, 4: 5}
    assert digest_of(names, other) == "3af5583a1e0dded427963186"
