"""One started supervisor with everything below it, as the host sees it: pipes, deadlines, the kill.

All waiting is done by the event loop. No thread is involved, because the kernel kills a sandbox together with
the thread that started it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from .errors import SandboxError
from .pipes import Reader, data_file
from .protocol import Ended
from .wire import Report

LOG = 4096  # bytes kept of what the sandbox itself complains about
PATIENCE = 60.0  # seconds for what a sandbox does before and after the program: only a sick host needs more
GRACE = (
    1.0  # seconds the supervisor has to kill the program and tell what it used, before it is killed itself
)
LAST_RESORT = 5.0  # seconds after which a kill that had no effect is aimed at the process we started

BOOT = "import marshal,posix,sys;exec(marshal.loads(posix.read(int(sys.argv.pop(1)),1<<20)))"
"""What the supervisor's interpreter is started with: it reads the compiled supervisor from an open file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """The open files of a supervisor, by number."""

    code: int
    go: int
    job: int
    stdin: int
    stdout: int
    stderr: int
    report: int
    info: int

    def supervisor(self, python: str) -> list[str]:
        """The command that starts a supervisor which knows them."""
        told = (self.code, self.go, self.job, self.stdin, self.stdout, self.stderr, self.report)
        return [python, "-I", "-S", "-c", BOOT, *map(str, told)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How a supervisor is started.

    Attributes:
        argv: The command.
        user: The numeric user and group to become before; None to stay who we are.
        descriptors: Further open files it gets.
    """

    argv: Sequence[str]
    user: int | None = None
    descriptors: Sequence[int] = ()


Hold = Callable[[int], int]
"""Takes an open file and gives it back; it is closed on this side once the child has it, or there is none."""


class Aim(Protocol):
    """How to reach a supervisor and what it started. Each backend has its own."""

    together: bool
    """Whether everything below the supervisor dies with it."""

    def supervisor(self, tree: Tree) -> int | None:
        """The supervisor's pidfd, once it is known; the program is held back until then."""

    def close(self, tree: Tree) -> None:
        """The process that was started is dead: see to it that all is, and let go of what is held."""


class Tree:
    """A supervisor and everything below it: started, waited for, and always closed.

    Args:
        report: Takes what the supervisor tells.
        aim: How to kill.
        wall: Seconds the program may take.
        output: Bytes of both outputs together that are kept; more ends the program.
    """

    def __init__(self, report: Report, aim: Aim, *, wall: float, output: int) -> None:
        self.report = report
        self.pid = -1  # of the process we started; -1 while there is none
        self.pidfd = -1  # of the same
        self.status = 0  # its wait status, once `_exited` is done
        self.cpu = 0.0  # processor seconds of it and all it waited for, likewise
        self.memory = 0  # peak bytes of the largest of them, likewise
        self.wall = 0.0  # seconds from the program's start to the end of everything, likewise
        self.cut: Ended | None = None  # the first limit that was passed
        self.problem: str | None = None  # why the sandbox itself failed
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.log = bytearray()  # complaints of the sandbox itself
        self.info = bytearray()  # what the sandbox tells about itself
        self._aim = aim
        self._wall = wall
        self._room = output  # below 0 once too much was written
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._begun = 0.0  # when the program started, by the loop's clock
        self._orders = -1  # the pipe on which the supervisor takes orders
        self._held = True  # whether the program is held back still
        self._killing: int | None = None  # the signal that was sent, or is to be sent once that is possible
        self._readers: list[Reader] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._insist: asyncio.TimerHandle | None = None
        self._last_resort: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ start

    def start(
        self,
        command: Callable[[Descriptors, Hold], Command],
        *,
        code: bytes,
        job: bytes,
        stdin: bytes,
        environment: Mapping[str, str],
    ) -> None:
        """Start the supervisor.

        Args:
            command: Makes the command from the numbers of the open files; what it opens itself it gives to `Hold`,
                which closes it here after the start.
            code: The compiled supervisor.
            job: What it is to do.
            stdin: What the program reads.
            environment: All of the environment of the process that is started.

        Raises:
            OSError: It cannot be started.
        """
        with ExitStack() as stack:  # of what belongs to the child alone

            def held(fd: int) -> int:
                stack.callback(os.close, fd)
                return fd

            def reader(take: Callable[[bytes], None]) -> int:
                self._readers.append(Reader(self._loop, take))
                return held(self._readers[-1].write_end)

            go, self._orders = os.pipe()
            numbers = Descriptors(
                go=held(go),
                code=held(data_file(code)),
                job=held(data_file(job)),
                stdin=held(data_file(stdin)),
                stdout=reader(lambda data: self._take_output(self.stdout, data)),
                stderr=reader(lambda data: self._take_output(self.stderr, data)),
                report=reader(self._take_report),
                info=reader(self._take_info),
            )
            log = reader(self._take_log)
            made = command(numbers, held)
            passed = [getattr(numbers, name) for name in numbers.__slots__]
            self._spawn(made, [*passed, *made.descriptors], log, environment)
        # Now, when the child's ends are closed, there are descriptors to be had.
        self.pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self.pidfd, self._reap)
        self._set_deadline(PATIENCE, "did not get ready")
        self._go_on()

    def _spawn(
        self, command: Command, descriptors: Sequence[int], log: int, environment: Mapping[str, str]
    ) -> None:
        user = command.user
        process = subprocess.Popen(  # noqa: S603 - the command is ours; the program's stands in the job
            command.argv,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C in a terminal is for us to handle, not for the sandbox to die of
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        process.returncode = 0  # it is reaped below, where its usage can be had; nobody else must wait for it
        self.pid = process.pid

    # ------------------------------------------------------------------ news

    def _take_output(self, kept: bytearray, data: bytes) -> None:
        kept += data[: max(self._room, 0)]
        self._room -= len(data)
        if self._room < 0:
            self._cut(Ended.OUTPUT_LIMIT)

    def _take_report(self, data: bytes) -> None:
        before = self.report.ready, self.report.status
        try:
            self.report.feed(data)
        except SandboxError as error:
            self._fail(str(error))
        ready, status = self.report.ready, self.report.status
        if ready and not before[0]:
            self._begun = self._loop.time()
            self._set_deadline(self._wall, None)
        if status is not None and before[1] is None:
            self._set_deadline(PATIENCE, "did not hand out the files of the program")
        self._go_on()

    def _take_info(self, data: bytes) -> None:
        self.info += data
        self._go_on()

    def _take_log(self, data: bytes) -> None:
        self.log += data[: LOG - len(self.log)]

    def _go_on(self) -> None:
        """Let the program start as soon as it can be killed."""
        if not self._held:
            return
        if self._killing is not None:
            self._send(self._killing)
        else:
            try:
                if self._aim.supervisor(self) is not None:
                    self._held = False
                    self._order(b"g")
            except OSError as error:
                self._fail(f"the sandbox cannot be watched: {error}")

    def _order(self, order: bytes) -> None:
        with suppress(BrokenPipeError):  # it is dead, which `_reap` will hear of
            os.write(self._orders, order)

    def _send(self, number: int) -> None:
        """Send the signal to the supervisor, if it can be reached by now."""
        try:
            supervisor = self._aim.supervisor(self)
        except OSError:
            supervisor, number = self.pidfd, signal.SIGKILL
        if supervisor is None:
            return
        if number == signal.SIGTERM or not self._aim.together:
            self._order(b"k")
            number = signal.SIGTERM
        with suppress(ProcessLookupError):  # dead already
            signal.pidfd_send_signal(supervisor, number)

    # ------------------------------------------------------------------ the end

    def _set_deadline(self, seconds: float, failure: str | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

        def passed() -> None:
            if failure is None:
                self._cut(Ended.WALL_LIMIT)
            else:
                self._fail(f"the sandbox {failure} within {seconds:g} s")

        self._deadline = self._loop.call_later(seconds, passed)

    def _cut(self, limit: Ended) -> None:
        self.cut = self.cut or limit
        self.kill(signal.SIGTERM)

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem
        self.kill()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill everything. `wait` tells when it is dead.

        Args:
            number: SIGKILL for at once; SIGTERM to let the supervisor do it, which can then tell what was used.
        """
        if self._exited.done() or self._killing in (number, signal.SIGKILL):
            return
        if self._killing is None:
            self._last_resort = self._loop.call_later(
                LAST_RESORT, signal.pidfd_send_signal, self.pidfd, signal.SIGKILL
            )
        self._killing = number
        if number == signal.SIGTERM:
            self._insist = self._loop.call_later(GRACE, self.kill)
        self._send(number)

    def _reap(self) -> None:
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return
        self._loop.remove_reader(self.pidfd)
        self._stop_timers()
        self.status = status
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss * 1024
        self.wall = self._loop.time() - self._begun if self._begun else 0.0
        self._exited.set_result(None)  # before what follows, so that a limit passed now kills nobody
        for reader in self._readers:
            while self._room >= 0 and reader.read():
                pass

    async def wait(self) -> None:
        """Wait until all is over. Cancelling this changes nothing about the tree."""
        await asyncio.wait([self._exited])

    async def close(self) -> None:
        """Kill what is still alive, wait for its death whatever happens, and let go of everything."""
        interrupted = False
        if self.pid >= 0:
            self.kill()
            while not self._exited.done():
                try:
                    await self.wait()
                except asyncio.CancelledError:
                    interrupted = True
        self._stop_timers()
        for reader in self._readers:
            reader.close()
        for fd in (self.pidfd, self._orders):
            if fd >= 0:
                os.close(fd)
        self._aim.close(self)
        if interrupted:
            raise asyncio.CancelledError

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._insist, self._last_resort):
            if timer is not None:
                timer.cancel()
