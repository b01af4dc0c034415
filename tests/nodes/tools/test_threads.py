"""Threads of tools: reused, let go of, ended when nobody needs them."""

import asyncio
import contextvars
import os
import threading

import pytest

from backedge.nodes.tools import threads as module
from backedge.nodes.tools.threads import Threads


async def test_one_call_after_the_other_takes_one_thread():
    threads = Threads("one")
    seen = {await threads.call(threading.get_ident) for _ in range(50)}
    assert len(seen) == 1
    assert seen != {threading.get_ident()}


async def test_calls_at_once_take_a_thread_each_and_leave_them_to_later_ones():
    threads = Threads("several")
    gate = threading.Barrier(8)

    def meet():
        gate.wait(30)
        return threading.get_ident()

    first = set(await asyncio.gather(*(threads.call(meet) for _ in range(8))))
    assert len(first) == 8
    assert set(await asyncio.gather(*(threads.call(meet) for _ in range(8)))) == first


async def test_a_thread_that_nobody_needs_ends(monkeypatch):
    monkeypatch.setattr(module, "LINGER", 0.01)
    threads = Threads("short")
    worker = await threads.call(threading.current_thread)
    await asyncio.to_thread(worker.join, 30)
    assert not worker.is_alive()
    assert await threads.call(lambda: 1) == 1  # and the next call gets another


async def test_ending_and_taking_a_thread_may_meet(monkeypatch):
    """A call is never given to a thread that has just ended."""
    monkeypatch.setattr(module, "LINGER", 0.0001)
    threads = Threads("edge")
    for number in range(200):
        assert await asyncio.wait_for(threads.call(lambda number=number: number), 30) == number


async def test_what_is_raised_comes_through():
    threads = Threads("raising")

    def fail(error):
        raise error

    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 / 0)
    with pytest.raises(RuntimeError, match=r"raised StopIteration\(3\)"):
        await threads.call(lambda: fail(StopIteration(3)))
    with pytest.raises(SystemExit):
        await threads.call(lambda: fail(SystemExit()))


async def test_a_call_that_is_cancelled_lets_go_of_its_thread_which_is_used_again_later():
    threads = Threads("cancelled")
    begun, release = threading.Event(), threading.Event()

    def hang():
        begun.set()
        release.wait(30)
        return threading.get_ident()

    task = asyncio.create_task(threads.call(hang))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other = await threads.call(threading.get_ident)
    release.set()
    assert other is not None
    assert await threads.call(lambda: "alive") == "alive"


def test_a_loop_that_is_gone_when_the_function_returns_is_no_trouble():
    threads = Threads("late")
    release, seen = threading.Event(), []

    def hang():
        seen.append(threading.current_thread())
        release.wait(30)

    async def leave():
        task = asyncio.create_task(threads.call(hang))
        while not seen:  # noqa: ASYNC110 - it is a thread
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(leave())
    release.set()
    assert asyncio.run(threads.call(lambda: 2)) == 2  # another loop, the same threads


async def test_the_context_is_the_callers():
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(7)
    assert await Threads("context").call(variable.get) == 7


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the fork below is the point
def test_a_forked_process_makes_threads_of_its_own():
    threads = Threads("forked")
    asyncio.run(threads.call(lambda: 1))
    child = os.fork()
    if child == 0:
        try:
            os._exit(asyncio.run(asyncio.wait_for(threads.call(lambda: 42), 10)))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
