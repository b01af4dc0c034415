"""What may be on a disk after the power went: built from the traced calls of a process that really wrote.

Until a file is synced any of its writes may be there or not, in part too, sector by sector. What was made, renamed or
removed in a folder is there from its beginning up to any point, as in a file system with a journal of such changes;
all of it once the folder is synced.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename"
OPTIONS = ("-xx", "-s", "10000000", "-e", f"trace={CALLS}", "-e", "signal=none")
SECTOR = 512

_LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>)?(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Call:
    """A call that succeeded."""

    name: str
    told: str  # its arguments and result, as traced
    texts: tuple[bytes, ...]  # those of its arguments that are bytes

    @property
    def numbers(self) -> list[int]:
        return [int(number) for number in re.findall(r"(?<![\w\\])\d+", _TEXT.sub("", self.told))]


def calls(trace: str) -> Iterator[Call]:
    """The calls of all threads, in the order of their ends."""
    begun = {}
    for line in trace.splitlines():
        matched = _LINE.fullmatch(line)
        if matched is None:
            continue
        thread, name, told = matched.groups()
        if told.endswith("<unfinished ...>"):
            begun[thread] = told
            continue
        if "resumed>" in line:
            told = begun.pop(thread) + told
        if not re.search(r"= \d+$", told):
            continue
        yield Call(name, told, tuple(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(told)))


@dataclass
class File:
    """A file: what is safe, and what was written since, in order: ``(offset, bytes)``, or ``(length, None)``."""

    safe: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.safe, self.since = written(self.safe, self.since), []


def written(content: bytes, changes) -> bytes:
    for offset, data in changes:
        if data is None:
            content = content[:offset].ljust(offset, b"\0")
        else:
            content = content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]
    return content


class Disk:
    """The files of one folder, as a process changes them."""

    def __init__(self, folder: Path, safe: dict[str, File]) -> None:
        self.folder = folder
        self.safe = safe
        self.changes: list[tuple[str, str, object]] = []  # of names, since the folder was synced
        self._open: dict[int, File | str | None] = {}

    @property
    def names(self) -> dict[str, File]:
        return renamed(self.safe, self.changes)

    def apply(self, call: Call) -> bool:
        """Follow one call; whether it changed anything of what may be on the disk."""
        return bool(getattr(self, f"_{call.name}")(call))

    def file(self, call: Call) -> File | None:
        found = self._open.get(call.numbers[0])
        return found if isinstance(found, File) else None

    def _openat(self, call):
        path, number = Path(call.texts[0].decode()), call.numbers[-1]
        self._open[number] = None
        if path == self.folder:
            self._open[number] = "folder"
        elif path.parent == self.folder:
            new = path.name not in self.names
            if new:
                self.changes.append(("make", path.name, File()))
            self._open[number] = self.names[path.name]
            return new
        return False

    def _pwrite64(self, call):
        file = self.file(call)
        if file is not None:
            file.since.append((call.numbers[2], call.texts[0][: call.numbers[-1]]))
        return file is not None

    def _write(self, call):
        file = self.file(call)
        if file is not None:
            end = len(written(file.safe, file.since))
            file.since.append((end, call.texts[0]))
        return file is not None

    def _ftruncate(self, call):
        file = self.file(call)
        if file is not None:
            file.since.append((call.numbers[1], None))
        return file is not None

    def _fdatasync(self, call):
        found = self._open.get(call.numbers[0])
        if isinstance(found, File):
            found.sync()
        elif found == "folder":
            self.safe, self.changes = self.names, []
        return found is not None

    _fsync = _fdatasync

    def _unlink(self, call):
        path = Path(call.texts[0].decode())
        if path.parent == self.folder:
            self.changes.append(("remove", path.name, None))
        return path.parent == self.folder

    def _rename(self, call):
        old, new = (Path(text.decode()) for text in call.texts)
        if old.parent == self.folder:
            self.changes.append(("rename", old.name, new.name))
        return old.parent == self.folder

    def image(self, chance, keep: float) -> dict[str, bytes]:
        """What may be there if the power goes now; `keep` is how likely a write that was not synced is."""
        names = renamed(self.safe, self.changes[: _some(chance, len(self.changes), keep)])
        return {name: written(file.safe, _survive(chance, file.since, keep)) for name, file in names.items()}


def renamed(names, changes):
    names = dict(names)
    for what, name, other in changes:
        if what == "make":
            names[name] = other
        elif what == "remove":
            names.pop(name, None)
        elif name in names:
            names[other] = names.pop(name)
    return names


def _some(chance, count, keep):
    if keep in (0, 1):
        return int(count * keep)
    return chance.randint(0, count)


def _survive(chance, changes, keep):
    for offset, data in changes:
        if chance.random() >= keep:
            continue
        if data is None or keep == 1 or chance.random() < 0.5:
            yield offset, data
            continue
        for start in range(0, len(data), SECTOR):  # torn: some of its sectors
            if chance.random() < 0.5:
                yield offset + start, data[start : start + SECTOR]
