"""Why a program ended, decided from what was observed. Pure: no process is touched here."""

from __future__ import annotations

import math
import os
import re
import signal

from .protocol import Ended, Limits

OUT_OF_MEMORY = re.compile(rb"^(\w+\.)*_?\w*MemoryError(:.*)?$")
"""The last line of a traceback of `MemoryError` or of a class named after it (numpy has one)."""

TAIL = 4096  # a traceback's last line is looked for in so many bytes


def judge(
    *, cut: Ended | None, status: int, cpu: float, stderr: bytes, limits: Limits
) -> tuple[Ended, int | None]:
    """Tell why a program ended and its exit status.

    Args:
        cut: The limit for which the host ended it, if it did.
        status: Wait status of the program, as of `os.waitpid`.
        cpu: Processor seconds it used.
        stderr: What it wrote to standard error.
        limits: What it was allowed.

    Returns:
        The reason, and the exit status or negative signal number; None where a limit ended it.
    """
    if cut is not None:
        return cut, None
    code = os.waitstatus_to_exitcode(status)
    if _out_of_time(code, cpu, limits):
        return Ended.CPU_LIMIT, None
    if code == 1 and _out_of_memory(stderr):
        return Ended.MEMORY_LIMIT, None
    return (Ended.SIGNALED if code < 0 else Ended.EXITED), code


def _out_of_time(code: int, cpu: float, limits: Limits) -> bool:
    """At the limit comes SIGXCPU; who goes on all the same is killed a little later.

    A program that uses up its time *and* kills itself with SIGKILL cannot be told apart, and need not be.
    """
    return code == -signal.SIGXCPU or (code == -signal.SIGKILL and cpu >= math.ceil(limits.cpu))


def _out_of_memory(stderr: bytes) -> bool:
    """An uncaught MemoryError is how a Python program ends at the limit of its address space."""
    lines = stderr[-TAIL:].rstrip().splitlines()
    return bool(lines) and OUT_OF_MEMORY.match(lines[-1]) is not None
