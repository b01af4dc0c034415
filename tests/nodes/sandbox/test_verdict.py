"""Why a program ended, from what was observed."""

import signal

import pytest

from backedge.nodes.sandbox import Ended, Limits
from backedge.nodes.sandbox.verdict import judge

LIMITS = Limits(cpu=2)


def verdict(status: int = 0, *, cut: Ended | None = None, cpu: float = 0.0, stderr: bytes = b""):
    return judge(cut=cut, status=status, cpu=cpu, stderr=stderr, limits=LIMITS)


def exited(code: int) -> int:
    return code << 8


@pytest.mark.parametrize("code", [0, 1, 2, 137, 152, 255])
def test_an_exit_is_an_exit(code):
    assert verdict(exited(code)) == (Ended.EXITED, code)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_a_signal_is_told_as_a_negative_number(number):
    assert verdict(number) == (Ended.SIGNALED, -number)


def test_a_core_dump_changes_nothing():
    assert verdict(signal.SIGSEGV | 0x80) == (Ended.SIGNALED, -signal.SIGSEGV)


@pytest.mark.parametrize("limit", [Ended.WALL_LIMIT, Ended.OUTPUT_LIMIT])
@pytest.mark.parametrize("status", [0, signal.SIGKILL, signal.SIGXCPU, exited(1)])
def test_a_limit_the_host_saw_goes_before_everything_else(limit, status):
    assert verdict(status, cut=limit, cpu=99, stderr=b"MemoryError") == (limit, None)


def test_the_signal_of_the_processor_limit_means_that_limit():
    assert verdict(signal.SIGXCPU, cpu=1.9) == (Ended.CPU_LIMIT, None)


@pytest.mark.parametrize(
    ("cpu", "ended"), [(1.99, Ended.SIGNALED), (2.0, Ended.CPU_LIMIT), (3.0, Ended.CPU_LIMIT)]
)
def test_a_kill_means_the_processor_limit_only_beyond_it(cpu, ended):
    assert verdict(signal.SIGKILL, cpu=cpu)[0] is ended


@pytest.mark.parametrize(
    "last",
    [
        b"MemoryError",
        b"MemoryError\n",
        b"MemoryError: out\n\n",
        b"numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 GiB",
    ],
)
def test_an_uncaught_memory_error_means_the_memory_limit(last):
    assert verdict(exited(1), stderr=b"Traceback ...\n" + last) == (Ended.MEMORY_LIMIT, None)


@pytest.mark.parametrize(
    ("status", "stderr"),
    [
        (exited(1), b""),
        (exited(1), b"\n"),
        (exited(1), b"MemoryError\nbut then something else"),
        (exited(1), b"NotAMemoryErrorAtAll: x"),
        (exited(1), b"ValueError: MemoryError"),
        (exited(2), b"MemoryError"),
        (exited(0), b"MemoryError"),
    ],
)
def test_nothing_else_means_the_memory_limit(status, stderr):
    assert verdict(status, stderr=stderr)[0] is Ended.EXITED
