"""Real processes of this interpreter that do not have to import everything again.

An interpreter that has loaded the package takes a third of a second of processor time, a fork of one hundredth. One
process loads everything and forks all others. They are processes like any: with a folder, an environment, streams,
signals and an exit code of their own. Only the start and the last tidying of the interpreter are not gone through,
so that tests of these must start a whole one.
"""

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

FORKER = Path(__file__).parent / "programs" / "forker.py"


class Forked:
    """A forked process; like `subprocess.Popen`, as far as tests need that."""

    def __init__(self, orders: socket.socket, order: dict[str, Any], streams: tuple[int | None, ...]) -> None:
        theirs, ours = [], []
        for number, wanted in enumerate(streams):
            mode = "wb" if number == 0 else "rb"
            if wanted == subprocess.PIPE:
                ends = os.pipe()[:: 1 if number == 0 else -1]
                theirs.append(ends[0])
                ours.append(FileIO(ends[1], mode))
            else:
                theirs.append(_file(wanted, number))
                ours.append(None)
        self.stdin: FileIO | None
        self.stdout: FileIO | None
        self.stderr: FileIO | None
        self.stdin, self.stdout, self.stderr = ours
        answers, answer = os.pipe()
        socket.send_fds(orders, [json.dumps(order).encode()], [*theirs, answer])
        for file in (*theirs, answer):
            os.close(file)
        self._answers = FileIO(answers)
        self.args = order["arguments"]
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code, if the process has ended."""
        return self.returncode if self.returncode is not None or not self._ended(0) else self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once the process has ended."""
        if self.returncode is None:
            if not self._ended(timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
        return self.returncode

    def _ended(self, timeout: float | None) -> bool:
        return bool(select.select([self._answers], [], [], timeout)[0])

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may have ended since
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 60) -> tuple[bytes, bytes]:
        """Wait for the end; what the process wrote to both streams since they were last read."""
        if self.stdin:
            self.stdin.close()
        told = {stream: b"" for stream in (self.stdout, self.stderr) if stream and not stream.closed}
        still, until = list(told), time.monotonic() + timeout
        while still:
            ready, _, _ = select.select(still, [], [], max(0, until - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(self.args, timeout)
            for stream in ready:
                piece = stream.read(100_000)
                told[stream] += piece
                if not piece:
                    still.remove(stream)
                    stream.close()
        self.wait(max(0, until - time.monotonic()))
        return told.get(self.stdout, b""), told.get(self.stderr, b"")


def _file(wanted: int | None, number: int) -> int:
    """A stream that is not read or written here: a file descriptor, or this process's own one."""
    if wanted == subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR)
    return os.dup(number if wanted is None else wanted)


class Forker:
    """The process that forks."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(FORKER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**environment, "PYTHONWARNINGS": "error"},
                start_new_session=True,
            )

    def start(
        self,
        *arguments: object,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        start_new_session: bool = False,
    ) -> Forked:
        """Start ``python ARGUMENTS``, which begin with the path of a program or with ``-m`` and a module."""
        order = {
            "arguments": [os.fspath(one) if isinstance(one, Path) else one for one in arguments],
            "cwd": os.fspath(cwd or Path.cwd()),
            "environment": dict(os.environ) if env is None else env,
            "session": start_new_session,
        }
        return Forked(self._orders, order, (stdin, stdout, stderr))

    def close(self) -> None:
        """End the process that forks."""
        self._orders.close()
        self._process.wait(60)


@functools.cache
def forker() -> Forker:
    """The one of all tests, started when it is first needed; forks of this process share it. `conftest.py` closes it."""
    return Forker()


def start(*arguments: object, **options: Any) -> Forked:
    """Start a process; see `Forker.start`."""
    return forker().start(*arguments, **options)


def run(*arguments: object, timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a process to its end."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(timeout)
        return subprocess.CompletedProcess(process.args, process.wait(), out, err)
