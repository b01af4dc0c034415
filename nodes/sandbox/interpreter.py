"""What a Python interpreter needs from the host to run where nothing else of the host is.

The interpreter itself is asked, once: where its library lies, its packages, and which folders its shared
libraries were loaded from. Only these are shown to a sandboxed program, at the paths they have on the host and
read-only, together with the symbolic links through which they are reached (a virtual environment's ``python``,
``/lib64`` on merged systems).
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .errors import SandboxError

LOADERS = (
    "/lib",
    "/lib64",
    "/lib32",
    "/libx32",
)  # where dynamic loaders and, through links, libraries are found
LOADER_CACHE = "/etc/ld.so.cache"
TOO_MUCH = frozenset(
    f"/{name}" for name in ("", "etc", "home", "mnt", "opt", "root", "srv", "tmp", "usr", "var")
)
PROBE_SECONDS = 60
MOST_LINKS = 40  # as many as the kernel follows

# Asked with the interpreter's packages in place (a virtual environment has its own), the supervisor without.
PROBE = r"""
import base64, importlib, json, marshal, site, sys, sysconfig
for name in ("bz2", "ctypes", "curses", "dbm.gnu", "decimal", "hashlib", "lzma", "readline", "resource",
             "sqlite3", "ssl", "uuid", "zlib", "zoneinfo"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
with open("/proc/self/maps") as maps:
    loaded = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line and ".so" in line}
paths = sysconfig.get_paths()
known = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")] + site.getsitepackages()
code = compile(sys.stdin.read(), "<supervisor>", "exec")
print(json.dumps({
    "base": getattr(sys, "_base_executable", sys.executable),
    "environment": sys.prefix if sys.prefix != sys.base_prefix else None,
    "known": known, "loaded": sorted(loaded), "version": sys.version_info[:3],
    "supervisor": base64.b64encode(marshal.dumps(code)).decode(),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python interpreter and the parts of the host it needs.

    Attributes:
        executable: How the program is started; in a virtual environment that environment's python.
        base: The real binary behind it.
        version: Its version, such as (3, 11, 7).
        needs: Files and folders of the host that it needs, as it names them.
        supervisor: `supervisor.py`, compiled by this interpreter and marshalled.
    """

    executable: str
    base: str
    version: tuple[int, ...]
    needs: tuple[str, ...]
    supervisor: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of the host a program is to see.

    Attributes:
        paths: Files and folders, resolved, none inside another.
        links: Symbolic links on the way to them: (where, what it says).
    """

    paths: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def examine(python: str) -> Interpreter:
    """Ask the interpreter `python` what it needs. Takes a tenth of a second; the answer is good for as long as its file.

    Raises:
        SandboxError: It is no Python interpreter, it is older than 3.11, or it needs a folder too broad to show.
    """
    try:
        found = Path(python).stat()
    except OSError as error:
        raise SandboxError(f"{python!r} does not answer as a Python interpreter does: {error}") from error
    return _asked(python, (found.st_dev, found.st_ino, found.st_mtime_ns))


@cache
def _asked(python: str, _file: tuple[int, ...]) -> Interpreter:
    """What it said; asked once in this process for each file that `python` leads to."""
    source = Path(__file__).with_name("supervisor.py").read_bytes()
    try:
        asked = subprocess.run(  # noqa: S603 - the caller names the interpreter; nothing is taken from a program
            [python, "-I", "-c", PROBE],
            input=source,
            env={},
            capture_output=True,
            check=True,
            timeout=PROBE_SECONDS,
        )
        told = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", b"") or str(error).encode()
        raise SandboxError(
            f"{python!r} does not answer as a Python interpreter does: {why.decode(errors='replace').strip()}"
        ) from error
    if tuple(told["version"]) < (3, 11):
        found = ".".join(map(str, told["version"]))
        raise SandboxError(f"{python!r} is Python {found}; the sandbox needs an interpreter of 3.11 or newer")
    folders = {str(Path(path).parent) for path in told["loaded"]}
    environment = [told["environment"]] if told["environment"] else []
    return Interpreter(
        executable=python,
        base=str(Path(told["base"]).resolve()),
        version=tuple(told["version"]),
        needs=(python, told["base"], *told["known"], *sorted(folders), *environment),
        supervisor=b64decode(told["supervisor"]),
    )


def survey(needs: Iterable[str]) -> Shown:
    """Resolve what an interpreter needs into what must be shown. What does not exist is left out.

    Raises:
        SandboxError: One of them is a folder too broad to show.
    """
    links: dict[str, str] = {}
    real: set[str] = set()
    for path in (*needs, *_loaders(), LOADER_CACHE):
        final, found = follow(path)
        if Path(final).exists():
            real.add(final)
            links.update(found)
    # Libraries are looked up below these, which on merged systems are links.
    links.update({name: str(Path(name).readlink()) for name in LOADERS if Path(name).is_symlink()})
    if broad := sorted(real & {*TOO_MUCH, str(Path.home())}):
        raise SandboxError(
            f"the interpreter lies directly in {broad[0]!r}, which would show all of it to the program; "
            f"use an interpreter with a folder of its own, such as a virtual environment"
        )
    paths = tuple(sorted(path for path in real if not _inside(path, real)))
    return Shown(
        paths=paths, links=tuple(sorted((at, to) for at, to in links.items() if not _inside(at, paths)))
    )


def follow(path: str) -> tuple[str, dict[str, str]]:
    """Where an absolute `path` leads, and every symbolic link on the way: where it lies and what it says."""
    links: dict[str, str] = {}
    todo = list(Path(path).parts[:0:-1])
    at = Path("/")
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            at = at.parent
        elif not (at / part).is_symlink():
            at /= part
        else:
            hops += 1
            if hops > MOST_LINKS:
                return path, links  # a circle: it leads nowhere
            target = (at / part).readlink()
            links[str(at / part)] = str(target)
            todo.extend(reversed(target.parts[target.is_absolute() :]))
            if target.is_absolute():
                at = Path("/")
    return str(at), links


def _loaders() -> list[str]:
    """The dynamic loaders: an executable names its own by an absolute path."""
    return [str(path) for folder in LOADERS for path in sorted(Path(folder).glob("ld-*"))]


def _inside(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(folder + "/") for folder in folders)
