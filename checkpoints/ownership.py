"""Who works on a run: locks that die with their process.

Beside the database ``runs.db`` lies ``runs.db-lock``, an empty file of which only byte ranges are locked: byte 0 by
whoever creates, migrates or checkpoints the database, and one byte for each owner of a run. The locks are open file
description locks: the system drops them when the process dies, however it dies; unlike classic POSIX locks they do
not vanish when some other handle of the file is closed, and two handles in one process exclude each other. Nothing is
read from or written to the file, so there is nothing in it that could be stale.

A lock alone cannot stop an owner that was paused and wakes up. For that each run has an epoch in the database, raised
at each acquisition and checked inside every transaction that writes (`backedge.checkpoints.parts`). An owner's byte
is ``epoch << 32 | run key``: who takes a run over gets a byte of his own at once, though the paused owner still holds
that of its epoch, and a run is owned exactly if the byte of its present epoch is locked. Acquisitions look at the
byte and raise the epoch within one write transaction, so they cannot get in each other's way. Epochs come first in
the number because the system joins locks of neighbouring bytes, and most runs are in their first.

One open file serves all runs of a journal: ten thousand of them need one file descriptor. Locks of one open file do
not exclude each other, so `Owners` remembers which bytes are its own.

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

    With `reading` nothing can be locked, only asked for, and where there is no file nobody has locked anything.

    Raises:
        OSError: The file cannot be opened or created, or its file system or the system has no such locks.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        if fcntl is None or not hasattr(fcntl, "F_OFD_SETLK"):
            raise OSError("this system has no open file description locks; journals on disk need Linux")
        self._fd: int | None = None
        self._reading = reading
        self._absent = reading and not path.exists()
        if self._absent:
            return
        how = os.O_RDONLY if reading else os.O_RDWR | os.O_CREAT
        self._fd = os.open(path, how | os.O_CLOEXEC, 0o666)
        try:
            self.held_elsewhere(MAINTENANCE)
        except OSError:
            self.close()
            raise

    def try_lock(self, byte: int) -> bool:
        """Lock a byte now or not at all; True when it is ours, which it may have been before."""
        if self._reading:
            return False
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
        if self._absent:
            return False
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
    """The owners' bytes that one open journal has locked."""

    def __init__(self, locks: LockFile) -> None:
        self._locks = locks
        self._mine: set[int] = set()

    def owned(self, key: int, epoch: int) -> bool:
        """Whether somebody, here or elsewhere, owns run `key` in this epoch: asks the system, trusts no stored name."""
        byte = _byte(key, epoch)
        return byte in self._mine or self._locks.held_elsewhere(byte)

    def claim(self, key: int, epoch: int) -> bool:
        """Own a run from this epoch on; True when that is so, which it may have been before."""
        byte = _byte(key, epoch)
        if byte not in self._mine and self._locks.try_lock(byte):
            self._mine.add(byte)
        return byte in self._mine

    def free(self, key: int, epoch: int) -> None:
        """Let go of a run; does nothing where it is not ours."""
        byte = _byte(key, epoch)
        if byte in self._mine:
            self._mine.discard(byte)
            self._locks.unlock(byte)

    def close(self) -> None:
        """Let go of everything."""
        self._mine.clear()
        with contextlib.suppress(OSError):
            self._locks.close()


def _byte(key: int, epoch: int) -> int:
    return epoch << 32 | key
