"""Open files between the host and a supervisor: what it is given to read, and the pipes on which it answers."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable

CHUNK = 1 << 16


def data_file(content: bytes) -> int:
    """An open file without a name that holds `content` and that nobody can change. The caller closes it."""
    fd = os.memfd_create("backedge", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        # The program holds one of these as its standard input: unsealed, it could grow outside of every limit.
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(fd)
        raise
    return fd


class Reader:
    """The reading end of a new pipe, read by the event loop as it fills.

    Attributes:
        write_end: The other end, for the child; whoever starts the child closes it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._take = take
        self._fd, self.write_end = os.pipe()  # -1 once closed
        os.set_blocking(self._fd, False)
        loop.add_reader(self._fd, self.read)

    def read(self) -> bool:
        """Take a chunk of what is there. False when there is nothing more, for now or ever."""
        if self._fd < 0:
            return False
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._take(data)
        return True

    def close(self) -> None:
        """Stop reading."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
