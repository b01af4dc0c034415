"""A sandbox that runs nothing but the harness, in a process forked from one that has loaded it.

A whole interpreter takes a twentieth of a second until the harness listens, a fork of one that does a hundredth.
`test_harness.py` and `test_programs.py` start it whole, in the real sandboxes; the loops around it need not.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backedge.nodes.sandbox import Ended, Outcome, Program, Sandbox
from backedge.nodes.sandbox.wire import rlimits

from ...forking import Forked

FORKER = Path(__file__).with_name("harness_forker.py")
HARNESS = ("python", "-S", "-P", ".backedge/inside/start.py")


class WarmSandbox:
    """Runs the harness without isolation, within the limits of time and memory."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-P", str(FORKER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={"PYTHONHASHSEED": "0"},
                start_new_session=True,
            )

    async def run(self, program: Program) -> Outcome:
        """Run the harness to its end, or to the end of its time on the clock."""
        assert program.argv == HARNESS
        began = time.monotonic()
        with TemporaryDirectory(prefix="backedge-", ignore_cleanup_errors=True) as folder:
            _lay_out(program.files, Path(folder))
            with ExitStack() as files:
                asked, told, complained = (files.enter_context(_in_memory()) for _ in range(3))
                asked.write(program.stdin)
                asked.seek(0)
                order = _order(program, folder)
                process = Forked(
                    self._orders, order, tuple(one.fileno() for one in (asked, told, complained))
                )
                ended, status = await _end_of(process, program.limits.wall)
                outputs = [os.pread(one.fileno(), program.limits.output, 0) for one in (told, complained)]
        wall = time.monotonic() - began
        return Outcome(ended=ended, exit_status=status, stdout=outputs[0], stderr=outputs[1], wall=wall)

    async def close(self) -> None:
        """End the process that forks."""
        self._orders.close()
        self._process.wait(60)


class Open:
    """A sandbox that stays open when whoever was given it closes it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.run = sandbox.run

    async def close(self) -> None:
        """Leave it to whoever made it."""


@contextmanager
def warm_sandbox() -> Iterator[WarmSandbox]:
    """A sandbox that is closed at the end."""
    made = WarmSandbox()
    try:
        yield made
    finally:
        asyncio.run(made.close())


def _lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        if not name.startswith(".backedge/"):  # those are loaded
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def _in_memory() -> FileIO:
    return FileIO(os.memfd_create("stream"), "r+")


def _order(program: Program, folder: str) -> dict[str, Any]:
    return {
        "arguments": [".backedge/inside/start.py"],
        "cwd": folder,
        "environment": {"HOME": folder, "PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"},
        "session": True,
        "limits": rlimits(program.limits, count_processes=False),
    }


async def _end_of(process: Forked, seconds: float) -> tuple[Ended, int | None]:
    """How a process ended, of which nothing is left then."""
    waiting = asyncio.create_task(asyncio.to_thread(process.wait, seconds))
    try:
        return Ended.EXITED, await asyncio.shield(waiting)
    except subprocess.TimeoutExpired:
        return Ended.WALL_LIMIT, None
    finally:
        for kill in (os.killpg, os.kill):  # it may not have come to lead a group yet
            with suppress(ProcessLookupError):
                kill(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            await waiting  # where we were cancelled it goes on: nobody else may read the answer meanwhile
        process.wait(60)
