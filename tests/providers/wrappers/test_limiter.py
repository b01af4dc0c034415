"""The driver of the gate, on virtual time: limits hold to the request with ten thousand waiting callers."""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime

import pytest

from backedge.providers.wrappers.buckets import Limit
from backedge.providers.wrappers.limiter import PRESETS, Limiter, Limits, LimitWarning

from ...virtual import run_virtual

ONE = {"requests": 1}


def now():
    return asyncio.get_running_loop().time()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def worst_window(times, length):
    """The most that passed in any window of this length; it is enough to look at those that begin with a passing."""
    first, most = 0, 0
    for last, time in enumerate(times):
        while time - times[first] > length:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_ten_thousand_callers_keep_to_the_limit_in_every_window():
    """The law: in any window of length t at most burst + rate * t pass; asserted over all windows, of all lengths."""
    amount, per, burst = 600, 60.0, 50
    passed = []

    async def call(limiter, number):
        ticket = await limiter.enter(ONE, priority="normal", caller=f"caller {number % 100}")
        passed.append((now(), number % 100))
        limiter.over(ticket, {})

    async def main():
        limiter = Limiter(Limits(requests=Limit(amount=amount, per=per, burst=burst)))
        await asyncio.gather(*(call(limiter, number) for number in range(10_000)))
        stats = limiter.stats()
        assert (stats.passed, stats.waits, stats.under_way) == (10_000, 10_000 - burst, 0)
        assert limiter._gate.looks <= 3 * 10_000  # to pass; the next, in vain, then and when the call is over
        assert not limiter._futures
        return stats

    stats = run_virtual(main(), debug=False)
    times, rate = [time for time, _ in passed], amount / per
    # From passing i to passing j there are j - i + 1. That this is at most burst + rate * (t[j] - t[i]) for all i <= j
    # is the same as: no value of i - rate * t[i] is more than burst - 1 above the least one before it.
    least = float("inf")
    for index, time in enumerate(times):
        least = min(least, index - rate * time)
        assert (index - rate * time) - least <= burst - 1 + 1e-6
    assert worst_window(times, per) <= amount + burst
    assert worst_window(times, per) >= amount  # nor is anything withheld
    assert times[-1] == pytest.approx((10_000 - burst) / rate)
    assert stats.longest == pytest.approx(times[-1])
    assert stats.waited == pytest.approx(sum(times))
    # Each hundred passings serve each of the hundred callers once.
    served = [caller for _, caller in passed]
    waited = served[burst:]
    for start in range(0, len(waited) - 100, 100):
        assert max(Counter(waited[start : start + 100]).values()) == 1


def test_priorities_pass_in_order_and_critical_ones_at_once():
    order = []

    async def call(limiter, priority):
        ticket = await limiter.enter(ONE, priority=priority, caller="")
        order.append((priority, now()))
        limiter.over(ticket, {})

    async def main():
        limiter = Limiter(Limits(requests=Limit(amount=1, per=1.0, burst=1)))
        ticket = await limiter.enter(ONE, priority="normal", caller="")
        limiter.over(ticket, {})
        tasks = [
            asyncio.ensure_future(call(limiter, priority)) for priority in ("low", "normal", "high", "low")
        ]
        await settled()
        assert limiter.stats().waiting == {"critical": 0, "high": 1, "normal": 1, "low": 2}
        tasks.append(asyncio.ensure_future(call(limiter, "critical")))
        await asyncio.gather(*tasks)

    run_virtual(main())
    # The critical one is charged: the others pass one second later each.
    assert order == [("critical", 0), ("high", 2), ("normal", 3), ("low", 4), ("low", 5)]


def test_a_cancelled_waiter_leaves_no_trace():
    async def main():
        limiter = Limiter(Limits(tokens=Limit(amount=100, per=1.0, burst=100), concurrency=2))
        first = await limiter.enter({"tokens": 100}, priority="normal", caller="")
        waits = asyncio.ensure_future(limiter.enter({"tokens": 100}, priority="high", caller=""))
        small = asyncio.ensure_future(limiter.enter({"tokens": 10}, priority="low", caller=""))
        await settled()
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        ticket = await small
        assert now() == pytest.approx(0.1)
        limiter.over(first, {})
        limiter.over(ticket, {})
        assert limiter.stats().used == {"tokens": pytest.approx(1.0)}
        assert limiter.stats().waits == 1
        assert sum(limiter.stats().waiting.values()) == 0
        assert not limiter._futures

    run_virtual(main())


@pytest.mark.parametrize("cancel_first", [True, False])
def test_one_that_is_cancelled_in_the_instant_it_may_pass_gives_its_place_to_the_next(cancel_first):
    async def main():
        limiter = Limiter(Limits(concurrency=1))
        first = await limiter.enter({}, priority="normal", caller="")
        second = asyncio.ensure_future(limiter.enter({}, priority="normal", caller=""))
        third = asyncio.ensure_future(limiter.enter({}, priority="normal", caller=""))
        await settled()
        if cancel_first:
            second.cancel()
            limiter.over(first, {})
        else:
            limiter.over(first, {})
            second.cancel()
        ticket = await third
        assert second.cancelled()
        assert limiter.stats().under_way == 1
        limiter.over(ticket, {})
        assert limiter.stats().under_way == 0

    run_virtual(main())


def test_whoever_comes_later_but_goes_earlier_is_woken_in_time():
    async def main():
        limiter = Limiter(Limits(tokens=Limit(amount=1, per=1.0, burst=10)))
        limiter.over(await limiter.enter({"tokens": 10}, priority="normal", caller=""), {})
        large = asyncio.ensure_future(limiter.enter({"tokens": 10}, priority="low", caller=""))
        await settled()
        small = asyncio.ensure_future(limiter.enter({"tokens": 1}, priority="high", caller=""))
        await small
        assert now() == 1
        await large
        assert now() == 11

    run_virtual(main())


def test_what_the_provider_says_is_obeyed_and_cut():
    date = datetime(2026, 11, 21, tzinfo=UTC)

    async def main():
        limiter = Limiter(Limits(requests=Limit(amount=1000)), longest_hold=50, now=lambda: date)
        headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"}
        limiter.over(await limiter.enter(ONE, priority="normal", caller=""), {}, headers=headers)
        assert limiter.stats().used == {"requests": 1}
        limiter.over(await limiter.enter(ONE, priority="normal", caller=""), {}, hold=1e9)
        assert now() == 20
        limiter.over(await limiter.enter(ONE, priority="critical", caller=""), {})
        assert now() == 20
        far = {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2027-01-01T00:00:00Z"}  # fmt: skip
        limiter.over(await limiter.enter(ONE, priority="normal", caller=""), {}, headers=far)
        assert now() == 70
        await limiter.enter(ONE, priority="normal", caller="")
        assert now() == 120

    run_virtual(main())


def test_a_warning_comes_once_and_again_after_the_use_has_fallen():
    told = []

    async def main():
        limits = Limits(requests=Limit(amount=10, per=10.0), warn_at=0.75)
        limiter = Limiter(limits, on_warning=told.append)
        for pause in (*[0] * 8, 2, 0, 3, 0, 7, *[0] * 8):
            await asyncio.sleep(pause)
            limiter.over(await limiter.enter(ONE, priority="normal", caller=""), {})

    run_virtual(main())
    assert [warning.sort for warning in told] == ["requests", "requests"]
    assert [warning.used for warning in told] == [pytest.approx(0.8), pytest.approx(0.8)]


def test_warnings_are_logged_by_default(caplog):
    async def main():
        limiter = Limiter(Limits(tokens=Limit(amount=10)))
        await limiter.enter({"tokens": 9}, priority="normal", caller="")

    with caplog.at_level(logging.WARNING, logger="backedge"):
        run_virtual(main())
    assert caplog.messages == ["90% of the tokens a window allows are in use"]
    assert LimitWarning("tokens", 0.9).sort == "tokens"


def test_a_limiter_can_go_on_in_another_loop_when_nobody_waits():
    limiter = Limiter(Limits(requests=Limit(amount=1, per=1.0)))

    async def use():
        limiter.over(await limiter.enter(ONE, priority="critical", caller=""), {})
        waits = asyncio.ensure_future(limiter.enter(ONE, priority="normal", caller=""))
        await settled()
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        limiter.over(await limiter.enter(ONE, priority="normal", caller=""), {})

    run_virtual(use())
    run_virtual(use())
    assert limiter._passed == 4


def test_two_loops_at_once_are_refused():
    limiter = Limiter(Limits(concurrency=1))

    async def main():
        first = await limiter.enter({}, priority="normal", caller="")
        waits = asyncio.ensure_future(limiter.enter({}, priority="normal", caller=""))
        await settled()

        def other():
            with pytest.raises(RuntimeError, match="two event loops"):
                asyncio.run(limiter.enter({}, priority="normal", caller=""))

        await asyncio.get_running_loop().run_in_executor(None, other)
        limiter.over(first, {})
        await waits

    asyncio.run(main())


def test_limits_that_let_nothing_pass_are_refused():
    with pytest.raises(ValueError, match="concurrency is 1 at least, not 0"):
        Limits(concurrency=0)


def test_presets_grow_from_low_to_high():
    low, mid, high = (PRESETS[name] for name in ("low", "mid", "high"))
    for smaller, larger in ((low, mid), (mid, high)):
        assert smaller.requests.amount < larger.requests.amount
        assert smaller.tokens.amount < larger.tokens.amount
        assert smaller.concurrency < larger.concurrency
    assert Limiter("mid").limits is mid


def test_calls_without_a_price_are_counted():
    async def main():
        limiter = Limiter(Limits(cost=Limit(amount=1)))
        limiter.unpriced()
        assert limiter.stats().unpriced == 1

    run_virtual(main())
