"""Who works on a run: locks that die with their process.

Beside the database ``runs.db`` lies ``runs.db-lock``, an empty file of which only byte ranges are locked: byte 0 by
whoever creates, migrates or checkpoints the database, byte *n* by the owner of the run with key *n*. The locks are
open file description locks: the system drops them when the process dies, however it dies, and unlike classic POSIX
locks they do not vanish when some other handle of the file is closed, and two handles in one process exclude each
other. Nothing is read from or written to the file, so there is nothing in it that could be stale.

A lock alone cannot stop an owner that was paused and wakes up. For that each run has an epoch in the database, raised
at each acquisition and checked inside every transaction; see `backedge.checkpoints.group`.

One open file serves all runs of a journal: ten thousand of them need one file descriptor. Locks of one open file do
not exclude each other, so `Owners` keeps beside them which of its runs are owned, and by what.

The lock file must not be deleted while a process works on the journal. A child made with ``os.fork`` shares its
parent's locks and keeps them alive; processes started with `subprocess` do not.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system; said when a journal on disk is opened
    fcntl = None  # type: ignore[assignment]  # a module that is not there

MAINTENANCE = 0
# struct flock on 64-bit Linux: type, whence, start, length, pid; the pid must be 0 for these locks.
_FLOCK = struct.Struct("hhqqi4x")


class LockFile:
    """Byte locks on one open file.

    Raises:
        OSError: The file cannot be opened or created, or its file system or the system has no such locks.
    """

    def __init__(self, path: Path) -> None:
        if fcntl is None or not hasattr(fcntl, "F_OFD_SETLK"):
            raise OSError("this system has no open file description locks; journals on disk need Linux")
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self.held_elsewhere(MAINTENANCE)
        except OSError:
            self.close()
            raise

    def try_lock(self, byte: int) -> bool:
        """Lock a byte now or not at all; True when it is ours, which it may have been before."""
        try:
            self._control(fcntl.F_OFD_SETLK, fcntl.F_WRLCK, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def lock(self, byte: int, timeout: float) -> bool:
        """Lock a byte, waiting up to `timeout` seconds; True when it is ours."""
        deadline = time.monotonic() + timeout
        while not self.try_lock(byte):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def unlock(self, byte: int) -> None:
        """Unlock a byte, whether it was locked or not."""
        self._control(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, byte)

    def held_elsewhere(self, byte: int) -> bool:
        """Whether another open file, of this process or another, holds the byte right now."""
        answer = self._control(fcntl.F_OFD_GETLK, fcntl.F_WRLCK, byte)
        return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)

    def close(self) -> None:
        """Close the file, which drops its locks. Closing twice does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _control(self, command: int, kind: int, byte: int) -> bytes:
        if self._fd is None:
            raise ValueError("the lock file is closed")
        return fcntl.fcntl(self._fd, command, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))


class Owners:
    """The runs that one open journal owns. An owner is any object; it is told apart by identity.

    Invariant: every locked key has an owner. An owner without lock took over from one that still holds it.
    """

    def __init__(self, locks: LockFile) -> None:
        self._locks = locks
        self._owners: dict[int, object] = {}
        self._locked: set[int] = set()

    def claim(self, key: int, owner: object, *, takeover: bool = False) -> bool:
        """Make `owner` the owner of run `key` if nobody else is, or all the same with `takeover`.

        Claiming again what one owns is fine. Returns whether `owner` owns the run now.
        """
        current = self._owners.get(key)
        if current is None or current is owner:
            if not self._try_lock(key) and not takeover:
                return False
        elif not takeover:
            return False
        self._owners[key] = owner
        return True

    def free(self, key: int, owner: object) -> None:
        """Let go of a run; does nothing where `owner` does not own it (any more)."""
        if self._owners.get(key) is not owner:
            return
        del self._owners[key]
        if key in self._locked:
            self._locked.discard(key)
            self._locks.unlock(key)

    def lock_late(self, key: int, owner: object) -> bool:
        """Try again for a lock that a takeover left with the old owner; True when there is no more to do."""
        return self._owners.get(key) is not owner or self._try_lock(key)

    def is_locked(self, key: int) -> bool:
        """Whether this journal holds the lock of a run it owns."""
        return key in self._locked

    def owned(self, key: int) -> bool:
        """Whether anybody, here or elsewhere, owns the run right now. Asks the system, trusts no stored name."""
        return key in self._owners or self._locks.held_elsewhere(key)

    def close(self) -> None:
        """Let go of everything."""
        self._owners.clear()
        self._locked.clear()
        with contextlib.suppress(OSError):
            self._locks.close()

    def _try_lock(self, key: int) -> bool:
        if key not in self._locked and self._locks.try_lock(key):
            self._locked.add(key)
        return key in self._locked
