"""The account of tries."""

import pytest

from backedge.providers import Usage
from backedge.providers.errors import Attempt, ServerError
from backedge.providers.wrappers.tries import Tries

from .kit import says


def test_one_try_leaves_error_and_response_as_they_were():
    answer = says("hi")
    assert Tries().answered("m", answer, 1.0) is answer
    error, tries = ServerError("x", usage=Usage(input_tokens=2)), Tries()
    tries.failed("m", error, 1.0)
    with pytest.raises(ServerError) as raised:
        tries.give_up(error)
    assert raised.value is error
    assert (error.attempts, error.usage) == ((), Usage(input_tokens=2))


def test_the_error_that_is_given_up_with_is_a_copy_that_says_what_led_to_it():
    error, tries = ServerError("x", status=500), Tries()
    error.__cause__ = OSError("cable")
    for _ in range(2):
        tries.failed("m", error, 1.0)
    with pytest.raises(ServerError) as raised:
        tries.give_up(error)
    assert (raised.value.status, len(raised.value.attempts), error.attempts) == (500, 2, ())
    assert raised.value.__cause__ is error.__cause__


def test_the_tries_within_are_counted_and_what_was_waited_before_is_added_to_the_first():
    inner = (Attempt(model="a", error="server", waited=1.0), Attempt(model="b", error="server", waited=2.0))
    tries = Tries()
    tries.failed("outer", ServerError("x", attempts=inner), 9.0, waited=4.0)
    assert [(one.model, one.waited) for one in tries.attempts] == [("a", 5.0), ("b", 2.0)]
    answered = tries.answered("outer", says("hi", attempts=inner), 9.0, waited=8.0)
    assert [one.waited for one in answered.attempts] == [5.0, 2.0, 9.0, 2.0]


def test_a_cost_that_covers_the_last_try_alone_is_dropped_where_others_took_something():
    for usage, cost in ((Usage(), 0.5), (Usage(input_tokens=1), None)):
        tries = Tries()
        tries.failed("m", ServerError("x", usage=usage), 1.0)
        answered = tries.answered("m", says("hi", tokens=2, cost=0.5), 1.0)
        assert (answered.cost, answered.usage) == (cost, usage + Usage(output_tokens=2))
