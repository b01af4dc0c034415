"""Waits end in time, each in its own, and one timer is set for all of them."""

import asyncio

import pytest

from backedge.providers.wire.deadlines import Deadlines

from ...virtual import run_virtual


def now():
    return asyncio.get_running_loop().time()


class Timers:
    """Counts the timers that a loop is asked for."""

    def __init__(self, loop, monkeypatch):
        self.count = 0
        call_at = loop.call_at

        def counted(*given, **more):
            self.count += 1
            return call_at(*given, **more)

        monkeypatch.setattr(loop, "call_at", counted)


async def test_a_thousand_waits_that_end_well_take_one_timer(monkeypatch):
    timers, deadlines = Timers(asyncio.get_running_loop(), monkeypatch), Deadlines()

    async def seven():
        return 7

    for _ in range(1000):
        assert await deadlines.after(60).of(seven()) == 7
    assert timers.count == 1
    assert not deadlines.after(60)._waits


def test_each_wait_ends_in_its_own_time():
    ends = []

    async def wait(deadlines, begin, seconds, takes):
        await asyncio.sleep(begin)
        try:
            await deadlines.after(seconds).of(asyncio.sleep(takes))
        except TimeoutError:
            ends.append((begin, seconds, now()))
        assert asyncio.current_task().cancelling() == 0

    async def main():
        deadlines = Deadlines()
        waits = [(0, 5, 9), (1, 5, 2), (2, 5, 9), (2, 1, 9), (20, 5, 9), (20, 5, 4.5)]
        await asyncio.gather(*(wait(deadlines, *one) for one in waits))

    run_virtual(main())
    assert ends == [(2, 1, 3), (0, 5, 5), (2, 5, 7), (20, 5, 25)]


async def test_errors_pass_and_leave_nothing():
    async def fails():
        raise ValueError("no")

    deadlines = Deadlines()
    with pytest.raises(ValueError, match="no"):
        await deadlines.after(60).of(fails())
    assert not deadlines.after(60)._waits


async def test_a_cancellation_by_somebody_else_is_no_timeout():
    deadlines = Deadlines()
    task = asyncio.ensure_future(deadlines.after(60).of(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines.after(60)._waits


def test_a_cancellation_in_the_instant_of_the_timeout_goes_on():
    async def main():
        task = asyncio.ensure_future(Deadlines().after(5).of(asyncio.Event().wait()))
        asyncio.get_running_loop().call_at(5, lambda: task.cancel())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run_virtual(main())


def test_what_will_not_end_may_still_give_something():
    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    async def main():
        assert await Deadlines().after(5).of(stubborn()) == "late"
        assert asyncio.current_task().cancelling() == 0

    run_virtual(main())


def test_an_error_while_it_ends_is_the_error():
    async def breaks():
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("closed")

    async def main():
        with pytest.raises(OSError, match="closed"):
            await Deadlines().after(5).of(breaks())
        assert asyncio.current_task().cancelling() == 0

    run_virtual(main())


def test_loops_that_are_closed_are_forgotten():
    deadlines = Deadlines()

    async def wait():
        await deadlines.after(60).of(asyncio.sleep(0))

    for _ in range(3):
        asyncio.run(wait())
    assert len(deadlines._queues) == 1
