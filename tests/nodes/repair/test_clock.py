import contextlib
import signal
import time

import pytest

from backedge.nodes.repair.inside.clock import TimeUpError, time_limit


def spin():
    while True:
        pass


@pytest.fixture(autouse=True)
def alarm_as_before():
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_endless_loop_is_stopped_by_its_processor_time():
    before = time.process_time()
    with pytest.raises(TimeUpError), time_limit(0.01):
        spin()
    assert time.process_time() - before >= 0.01


def test_code_that_swallows_the_alarm_is_stopped_by_the_next_one():
    swallowed = []

    def stubborn():
        while len(swallowed) < 2:
            try:
                spin()
            except TimeUpError:
                swallowed.append(1)
        spin()

    with pytest.raises(TimeUpError), time_limit(0.005):
        stubborn()
    assert len(swallowed) == 2


def test_an_except_exception_does_not_catch_it():
    with pytest.raises(TimeUpError), time_limit(0.005), contextlib.suppress(Exception):
        spin()


def test_what_ends_in_time_is_left_alone_and_the_alarm_is_off_afterwards():
    with time_limit(5):
        value = sum(range(10))
    assert value == 45
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
