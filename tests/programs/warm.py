"""Starts runs of ``durable`` without paying for their imports: ``python warm.py``, which then forks a process per line.

A line on standard input is a JSON list: the file for the process's output, the one for its errors, and its arguments.
The new process stops itself, so that it can be traced from its first call on; its id is told. Once it was set going and
ended, its exit code is told, negative for a signal.
"""

import ctypes
import json
import os
import resource
import signal
import sys

import durable

_PR_SET_PTRACER = 0x59616D61
_ANYBODY = ctypes.c_ulong(-1)


def become(output, errors, limit, *arguments):
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)  # not only by its parents
    for path, number in ((output, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    os.kill(os.getpid(), signal.SIGSTOP)
    durable.run(*arguments)


def main():
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become(*json.loads(line))
        os.waitpid(pid, os.WUNTRACED)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


main()
