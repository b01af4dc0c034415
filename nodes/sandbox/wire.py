"""What the host and the supervisor say to each other, without doing it: the job, and the report.

The report comes from inside the sandbox. The supervisor cannot be reached by the program beside it, but
nothing here relies on that: a report is read with bounded memory, strictly, and is never executed.
"""

from __future__ import annotations

import marshal
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import SandboxError
from .protocol import Limits, Program

DESCRIPTORS = 256  # open files per process: more than programs need, less than can hurt the host
STACK = 8 * 1024 * 1024
LINE = 200  # longest line of a report
LONGEST = 10**9  # seconds; some thirty years
LARGEST = 2**62  # what the kernel can count to, and some room
SPARE = 1  # the supervisor counts as a process of the sandbox, too


def check_program(program: Program) -> None:
    """Refuse a program that no sandbox could run.

    Raises:
        SandboxError: No command, a path that leads out of the working folder, content that is no bytes, or a limit
            that is not positive or too large for the kernel.
    """
    if not program.argv or not program.argv[0]:
        raise SandboxError("the program has no command: argv[0] is what to run, 'python' for the interpreter")
    argv: object = program.argv
    if not isinstance(argv, tuple | list) or not all(isinstance(argument, str) for argument in argv):
        raise SandboxError(
            f"argv is a tuple of texts such as ('python', 'main.py'), not {program.argv!r:.100}"
        )
    if any(_is_broken(argument) for argument in program.argv):
        raise SandboxError("an argument of the program contains half a character (a lone surrogate)")
    if any("\0" in argument for argument in program.argv):
        raise SandboxError("an argument of the program contains a null character; no system can pass that on")
    for name in (*program.files, *program.collect):
        if not _is_inside(name):
            raise SandboxError(
                f"{name!r} does not name a file inside the working folder; give a relative path without '.', '..'"
            )
    for name, content in (*program.files.items(), ("standard input", program.stdin)):
        if not isinstance(content, bytes | bytearray | memoryview):
            raise SandboxError(
                f"the content of {name} is {type(content).__name__}; it must be bytes: encode it"
            )
    _check_limits(program.limits)


def _check_limits(limits: Limits) -> None:
    for limit in ("wall", "cpu"):
        value = getattr(limits, limit)
        if not (_is_number(value, int | float) and 0 < value <= LONGEST):
            raise SandboxError(
                f"the limit {limit!r} is {value!r}; it must be a positive, finite number, {LONGEST} at most"
            )
    for limit in ("memory", "processes", "file_size", "disk", "output"):
        value = getattr(limits, limit)
        if not (_is_number(value, int) and 0 < value <= LARGEST):
            raise SandboxError(
                f"the limit {limit!r} is {value!r}; it must be a positive, finite number, whole and {LARGEST} at most"
            )


def _is_inside(name: object) -> bool:
    if not isinstance(name, str) or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        return False
    return not _is_broken(name)


def _is_broken(text: str) -> bool:
    """Whether it holds what cannot be written as UTF-8."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _is_number(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def rlimits(limits: Limits, *, count_processes: bool) -> dict[str, tuple[int, int]]:
    """The kernel's per-process limits by name, soft and hard.

    Processor time is counted in whole seconds, rounded up. A process is sent a signal at its soft limit; one that
    goes on is killed at the hard limit, so much later that the kernel's rough counting cannot hide the reason.

    Args:
        limits: What the program may use.
        count_processes: Whether the kernel counts only the sandbox's processes. It counts by user; where that is
            the user of the host, the limit would hit the innocent.
    """
    cpu = math.ceil(limits.cpu)
    given = {
        "AS": limits.memory,
        "FSIZE": limits.file_size,
        "CORE": 0,
        "NOFILE": DESCRIPTORS,
        "STACK": STACK,
    }
    if count_processes:
        given["NPROC"] = limits.processes + SPARE
    return {name: (value, value) for name, value in given.items()} | {"CPU": (cpu, cpu + 1 + cpu // 4)}


def encode_job(
    program: Program,
    *,
    argv: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    limits: Mapping[str, tuple[int, int]],
) -> bytes:
    """The job as the supervisor reads it: plain values only, in a form every Python reads."""
    job = {
        "argv": tuple(argv),
        "folder": folder,
        "environment": dict(environment),
        "files": {name: bytes(content) for name, content in program.files.items()},
        "limits": dict(limits),
        "collect": list(program.collect),
        "most": program.limits.disk,
    }
    return marshal.dumps(job, 2)


@dataclass(slots=True, kw_only=True)
class Report:
    """What the supervisor has told so far. Feed it the bytes as they come.

    Attributes:
        collect: The paths that were asked for; the report speaks of them by their number.
        most: Bytes of files that may come back.
    """

    collect: Sequence[str]
    most: int
    ready: bool = False
    pid: int | None = None  # of the program, in its own process namespace
    failed: tuple[str, int] | None = None  # stage and errno
    status: int | None = None  # as of waitpid
    cpu: float = 0.0
    memory: int = 0
    wall: float = 0.0
    done: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    _rest: bytearray = field(default_factory=bytearray)
    _file: tuple[str, int] | None = None  # the file whose bytes come next, and how many

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            SandboxError: This is no report of a supervisor.
        """
        self._rest += data
        while self._take_file() or self._take_line():
            pass

    def _take_file(self) -> bool:
        if self._file is None or len(self._rest) < self._file[1]:
            return False
        name, size = self._file
        self.files[name] = bytes(self._rest[:size])
        del self._rest[:size]
        self._file = None
        return True

    def _take_line(self) -> bool:
        if self._file is not None:
            return False
        end = self._rest.find(b"\n", 0, LINE)
        if end < 0:
            if len(self._rest) >= LINE:
                raise SandboxError(f"the supervisor's report is damaged: {bytes(self._rest[:40])!r}")
            return False
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        try:
            self._understand(line.decode().split(" "))
        except (ValueError, IndexError) as error:
            raise SandboxError(f"the supervisor's report is damaged: {line[:40]!r}") from error
        return True

    def _understand(self, words: list[str]) -> None:
        match words:
            case ["ready"]:
                self.ready = True
            case ["started", pid]:
                self.pid = int(pid)
            case ["failed", stage, number]:
                self.failed = stage, int(number)
            case ["ended", status, cpu, memory, wall]:
                self.cpu, self.memory, self.wall = float(cpu), int(memory), float(wall)
                self.status = int(status)
            case ["file", index, size]:
                self._expect(self.collect[int(index)], int(size))
            case ["refused", index, *reason]:
                self.refused[self.collect[int(index)]] = " ".join(reason)
            case ["done"]:
                self.done = True
            case _:
                raise ValueError(words)

    def _expect(self, name: str, size: int) -> None:
        if not 0 <= size <= self.most:
            raise ValueError(size)
        self.most -= size
        self._file = name, size
