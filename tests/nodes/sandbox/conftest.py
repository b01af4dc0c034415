"""Sandboxes for the tests, and the watch that nothing of them stays behind."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backedge.nodes.sandbox import BubblewrapSandbox, Sandbox

from ..conftest import warm


@pytest.fixture(scope="session")
def bubblewrap() -> Iterator[BubblewrapSandbox]:
    yield from warm(BubblewrapSandbox())


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("tmp"))


@pytest.fixture(autouse=True)
def elsewhere(own_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary folders of other tests that run at the same time lie elsewhere."""
    monkeypatch.setattr(tempfile, "tempdir", own_folder)


@pytest.fixture
async def nothing_left_behind(bubblewrap: Sandbox, unisolated: Sandbox) -> AsyncIterator[None]:
    """The host process is as it was: no open file, child, task or temporary folder more than before."""
    before = _held()
    yield
    assert _held() == before


@pytest.fixture
def marker() -> str:
    """A word to put into a program's command line, which no other process has in its own."""
    return f"backedge-{os.getpid()}-{os.urandom(6).hex()}"


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """Finds the processes of the whole host with a word in their command line."""
    return processes_saying


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for a condition."""

    async def wait(condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110 - the kernel sets no event
            await asyncio.sleep(0.01)

    return wait


def _held() -> tuple[object, ...]:
    return (
        sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        children(),
        len(asyncio.all_tasks()),
        sorted(path.name for path in Path(tempfile.gettempdir()).glob("backedge-*")),
    )


def children() -> list[int]:
    """The processes that this one started; from where the kernel lists them, if it does."""
    try:
        lists = [(task / "children").read_text() for task in Path("/proc/self/task").iterdir()]
    except FileNotFoundError:  # or a thread that ended just now
        return sorted(pid for pid, stat in stats().items() if stat[1] == str(os.getpid()))
    return sorted(int(pid) for one in lists for pid in one.split())


def stats() -> dict[int, list[str]]:
    """For each process its state, its parent and so on, as in proc(5) after the name."""
    found = {}
    for pid in (path.name for path in Path("/proc").glob("[0-9]*")):
        with suppress(FileNotFoundError, ProcessLookupError):
            found[int(pid)] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return found


def processes_saying(marker: str) -> list[int]:
    found = []
    for pid in stats():
        with suppress(FileNotFoundError, ProcessLookupError):
            if pid != os.getpid() and marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
