"""What a sandbox is: a place to run a program one does not trust, with an exact account of how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

MiB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a program may use. Sizes in bytes, times in seconds.

    Attributes:
        wall: Time on the clock until the whole tree of processes is killed.
        cpu: Processor time per process.
        memory: Address space per process.
        processes: Processes and threads alive at once, the program itself included.
        file_size: Size of any one file the program writes.
        disk: Size of all files the program writes.
        output: Bytes of standard output and standard error kept; more ends the program.
    """

    wall: float = 10.0
    cpu: float = 10.0
    memory: int = 512 * MiB
    processes: int = 32
    file_size: int = 16 * MiB
    disk: int = 64 * MiB
    output: int = 1 * MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run.

    Attributes:
        argv: The command. A first element ``python`` means the sandbox's own Python interpreter.
        files: Files to lay out in the working folder before the start: relative path to content.
        stdin: What the program reads from standard input.
        collect: Relative paths of the files to bring back; those that do not exist are left out.
        limits: What the program may use.
    """

    argv: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    collect: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


class Ended(StrEnum):
    """Why a program ended."""

    EXITED = "exited"  # by itself, with `exit_status`
    SIGNALED = "signaled"  # by a signal of its own making: a crash, an abort
    WALL_LIMIT = "wall limit"
    CPU_LIMIT = "cpu limit"
    MEMORY_LIMIT = "memory limit"
    OUTPUT_LIMIT = "output limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended and what it left.

    Attributes:
        ended: Why it ended.
        exit_status: 0 to 255, or the negative signal number; None where a limit ended it.
        stdout: Standard output, cut at the output limit.
        stderr: Standard error, cut at the output limit.
        files: Content of the collected regular files.
        refused: Collected paths that were not brought back, with the reason (a link, a device, too large).
        wall: Seconds from start to end.
        cpu: Processor seconds of the whole tree, where the backend can tell; else None.
        memory: Peak resident bytes of the largest process, where the backend can tell; else None.
    """

    ended: Ended
    exit_status: int | None
    stdout: bytes
    stderr: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float | None = None
    memory: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the program exited by itself with status 0."""
        return self.ended is Ended.EXITED and self.exit_status == 0


@runtime_checkable
class Sandbox(Protocol):
    """Runs programs. Safe to use from many tasks at once."""

    async def run(self, program: Program) -> Outcome:
        """Run `program` to its end and tell how it went.

        Cancelling the call kills the whole tree of processes before it returns.

        Raises:
            SandboxError: The sandbox itself could not do its work; nothing is said about the program.
        """

    async def close(self) -> None:
        """Let go of everything the sandbox holds. Closing twice does nothing."""
