"""The account of tries."""

import pytest

from backedge.providers import Usage
from backedge.providers.around import close
from backedge.providers.errors import Attempt, ServerError
from backedge.providers.wrappers.audit import Audited
from backedge.providers.wrappers.breaker import CircuitBreaker
from backedge.providers.wrappers.fallback import Fallback
from backedge.providers.wrappers.retry import Retrying
from backedge.providers.wrappers.routing import Router
from backedge.providers.wrappers.tries import Tries

from .kit import Played, says


async def test_one_try_leaves_error_and_response_as_they_were():
    answer = says("hi")
    assert Tries().answered("m", answer, 1.0) is answer
    error, tries = ServerError("x", usage=Usage(input_tokens=2)), Tries()
    await tries.failed("m", error, 1.0)
    with pytest.raises(ServerError) as raised:
        tries.give_up(error)
    assert raised.value is error
    assert (error.attempts, error.usage) == ((), Usage(input_tokens=2))


async def test_the_error_that_is_given_up_with_is_a_copy_that_says_what_led_to_it():
    error, tries = ServerError("x", status=500), Tries()
    error.__cause__ = OSError("cable")
    for _ in range(2):
        await tries.failed("m", error, 1.0)
    with pytest.raises(ServerError) as raised:
        tries.give_up(error)
    assert (raised.value.status, len(raised.value.attempts), error.attempts) == (500, 2, ())
    assert raised.value.__cause__ is error.__cause__


async def test_the_tries_within_are_counted_and_what_was_waited_before_is_added_to_the_first():
    inner = (Attempt(model="a", error="server", waited=1.0), Attempt(model="b", error="server", waited=2.0))
    tries = Tries()
    await tries.failed("outer", ServerError("x", attempts=inner), 9.0, waited=4.0)
    assert [(one.model, one.waited) for one in tries.attempts] == [("a", 5.0), ("b", 2.0)]
    answered = tries.answered("outer", says("hi", attempts=inner), 9.0, waited=8.0)
    assert [one.waited for one in answered.attempts] == [5.0, 2.0, 9.0, 2.0]


async def test_a_cost_that_covers_the_last_try_alone_is_dropped_where_others_took_something():
    for usage, cost in ((Usage(), 0.5), (Usage(input_tokens=1), None)):
        tries = Tries()
        await tries.failed("m", ServerError("x", usage=usage), 1.0)
        answered = tries.answered("m", says("hi", tokens=2, cost=0.5), 1.0)
        assert (answered.cost, answered.usage) == (cost, usage + Usage(output_tokens=2))


class Open(Played):
    def __init__(self, error=None):
        super().__init__("hi")
        self.ended = 0
        self.error = error

    async def aclose(self):
        self.ended += 1
        if self.error:
            raise self.error


async def test_all_models_are_closed_even_when_one_cannot_be():
    first, stuck, last = Open(), Open(OSError("stuck")), Open()
    with pytest.raises(OSError, match="stuck"):
        await close(first, object(), stuck, last)
    assert [first.ended, stuck.ended, last.ended] == [1, 1, 1]


@pytest.mark.parametrize(
    "around",
    [
        Retrying,
        CircuitBreaker,
        lambda model: Audited(model, print),
        lambda model: Fallback([Played("x"), model]),
        lambda model: Router([Played("x"), model]),
    ],
)
async def test_closing_a_wrapper_closes_what_is_within(around):
    inner = Open()
    async with around(inner):
        assert inner.ended == 0
    assert inner.ended == 1
