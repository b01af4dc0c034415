"""Files below one folder, with no way out of it.

A path is walked component by component from the folder's own descriptor, and no component may be a link
(``openat`` with ``O_NOFOLLOW``). So there is no moment between looking and opening in which a folder could be exchanged
for a link. Files are replaced by renaming a finished one over them: whoever reads meanwhile sees the old one or the new
one, and what a hard link shares with the outside stays as it was.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import ToolDefinitionError, ToolError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a pipe that came instead of the file since it was looked at would hold the thread for ever.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST: Final = 100
_KINDS: Final = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds.

    Attributes:
        path: Relative to the root, with slashes.
        kind: ``file``, ``folder``, ``a link`` and so on.
        size: Bytes of a file.
    """

    path: str
    kind: str
    size: int


class Root:
    """A folder that paths cannot leave.

    Args:
        folder: The folder. It must exist; links on the way to it are followed once, now.
        largest: Bytes that a file may have to be read or written.

    Attributes:
        changing: Held by whoever reads a file to change it, as tools are called at once.

    Raises:
        ToolDefinitionError: There is no such folder.

    Example::

        root = Root("project")
        root.read("src/main.py")
    """

    def __init__(self, folder: str | os.PathLike[str], *, largest: int = 10 * 1024 * 1024) -> None:
        try:
            self.folder = Path(folder).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise ToolDefinitionError(f"{os.fspath(folder)!r} is no folder for tools: {error}") from None
        if not self.folder.is_dir():
            raise ToolDefinitionError(f"{os.fspath(folder)!r} is no folder for tools, but a file")
        self.largest = largest
        self.changing = threading.Lock()

    @contextmanager
    def opened(self, path: str, *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder at `path`, open within the block; with `make` folders on the way are made.

        Raises:
            ToolError: There is none, or the way leads outside.
        """
        with _told(self.folder.name):
            at = os.open(self.folder, _FOLDER)
        try:
            for number, part in enumerate(parts := split(path)):
                below = _step(at, part, "/".join(parts[: number + 1]), make=make)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    def read(self, path: str) -> bytes:
        """The content of a regular file.

        Raises:
            ToolError: There is none, it is no file, it is too large, or the way leads outside.
        """
        folder, name = _parted(path)
        with self.opened(folder) as at, _told(path):
            _expect_file(os.stat(name, dir_fd=at, follow_symlinks=False), path)
            file = os.open(name, _READ, dir_fd=at)
            with os.fdopen(file, "rb") as stream:
                _expect_file(os.fstat(file), path)
                content = stream.read(self.largest + 1)
        if len(content) > self.largest:
            raise ToolError(f"{path} is larger than {self.largest} bytes, which is the most that can be read")
        return content

    def write(self, path: str, content: bytes) -> bool:
        """Put a file there, instead of one that may be there; returns whether there was one.

        Raises:
            ToolError: Something else than a file is there, it is too large, or the way leads outside.
        """
        if len(content) > self.largest:
            raise ToolError(
                f"{len(content)} bytes are too many for {path}: at most {self.largest} can be written"
            )
        folder, name = _parted(path)
        with self.opened(folder, make=True) as at, _told(path):
            mode = 0o666
            there = True
            try:
                found = os.stat(name, dir_fd=at, follow_symlinks=False)
                _expect_file(found, path)
                mode = stat.S_IMODE(found.st_mode)
            except FileNotFoundError:
                there = False
            _replace(at, name, content, mode, keep=there)
        return there

    def entries(self, path: str, *, depth: int, most: int) -> tuple[list[Entry], bool]:
        """What the folder holds, and whether there is more than that. Links are listed and not followed.

        Args:
            path: The folder.
            depth: How many folders deep, from 1.
            most: How many entries at most.

        Raises:
            ToolError: There is no such folder, or the way leads outside.
        """
        found: list[Entry] = []
        prefix = "/".join(split(path))
        with self.opened(path) as at, _told(path):
            whole = _list(at, prefix, depth, most, found)
        return found, not whole


def split(path: str) -> list[str]:
    """The components of a relative path.

    Raises:
        ToolError: It is absolute, goes up, or holds what no path holds.
    """
    if "\0" in path:
        raise ToolError("a path holds no zero bytes")
    if path.startswith(("/", "~")):
        raise ToolError(
            f"{path!r} is absolute; give a path relative to the folder, such as 'notes/today.txt'"
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(
            f"{path!r} goes up with '..', which is not allowed; there is nothing outside of the folder"
        )
    if len(parts) > _DEEPEST:
        raise ToolError(f"a path of {len(parts)} parts is too long; at most {_DEEPEST}")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ToolError(f"{path!r} holds half a character") from None
    return parts


def kind_of(mode: int) -> str:
    """What a thing in a folder is, by its mode; ``file`` for regular ones."""
    return next((kind for test, kind in _KINDS if test(mode)), "file")


def _parted(path: str) -> tuple[str, str]:
    parts = split(path)
    if not parts:
        raise ToolError(f"{path!r} is the folder itself; name a file in it")
    if path.endswith("/"):
        raise ToolError(f"{path!r} names a folder; name a file")
    return "/".join(parts[:-1]), parts[-1]


def _step(at: int, part: str, told: str, *, make: bool) -> int:
    with _told(told):
        try:
            return os.open(part, _FOLDER, dir_fd=at)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=at)
        return os.open(part, _FOLDER, dir_fd=at)


def _expect_file(found: os.stat_result, path: str) -> None:
    kind = kind_of(found.st_mode)
    if kind == "a link":
        raise ToolError(f"{path} is a link, and links are not followed")
    if kind != "file":
        raise ToolError(f"{path} is {kind}, not a file")


def _replace(at: int, name: str, content: bytes, mode: int, *, keep: bool) -> None:
    other = f".{secrets.token_hex(8)}.part"
    file = os.open(other, _MAKE, 0o666, dir_fd=at)
    try:
        with os.fdopen(file, "wb") as stream:
            if keep:
                os.fchmod(file, mode & 0o777)
            stream.write(content)
        os.rename(other, name, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        with suppress(OSError):
            os.unlink(other, dir_fd=at)
        raise


def _list(at: int, prefix: str, depth: int, most: int, found: list[Entry]) -> bool:
    """Add what a folder holds; returns whether that was all."""
    with os.scandir(at) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if len(found) >= most:
            return False
        try:
            about = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:  # it went since the folder was read
            continue
        path = f"{prefix}/{name}" if prefix else name
        kind = kind_of(about.st_mode).removeprefix("a " if stat.S_ISDIR(about.st_mode) else "")
        found.append(Entry(path, kind, about.st_size if kind == "file" else 0))
        if kind == "folder" and depth > 1:
            try:
                below = os.open(name, _FOLDER, dir_fd=at)
            except OSError:  # not ours to read, or exchanged since
                continue
            try:
                if not _list(below, path, depth - 1, most, found):
                    return False
            finally:
                os.close(below)
    return True


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Translate what the system says about a path."""
    try:
        yield
    except OSError as error:
        raise ToolError(_problem(path or ".", error)) from None


def _problem(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return f"there is no {path}"
        case errno.ELOOP:
            return f"{path} is a link, and links are not followed"
        case errno.ENOTDIR:
            return f"{path} is no folder (and links are not followed)"
        case errno.ENAMETOOLONG:
            return f"{path[:60]!r}… is too long a name"
        case errno.EACCES | errno.EPERM:
            return f"{path} may not be touched: {os.strerror(error.errno)}"
        case _:
            return f"{path}: {os.strerror(error.errno) if error.errno else error}"
