"""The default sandbox: each program in namespaces of its own, made by bubblewrap.

What it sees: the interpreter (read-only), one sized tmpfs at ``/tmp`` that is gone afterwards, four harmless
devices. No network, no ``/proc``, no other file, user, process or variable of the host. `docs/sandbox.md` tells
what each part is for.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .errors import SandboxError, SandboxUnavailableError
from .interpreter import Shown, examine, survey
from .pipes import data_file
from .protocol import Outcome, Program
from .run import command_line, run_program
from .syscalls import compile_filter
from .tree import Command, Descriptors, Hold, Tree
from .unprivileged import Cover, must_change_user
from .wire import check_program, rlimits

NOBODY = 65534  # the user inside
PAGE = 4096
FOLDER = "/tmp/work"  # noqa: S108 - inside the sandbox, on a tmpfs of its own
DEVICES = ("null", "random", "urandom", "zero")
OLDEST = (0, 8)  # of bubblewrap: the first with --disable-userns
REFUSED = re.compile(r"bwrap: .*(namespace|uid map|gid map|Operation not permitted)", re.IGNORECASE)
MOST_LIKELY_TO_BE_KILLED = b"1000"


class _ProcessOne:
    """The supervisor as process 1: with it the kernel kills everything in its process namespace."""

    together = True

    def __init__(self) -> None:
        self._pidfd = -1  # -1 until bubblewrap told its number

    def supervisor(self, tree: Tree) -> int | None:
        if self._pidfd < 0:
            try:
                pid = json.loads(tree.info)["child-pid"]
                self._pidfd = os.pidfd_open(pid)
            except (ValueError, ProcessLookupError):
                return None
            _offer_to_oom_killer(pid)
        return self._pidfd

    def close(self, tree: Tree) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)


def _offer_to_oom_killer(pid: int) -> None:
    """Where the host's memory runs out, let the kernel take a sandbox before anything else."""
    with suppress(OSError):  # a courtesy; the limits hold without it
        Path(f"/proc/{pid}/oom_score_adj").write_bytes(MOST_LIKELY_TO_BE_KILLED)


def arguments(shown: Shown, *, size: int, seccomp: int, info: int, supervisor: Sequence[str]) -> list[str]:
    """The arguments of bubblewrap.

    Args:
        shown: What to show of the host.
        size: Bytes that fit into ``/tmp``.
        seccomp: The open file with the filter of system calls.
        info: The open file to which bubblewrap tells the number of process 1.
        supervisor: The command to run as process 1.
    """
    # --unshare-all alone leaves root its capabilities; --disable-userns needs --unshare-user.
    isolation = (
        "--unshare-all --unshare-user --disable-userns --cap-drop ALL --die-with-parent --new-session "
        f"--as-pid-1 --uid {NOBODY} --gid {NOBODY} --hostname sandbox"
    ).split()
    paths = [word for path in shown.paths for word in ("--ro-bind", path, path)]
    links = [word for at, to in shown.links for word in ("--symlink", to, at)]
    devices = [word for name in DEVICES for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")]
    room = ["--size", str(size), "--perms", "0700", "--tmpfs", "/tmp", "--dir", FOLDER]  # noqa: S108
    # The root is a tmpfs, too, and one without a size: nobody may write to it once it is laid out.
    last = ["--symlink", "/tmp", "/dev/shm", "--remount-ro", "/", "--chdir", FOLDER]  # noqa: S108
    told = ["--seccomp", str(seccomp), "--info-fd", str(info)]
    # The room comes first: an interpreter that lies below the host's /tmp would be covered by it.
    return [*isolation, *room, *paths, *links, *devices, *last, *told, "--", *supervisor]


def room_for(program: Program) -> int:
    """Bytes of the tmpfs: what the program may write beside what is laid out for it, in whole pages."""
    pages = sum(-(-len(content) // PAGE) for content in program.files.values())
    return pages * PAGE + -(-program.limits.disk // PAGE) * PAGE


class _Ready:
    """What is found out once, before the first run: the interpreter, the filter, the way to start."""

    def __init__(self, bwrap: str, python: str) -> None:
        self.bwrap = bwrap
        self.interpreter = examine(python)
        self.shown = survey(self.interpreter.needs)
        self.filter = compile_filter()
        self.cover = Cover(bwrap, self.shown.paths) if must_change_user() else None

    def command(self, program: Program, numbers: Descriptors, hold: Hold) -> Command:
        seccomp = hold(data_file(self.filter))
        words = arguments(
            self.shown,
            size=room_for(program),
            seccomp=seccomp,
            info=numbers.info,
            supervisor=numbers.supervisor(self.interpreter.base),
        )
        argv = [self.bwrap, *words]
        made = Command(argv=argv) if self.cover is None else self.cover.command(argv, hold)
        return replace(made, descriptors=(seccomp, *made.descriptors))


class BubblewrapSandbox:
    r"""Runs each program in namespaces of its own, made by bubblewrap.

    Args:
        python: The interpreter that programs run with, with its packages; ours by default.

    Raises:
        SandboxUnavailableError: bubblewrap is missing or too old. (That the kernel refuses what bubblewrap
            needs shows in the first run.)

    Example:
        >>> import asyncio
        >>> from backedge.nodes.sandbox import BubblewrapSandbox, Program
        >>> async def main() -> bytes:
        ...     sandbox = BubblewrapSandbox()
        ...     outcome = await sandbox.run(Program(argv=("python", "-c", "print(6 * 7)")))
        ...     await sandbox.close()
        ...     return outcome.stdout
        >>> asyncio.run(main())
        b'42\n'
    """

    def __init__(self, *, python: str | None = None) -> None:
        self._bwrap = find_bubblewrap()
        self._python = str(Path(python or sys.executable).absolute())
        self._ready: _Ready | None = None  # None until the first run
        self._lock = threading.Lock()  # held while that is found out; runs may come from several event loops
        self._closed = False

    async def run(self, program: Program) -> Outcome:
        """Run `program` to its end and tell how it went.

        A program that the wall-clock limit or the output limit ended leaves no files.

        Raises:
            SandboxError: The sandbox itself could not do its work; nothing is said about the program.
        """
        check_program(program)
        ready = self._ready if self._ready is not None else await asyncio.to_thread(self._prepare)
        if self._closed:
            await self.close()  # it may have been closed while it got ready
            raise SandboxError("this sandbox is closed; open another one")
        try:
            return await run_program(
                program,
                aim=_ProcessOne(),
                command=lambda numbers, hold: ready.command(program, numbers, hold),
                code=ready.interpreter.supervisor,
                argv=command_line(program, ready.interpreter.executable),
                folder=FOLDER,
                rlimits=rlimits(program.limits, count_processes=True),
            )
        except SandboxError as error:
            raise _explained(error) from error.__cause__

    def _prepare(self) -> _Ready:
        with self._lock:
            if self._ready is None:
                self._ready = _Ready(self._bwrap, self._python)
            return self._ready

    async def close(self) -> None:
        """Let go of everything. Runs under way end by themselves; new ones are refused."""
        self._closed = True
        if self._ready is not None and self._ready.cover is not None:
            self._ready.cover.close()


def find_bubblewrap() -> str:
    """The path of a bubblewrap that can do what is needed.

    Raises:
        SandboxUnavailableError: There is none, or it is too old.
    """
    install = "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
    if sys.platform != "linux":
        raise SandboxUnavailableError(
            "bubblewrap", f"it needs Linux, and this is {sys.platform}", "use Linux"
        )
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailableError("bubblewrap", "bubblewrap (bwrap) is not installed", install)
    told = subprocess.run([bwrap, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"(\d+)\.(\d+)", told)
    if found is None or tuple(map(int, found.groups())) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise SandboxUnavailableError(
            "bubblewrap",
            f"{bwrap} is {told.strip() or 'not bubblewrap'}",
            f"{wanted} or newer is needed: {install}",
        )
    return bwrap


def _explained(error: SandboxError) -> SandboxError:
    """The same error, or a clearer one where the kernel refused the namespaces."""
    said = str(error)
    if not REFUSED.search(said):
        return error
    return SandboxUnavailableError(
        "bubblewrap",
        f"the kernel refuses to make unprivileged user namespaces ({said})",
        "allow them (sysctl kernel.unprivileged_userns_clone=1 on Debian, "
        "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, user.max_user_namespaces above 0; "
        "a container needs --security-opt seccomp=unconfined or --privileged)",
    )
