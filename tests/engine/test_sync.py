"""Running a coroutine from code that is not async."""

import asyncio
import signal
import threading

import pytest

from backedge.engine.execution.sync import wait_for


async def answer():
    await asyncio.sleep(0)
    return 42


async def fails():
    raise KeyError("x")


def inside_a_loop(function):
    """Call it where an event loop runs, one that does not look after Ctrl-C."""
    loop = asyncio.new_event_loop()

    async def go():
        return function()

    try:
        return loop.run_until_complete(go())
    finally:
        loop.close()


def test_a_value_and_an_error_come_out_with_a_loop_around_and_without():
    assert wait_for(answer()) == inside_a_loop(lambda: wait_for(answer())) == 42
    with pytest.raises(KeyError):
        wait_for(fails())
    with pytest.raises(KeyError):
        inside_a_loop(lambda: wait_for(fails()))


def test_ctrl_c_while_waiting_for_it_cancels_the_work_and_waits_for_its_end():
    ended = []

    async def works():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        inside_a_loop(lambda: wait_for(works()))
    assert ended == [True]
    assert not [thread for thread in threading.enumerate() if thread.name == "backedge run_sync"]


@pytest.mark.timeout(20)
def test_ctrl_c_that_comes_just_before_the_thread_blocks_is_noticed_all_the_same(monkeypatch):
    ended, missed = [], []
    wait = threading.Event.wait

    def too_late(event, timeout=None):
        done = wait(event, timeout)
        if timeout is not None and not missed:  # it blocked without having seen the signal
            missed.append(True)
            signal.raise_signal(signal.SIGINT)
        return done

    async def works():
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(True)

    def waiting():
        monkeypatch.setattr(threading.Event, "wait", too_late)
        return wait_for(works())

    with pytest.raises(KeyboardInterrupt):
        inside_a_loop(waiting)
    assert ended == [True]
