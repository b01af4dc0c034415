"""Calls that are one: who waits, who goes on, what is left when all have gone."""

import asyncio

import pytest

from backedge.providers.errors import ServerError
from backedge.providers.wrappers.flights import Flights, LeftError


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def late(event, result):
    await event.wait()
    if isinstance(result, Exception):
        raise result
    return result


async def test_all_who_wait_get_the_end_and_the_key_is_free_again():
    flights, go = Flights(), asyncio.Event()
    flight = flights.begin("a", late(go, 7))
    assert flights.find("a") is flight
    assert flights.find("b") is None
    waits = [asyncio.ensure_future(flights.wait("a", flight)) for _ in range(3)]
    await settled()
    go.set()
    assert await asyncio.gather(*waits) == [7, 7, 7]
    assert flights.find("a") is None


async def test_a_failure_is_raised_by_all_who_wait():
    flights, go = Flights(), asyncio.Event()
    flight = flights.begin("a", late(go, ServerError("x")))
    waits = [asyncio.ensure_future(flights.wait("a", flight)) for _ in range(2)]
    go.set()
    ends = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ends] == [ServerError, ServerError]


async def test_the_first_to_claim_has_it():
    flight = Flights().lead("a")
    assert [flight.claim(), flight.claim()] == [True, False]


async def test_only_the_last_who_goes_ends_the_call():
    flights = Flights()
    flight = flights.begin("a", late(asyncio.Event(), 7))
    first, last = (asyncio.ensure_future(flights.wait("a", flight)) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    assert not flight.over
    last.cancel()
    await asyncio.gather(last, return_exceptions=True)
    assert flight.task.cancelled()
    assert flights.find("a") is None


async def test_a_call_that_is_being_ended_is_not_joined():
    flights, closing = Flights(), asyncio.Event()

    async def slow_to_close():
        try:
            await asyncio.Event().wait()
        finally:
            await closing.wait()

    flight = flights.begin("a", slow_to_close())
    waits = asyncio.ensure_future(flights.wait("a", flight))
    await settled()
    waits.cancel()
    await settled()
    assert flights.find("a") is None
    assert not waits.done()
    other = flights.lead("a")
    closing.set()
    await asyncio.gather(waits, return_exceptions=True)
    assert waits.cancelled()
    assert flights.find("a") is other  # the end of the old call does not drop the new one


async def test_whoever_makes_the_call_for_itself_is_not_ended_by_those_who_wait():
    flights = Flights()
    flight = flights.lead("a")
    waits = asyncio.ensure_future(flights.wait("a", flight))
    await settled()
    waits.cancel()
    await settled()
    assert flights.find("a") is flight
    flights.land("a", flight, 7)
    assert flights.find("a") is None
    assert flight.end() == 7


@pytest.mark.parametrize(
    ("error", "told"),
    [(ServerError("x"), ServerError), (GeneratorExit(), LeftError), (asyncio.CancelledError(), LeftError)],
)
async def test_whoever_makes_the_call_tells_how_it_failed_or_that_it_left(error, told):
    flights = Flights()
    flight = flights.lead("a")
    waits = asyncio.ensure_future(flights.wait("a", flight))
    await settled()
    flights.crash("a", flight, error)
    with pytest.raises(told):
        await waits
    assert flights.find("a") is None


async def test_leaving_after_the_end_changes_nothing():
    flights = Flights()
    flight = flights.lead("a")
    flights.land("a", flight, 7)
    flights.crash("a", flight, GeneratorExit())
    assert flight.end() == 7


async def test_one_that_is_cancelled_in_the_instant_of_the_end_disturbs_nobody():
    flights, go = Flights(), asyncio.Event()
    flight = flights.begin("a", late(go, ServerError("x")))
    one, other = (asyncio.ensure_future(flights.wait("a", flight)) for _ in range(2))
    await settled()
    go.set()
    one.cancel()
    ends = await asyncio.gather(one, other, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, ServerError]


async def test_a_call_that_cancels_itself_is_cancelled_for_all():
    flights = Flights()
    flight = flights.begin("a", late(asyncio.Event(), 7))
    waits = asyncio.ensure_future(flights.wait("a", flight))
    await settled()
    flight.task.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert waits.cancelled()
