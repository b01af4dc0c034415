"""Starts runs of the programs beside it without paying for imports: ``python warm.py``, which forks.

A line on standard input is a JSON list of processes, each of them a list: the file for the process's output, the one for its errors, the size that no
file may outgrow (0 for none), the program and its arguments. A new process stops itself, so that it can be traced
from its first call on; its id is told. Once it was set going and ended, its exit code is told, negative for a signal.
"""

import asyncio
import ctypes
import json
import os
import resource
import signal
import sys
import traceback

import clocked
import durable
import stopping
import waiting

from backedge import BackedgeError

PROGRAMS = {"durable": durable, "stopping": stopping, "clocked": clocked, "waiting": waiting}
_PR_SET_PTRACER = 0x59616D61
_ANYBODY = ctypes.c_ulong(-1)


def become(output, errors, limit, program, *arguments):
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)  # not only by its parents
    for path, number in ((output, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        told, code = f"{asyncio.run(PROGRAMS[program].main(*arguments))}\n", 0
        os.write(1, told.encode())
    except BackedgeError as error:
        told, code = f"{type(error).__name__}: {error}\n", 3
        os.write(2, told.encode())
    except BaseException:
        traceback.print_exc()
        code = 4
    sys.stderr.flush()
    os._exit(code)


def main():
    for line in sys.stdin:
        pids = []
        for order in json.loads(line):
            pids.append(os.fork())
            if pids[-1] == 0:
                become(*order)
            os.waitpid(pids[-1], os.WUNTRACED)
            print(pids[-1], flush=True)
        for pid in pids:
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


main()
