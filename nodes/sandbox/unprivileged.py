"""How root starts a sandbox: as somebody else.

The kernel does not count root's processes, so no fork bomb of root's is ever stopped. A sandbox started by root
therefore runs as a user that owns nothing, who counts. That user must be able to reach the interpreter; where it
lies in a folder that is closed to others (``/root``), a mount namespace is made, once, in which an empty folder
with nothing but the interpreter covers the closed one. The host's own mounts are left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import SandboxUnavailableError
from .tree import Command, Hold

USER = 65525  # from the range Debian reserves and nobody gives away
OTHERS_MAY_PASS = stat.S_IXOTH
HOLD = "echo ready; read stop"  # keeps the namespace alive until we hold it ourselves


def must_change_user() -> bool:
    """Whether we are a root whose processes the kernel does not count, and can be somebody else."""
    return os.geteuid() == 0 and _is_mapped(Path("/proc/self/uid_map").read_text(), USER)


def _is_mapped(uid_map: str, user: int) -> bool:
    extents = (tuple(map(int, line.split())) for line in uid_map.splitlines())
    return any(first <= user < first + count for first, _, count in extents)


def closed_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """The topmost folders on the way to `paths` through which other users may not pass."""
    closed = set()
    for path in paths:
        for folder in list(Path(path).parents)[::-1]:
            if not folder.stat().st_mode & OTHERS_MAY_PASS:
                closed.add(str(folder))
                break
    return tuple(sorted(closed))


def cover_arguments(closed: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Arguments of bubblewrap for the host as it is, but with each closed folder holding only `paths`."""
    words = ["--dev-bind", "/", "/"]
    made: set[str] = set()
    for top in closed:
        words += ["--perms", "0755", "--tmpfs", top]
        for path in (path for path in paths if path.startswith(top + "/")):
            for folder in list(Path(path).parents)[::-1]:
                if str(folder).startswith(top + "/") and str(folder) not in made:
                    made.add(str(folder))
                    words += ["--perms", "0755", "--dir", str(folder)]
            words += ["--ro-bind", path, path]
    return words


class Cover:
    """A mount namespace in which an unprivileged user reaches `paths`. Made when first needed.

    Args:
        bwrap: The bubblewrap executable.
        paths: What has to be reached.
    """

    def __init__(self, bwrap: str, paths: Sequence[str]) -> None:
        self._namespace = -1  # an open file that keeps it alive; -1 where none is needed
        self._nsenter = ""  # its path, likewise
        closed = closed_folders(paths)
        if closed:
            self._nsenter = _find_nsenter()
            self._namespace = _make_namespace(bwrap, cover_arguments(closed, paths))

    def command(self, argv: Sequence[str], hold: Hold) -> Command:
        """`argv` as that user, in that namespace."""
        if self._namespace < 0:
            return Command(argv=argv, user=USER)
        held = hold(os.dup(self._namespace))
        enter = [f"--mount=/proc/self/fd/{held}", f"--setuid={USER}", f"--setgid={USER}", "--"]
        return Command(argv=[self._nsenter, *enter, *argv], descriptors=(held,))

    def close(self) -> None:
        """Let go of the namespace."""
        if self._namespace >= 0:
            os.close(self._namespace)
            self._namespace = -1


def _find_nsenter() -> str:
    nsenter = shutil.which("nsenter")
    if nsenter is None:
        raise SandboxUnavailableError(
            "bubblewrap",
            "as root it needs nsenter, which is not installed",
            "install it (Debian: apt install util-linux)",
        )
    return nsenter


def _make_namespace(bwrap: str, arguments: Sequence[str]) -> int:
    reading, writing = os.pipe()
    try:
        with subprocess.Popen(  # noqa: S603 - our own command
            [bwrap, "--info-fd", str(writing), *arguments, "--", "/bin/sh", "-c", HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writing,),
            env={},
        ) as holder:
            assert holder.stdin
            assert holder.stdout
            assert holder.stderr
            if holder.stdout.readline() != b"ready\n":
                said = holder.stderr.read().decode(errors="replace").strip()
                raise SandboxUnavailableError(
                    "bubblewrap",
                    f"root may not make a mount namespace ({said})",
                    "run as an ordinary user, or with an interpreter that other users can reach",
                )
            pid = json.loads(os.read(reading, 4096))["child-pid"]
            namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            holder.stdin.close()
            return namespace
    finally:
        os.close(reading)
        os.close(writing)
