"""The decision to begin again: limits, the cooldown, and that nothing is lost."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.restarting import (
    Begin,
    Begun,
    Custom,
    Ignore,
    Ignored,
    OnError,
    PeerAnswer,
    Restart,
    Settled,
    Trigger,
    UserInput,
    ValidationFeedback,
    Wait,
    decide,
    sift,
    source_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCES = [("peer", "critique"), ("input", "note"), ("validation", "problem"), ("error", "ValueError")]


def second(number):
    return NOON + timedelta(seconds=number)


def said(kind="input", source="note", at=0.0, **more):
    return Trigger(kind=kind, source=source, text=f"{source} at {at}", at=second(at), **more)


def begun(number, at, *triggers):
    return Begun(number=number, at=second(at), triggers=triggers)


def policy(limit=3, cooldown=0.0, **own):
    on = [PeerAnswer("critique"), UserInput(), ValidationFeedback("problem"), OnError(ValueError)]
    on = [type(one)(**{**vars(one), "limit": own.get(source_of(one))}) for one in on]
    return Restart(on=on, limit=limit, cooldown=cooldown)


def test_a_trigger_begins_again_as_often_as_the_limit_says():
    once = policy(limit=1)
    assert decide(once, [], said(), NOON) == Begin()
    assert decide(once, [begun(1, 0, said())], said(), NOON) == Ignore("limit=1 is reached")
    assert decide(policy(limit=0), [], said(), NOON) == Ignore("limit=0 is reached")
    assert decide(policy(limit=None), [begun(n, 0, said()) for n in range(99)], said(), NOON) == Begin()


def test_a_trigger_has_a_limit_of_its_own():
    twice = policy(note=2)
    history = [begun(1, 0, said()), begun(2, 0, said("error", "ValueError"), said())]
    assert decide(twice, history, said(), NOON) == Ignore("limit=2 of note is reached")
    assert decide(twice, history, said("error", "ValueError"), NOON) == Begin()


def test_within_the_cooldown_it_waits_and_only_after_the_first_time_there_is_one():
    slow = policy(cooldown=10)
    assert decide(slow, [], said(), NOON) == Begin()
    assert decide(slow, [begun(1, 0, said())], said(), second(9)) == Wait(second(10))
    assert decide(slow, [begun(1, 0, said())], said(), second(10)) == Begin()


def test_what_is_irrelevant_or_unknown_is_ignored():
    other = said(relevant=False, relevance="it is new: no")
    assert decide(policy(), [], other, NOON) == Ignore("irrelevant: it is new: no")
    assert decide(policy(), [], said(relevant=False), NOON) == Ignore("irrelevant")
    assert decide(policy(), [], said("input", "shout"), NOON) == Ignore("nothing is said of input 'shout'")
    assert decide(policy(), [], said("peer", "note"), NOON) == Ignore("nothing is said of peer 'note'")


def test_what_neither_begins_nor_is_a_beginning_counts_for_nothing():
    history = [Ignored(trigger=said(), why="", at=NOON), Settled(why="", at=NOON)]
    assert decide(policy(limit=1, cooldown=99), history, said(), NOON) == Begin()


triggers = st.builds(
    lambda source, relevant: (*source, relevant),
    st.sampled_from(SOURCES),
    st.sampled_from([True, True, False]),
)
arrivals = st.lists(st.tuples(st.floats(0, 20).map(lambda n: round(n, 3)), triggers), max_size=25)


@given(
    arrivals,
    st.one_of(st.none(), st.integers(0, 5)),
    st.floats(0, 15).map(lambda n: round(n, 3)),
    st.dictionaries(st.sampled_from([source for _, source in SOURCES]), st.integers(0, 3)),
)
def test_limits_are_never_passed_the_cooldown_is_kept_and_no_trigger_is_lost(coming, limit, cooldown, own):
    """Triggers arrive one after the other; who waits is looked at again with the next one, and at the end of the cooldown."""
    restart, history, pending, now, told = policy(limit, cooldown, **own), [], [], 0.0, []
    for gap, (kind, source, relevant) in [*coming, (1000.0, (*SOURCES[0], False))]:
        now += gap
        told.append(said(kind, source, now, relevant=relevant))
        pending.append(told[-1])
        sifted = sift(restart, history, pending, second(now))
        history += sifted.ignored
        if sifted.begin:
            number = 1 + sum(isinstance(entry, Begun) for entry in history)
            history.append(Begun(number=number, at=second(now), triggers=sifted.begin))
        assert not (sifted.begin and sifted.wait)
        assert bool(sifted.wait) == (sifted.until is not None)
        assert not sifted.wait or sifted.until > second(now)
        pending = list(sifted.wait)
    begins = [entry for entry in history if isinstance(entry, Begun)]
    assert limit is None or len(begins) <= limit
    for source, most in own.items():
        assert sum(any(it.source == source for it in one.triggers) for one in begins) <= most
    for one, other in pairwise(begins):
        assert other.at - one.at >= timedelta(seconds=cooldown)
    decided = [it for one in begins for it in one.triggers]
    decided += [one.trigger for one in history if isinstance(one, Ignored)]
    assert sorted(decided, key=str) == sorted(told, key=str), "each is a cause, or is ignored, once"


def length(code: str) -> str:
    return "too long" if len(code) > 9 else ""


def test_facts_call_triggers_by_what_they_look_at_or_by_the_name_they_are_given():
    assert [source_of(on) for on in (PeerAnswer("critique"), PeerAnswer(signal="peer"), UserInput())] == [
        "critique",
        "peer",
        "note",
    ]
    assert source_of(Custom(length)) == "length"
    assert source_of(OnError(ValueError)) == "ValueError"
    assert source_of(ValidationFeedback(length, name="checks")) == "checks"
    assert source_of(Custom(type("Callable", (), {"__call__": lambda self: None})())) == "Callable"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"on": []}, "on= names no trigger"),
        ({"on": ["note"]}, "on= takes triggers such as UserInput(), not 'note'"),
        (
            {"on": [UserInput(), UserInput(wait=3)]},
            "two triggers are called 'note': give one of them a name=",
        ),
        ({"on": [UserInput()], "limit": -1}, "limit= is a whole number from 0, or None, not -1"),
        ({"on": [UserInput()], "limit": True}, "limit= is a whole number from 0, or None, not True"),
        ({"on": [UserInput()], "cooldown": -1}, "cooldown= is a number of seconds from 0, not -1"),
        ({"on": [UserInput()], "cooldown": float("inf")}, "cooldown= is a number of seconds from 0, not inf"),
        ({"on": [UserInput(limit=1.5)]}, "note: limit= is a whole number from 0, or None, not 1.5"),
        ({"on": [UserInput(wait=-3)]}, "note: wait= is a number of seconds from 0, or None, not -3"),
        (
            {"on": [UserInput()], "relevance": 3},
            "note: relevance= is a number from 0 to 1, a function, a model or None, not 3",
        ),
        (
            {"on": [UserInput()], "relevance": "model"},
            "note: relevance= is a number from 0 to 1, a function, a model or None, not 'model'",
        ),
        ({"on": [UserInput(signal="")]}, "UserInput wants the name of a signal, not an empty one"),
        (
            {"on": OnError("KeyError")},
            "OnError wants one class of exceptions such as ValueError, not 'KeyError'",
        ),
        ({"on": [OnError(ExceptionGroup("", [ValueError()]))]}, "OnError wants one class of exceptions"),
        ({"on": [Custom("short")]}, "Custom wants a function of fields, not 'short'"),
        ({"on": [PeerAnswer()]}, "PeerAnswer wants the field of the answer, or a signal=, not neither"),
        (
            {"on": [PeerAnswer("a", signal="b")]},
            "PeerAnswer wants the field of the answer, or a signal=, not both",
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused(made, why):
    with pytest.raises(ValueError) as caught:
        Restart(**made)
    assert why in str(caught.value)


def test_all_problems_of_a_policy_are_told_at_once():
    with pytest.raises(ValueError) as caught:
        Restart(on=[UserInput(limit=-1), OnError(limit=-2)], limit=-3, cooldown=-4)
    assert str(caught.value).count(";") == 3
