"""Threads of a run: reused, given up on, ended."""

import asyncio
import contextvars
import threading

import pytest

from backedge.engine.execution.threads import WorkerThreads


async def test_a_thread_that_is_idle_is_used_again():
    threads = WorkerThreads("t")
    first = await threads.call(threading.get_ident)
    assert first == await threads.call(threading.get_ident) != threading.get_ident()
    assert threads.busy == 0
    assert await threads.close(1) == 0


async def test_arguments_results_errors_and_the_context_are_those_of_the_function():
    variable = contextvars.ContextVar("variable")
    variable.set("here")
    threads = WorkerThreads("t")
    assert await threads.call(lambda a, *, b: (a, b, variable.get()), 1, b=2) == (1, 2, "here")
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 / 0)
    with pytest.raises(RuntimeError, match=r"StopIteration\(3\)"):
        await threads.call(_stops)
    with pytest.raises(SystemExit):
        await threads.call(_exits)
    assert await threads.close(1) == 0


def _stops():
    raise StopIteration(3)


def _exits():
    raise SystemExit


async def test_a_busy_thread_is_waited_for_up_to_the_grace_and_ends_by_itself_later():
    release = threading.Event()
    threads = WorkerThreads("slow")
    future = threads.call(release.wait, 20)
    future.cancel()
    assert threads.busy == 1
    assert await threads.close(0.01) == 1
    [worker] = [thread for thread in threading.enumerate() if thread.name.startswith("slow")]
    release.set()
    await asyncio.to_thread(worker.join, 10)
    assert not worker.is_alive()


async def test_closing_waits_no_longer_than_it_has_to():
    release = threading.Event()
    threads = WorkerThreads("t")
    future = threads.call(release.wait, 20)
    closing = asyncio.ensure_future(threads.close(20))
    await asyncio.sleep(0)
    release.set()
    assert await closing == 0
    assert await future


async def test_closing_may_be_cancelled_and_called_again():
    release = threading.Event()
    threads = WorkerThreads("t")
    threads.call(release.wait, 20).cancel()
    closing = asyncio.ensure_future(threads.close(20))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    release.set()
    assert await threads.close(20) == 0


async def test_what_was_closed_starts_no_thread_any_more():
    threads = WorkerThreads("t")
    await threads.close(0)
    with pytest.raises(RuntimeError, match="over"):
        threads.call(print)


def test_a_function_that_returns_after_its_loop_was_closed_ends_its_thread():
    release = threading.Event()
    threads = WorkerThreads("late")

    async def go():
        threads.call(release.wait, 20).cancel()
        await threads.close(0)

    asyncio.run(go())
    [worker] = [thread for thread in threading.enumerate() if thread.name.startswith("late")]
    release.set()
    worker.join(10)
    assert not worker.is_alive()
    assert threads.busy == 0
