"""Calls that are one: who waits, who goes on, what is left when all have gone."""

import asyncio

import pytest

from backedge.providers.errors import ServerError
from backedge.providers.wrappers.flights import Flights, LeftError


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def waiting(flight, count):
    waits = [asyncio.ensure_future(flight.end()) for _ in range(count)]
    await settled()
    return waits


async def test_all_who_wait_get_the_end_and_the_key_is_free_again():
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    assert flights.take("a") == (flight, False)
    assert flights.take("b")[1]
    waits = await waiting(flight, 3)
    flights.land(flight, 7)
    assert flights.take("a")[1]
    assert await asyncio.gather(*waits) == [7, 7, 7]
    assert await flight.end() == 7


async def test_a_failure_is_raised_by_all_who_wait():
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    waits = await waiting(flight, 2)
    flights.crash(flight, ServerError("x"))
    ends = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ends] == [ServerError, ServerError]


async def test_one_who_waits_and_is_cancelled_disturbs_nobody():
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    one, other = await waiting(flight, 2)
    one.cancel()
    await settled()
    assert flights.take("a") == (flight, False)
    flights.land(flight, 7)
    assert await other == 7
    assert one.cancelled()


async def test_one_that_is_cancelled_in_the_instant_of_the_end_disturbs_nobody():
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    one, other = await waiting(flight, 2)
    one.cancel()
    flights.crash(flight, ServerError("x"))
    ends = await asyncio.gather(one, other, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, ServerError]


@pytest.mark.parametrize(
    ("error", "told"),
    [(ServerError("x"), ServerError), (GeneratorExit(), LeftError), (asyncio.CancelledError(), LeftError)],
)
async def test_whoever_makes_the_call_tells_how_it_failed_or_that_it_left(error, told):
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    (waits,) = await waiting(flight, 1)
    flights.crash(flight, error)
    with pytest.raises(told):
        await waits
    assert flights.take("a")[1]


async def test_leaving_after_the_end_changes_nothing():
    flights = Flights()
    flight, ours = flights.take("a")
    assert ours
    flights.land(flight, 7)
    other, ours = flights.take("a")
    assert ours
    flights.crash(flight, GeneratorExit())
    assert await flight.end() == 7
    assert flights.take("a") == (other, False)
