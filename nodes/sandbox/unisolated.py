"""A sandbox that is none: programs run as ordinary processes, with every right that we have.

For programs one trusts, and for machines without bubblewrap where somebody asks for it by name. The limits of
time, memory, file size and output hold; nothing else is kept from the program.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .errors import SandboxError, SandboxUnavailableError
from .interpreter import Interpreter, examine
from .protocol import Outcome, Program
from .run import command_line, run_program
from .tree import Command, Tree
from .wire import check_program, rlimits


class _Group:
    """The supervisor as an ordinary child, which kills the program's process group."""

    together = False

    def supervisor(self, tree: Tree) -> int | None:
        return tree.pidfd

    def close(self, tree: Tree) -> None:
        report = tree.report
        if report.pid is not None and report.status is None:  # somebody killed the supervisor
            with suppress(ProcessLookupError):
                os.killpg(report.pid, signal.SIGKILL)


class SubprocessSandbox:
    r"""Runs programs without any isolation. Only for programs you trust.

    Limits on processes and on the sum of all files are not enforced; a process that leaves the program's process
    group survives it.

    Args:
        python: The interpreter that programs run with, with its packages; ours by default.

    Example:
        >>> import asyncio
        >>> from backedge.nodes.sandbox import Program, SubprocessSandbox
        >>> program = Program(argv=("python", "-c", "print(6 * 7)"))
        >>> asyncio.run(SubprocessSandbox().run(program)).stdout
        b'42\n'
    """

    def __init__(self, *, python: str | None = None) -> None:
        if sys.platform != "linux":
            raise SandboxUnavailableError("subprocess", f"this is {sys.platform}", "use Linux")
        self._python = str(Path(python or sys.executable).absolute())
        self._interpreter: Interpreter | None = None  # None until the first run
        self._lock = threading.Lock()  # held while it is examined; runs may come from several event loops
        self._closed = False

    async def run(self, program: Program) -> Outcome:
        """Run `program` to its end and tell how it went.

        A program that the wall-clock limit or the output limit ended leaves no files.

        Raises:
            SandboxError: The sandbox itself could not do its work; nothing is said about the program.
        """
        check_program(program)
        known = self._interpreter
        interpreter = known if known is not None else await asyncio.to_thread(self._examine)
        if self._closed:
            raise SandboxError("this sandbox is closed; open another one")
        # What a surviving process still writes there must not make the run fail.
        with TemporaryDirectory(prefix="backedge-", ignore_cleanup_errors=True) as folder:
            return await run_program(
                program,
                aim=_Group(),
                command=lambda numbers, _: Command(argv=numbers.supervisor(interpreter.base)),
                code=interpreter.supervisor,
                argv=command_line(program, interpreter.executable),
                folder=folder,
                rlimits=rlimits(program.limits, count_processes=False),
            )

    def _examine(self) -> Interpreter:
        with self._lock:
            if self._interpreter is None:
                self._interpreter = examine(self._python)
            return self._interpreter

    async def close(self) -> None:
        """Refuse further runs; there is nothing to let go of."""
        self._closed = True
