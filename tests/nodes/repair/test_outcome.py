"""How a repair by two coders ended."""

import pytest

from backedge.nodes.repair.memory import Memory
from backedge.nodes.repair.models import Bill, Candidate, Verdict, Winner
from backedge.nodes.repair.outcome import outcome_of

FOUND = Verdict(status="repaired", message="a patch found")
OVER = Verdict(status="called off", message="the other coder has a patch")


def winner(name):
    return Winner(Candidate(name, (), 1, "model" if name.startswith("model") else "constant", 1.0))


def side(seconds, *winners, **more):
    return Memory(seconds=seconds, winners=tuple(winner(name) for name in winners), **more)


@pytest.mark.parametrize(
    ("search", "model", "who", "ids"),
    [
        (side(2.0, "0.0.1"), side(1.0), "the search", ["0.0.1"]),
        (side(1.0), side(2.0, "model.1"), "openai:x", ["model.1"]),
        (side(2.0, "0.0.1"), side(1.0, "model.1"), "openai:x", ["model.1", "0.0.1"]),
        (side(1.0, "0.0.1"), side(2.0, "model.1"), "the search", ["0.0.1", "model.1"]),
    ],
)
def test_the_side_that_was_done_first_comes_first(search, model, who, ids):
    outcome = outcome_of(7, (search, FOUND), (model, OVER), "openai:x")
    assert [one.candidate.id for one in outcome.memory.winners] == ids
    count = "a patch" if len(ids) == 1 else "2 patches"
    assert outcome.verdict == Verdict(
        status="repaired", message=f"{count} found, by {who} first; all 7 cases pass"
    )


def test_what_both_did_is_added_up():
    search = side(2.0, "0.0.1", round=5, candidates=300, best=7)
    model = side(3.0, round=2, candidates=2, best=4, bill=Bill(calls=2, input_tokens=9, dollars=0.5))
    memory = outcome_of(7, (search, FOUND), (model, OVER), "m").memory
    assert (memory.round, memory.candidates, memory.seconds, memory.best) == (7, 302, 3.0, 7)
    assert memory.bill == model.bill


@pytest.mark.parametrize(
    ("search", "model", "status"),
    [
        ("exhausted", "exhausted", "exhausted"),
        ("out of time", "exhausted", "out of time"),
        ("exhausted", "out of time", "out of time"),
    ],
)
def test_without_a_patch_it_is_said_how_each_side_ended(search, model, status):
    sides = (
        (side(1.0), Verdict(status=search, message="one")),
        (side(1.0), Verdict(status=model, message="two")),
    )
    expected = Verdict(status=status, message="the search: one; the model: two")
    assert outcome_of(3, *sides, "m").verdict == expected
