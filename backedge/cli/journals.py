"""Journals as the command line opens them: nothing is made where nothing is to be written."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType

from backedge.checkpoints import open_journal
from backedge.engine.errors import RunNotFoundError
from backedge.engine.ports import Journal, RunLog
from backedge.engine.records import (
    Letter,
    Pending,
    Record,
    RunForked,
    RunHeader,
    RunStarted,
    RunStatus,
    RunSummary,
)

from .options import JOURNAL, near
from .problems import CommandError, Exit

CRASHED = "crashed"
"""What a run is called that is `RUNNING` without an owner."""


def status_of(run: RunSummary) -> str:
    """A run's status as it is shown."""
    return CRASHED if run.status is RunStatus.RUNNING and run.owner is None else run.status.value


@asynccontextmanager
async def existing(path: str) -> AsyncIterator[Journal]:
    """Open a journal that is there; none is made.

    Raises:
        CommandError: There is no such file, or an empty one.
        JournalError: It cannot be opened, or is no journal.
    """
    must_be_there(path)
    async with open_journal(path, create=False) as journal:
        yield journal


def must_be_there(path: str) -> None:
    """Raise CommandError where there is no such file, or an empty one."""
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = "" if path != JOURNAL else ", which is the default: name another with --journal"
        raise _cannot_open(path, f"there is no such file{hint}") from error
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise _cannot_open(path, f"it cannot be opened: {told}") from error
    if found.st_size == 0 and stat.S_ISREG(found.st_mode):
        raise _cannot_open(path, "this file is empty, so it holds no runs")


def _cannot_open(path: str, why: str) -> CommandError:
    return CommandError(f"journal {path}: {why}", Exit.JOURNAL, kind="JournalOpenError")


async def header_of(journal: Journal, run_id: str) -> RunHeader:
    """The header of one run. Raises CommandError, naming runs with ids like it."""
    try:
        return await journal.header(run_id)
    except (RunNotFoundError, UnicodeEncodeError):  # no id that was stored has half a character in it
        return (await summary_of(journal, run_id)).header  # which knows all ids


async def summary_of(journal: Journal, run_id: str) -> RunSummary:
    """The summary of one run; takes the time to list all. Raises CommandError as `header_of` does."""
    found = await journal.runs()
    for run in found:
        if run.header.run_id == run_id:
            return run
    ids = [run.header.run_id for run in found]
    raise CommandError(_unknown(journal.name, run_id, ids), Exit.JOURNAL, kind="RunNotFoundError")


def _unknown(name: str, run_id: str, ids: Sequence[str]) -> str:
    if not ids:
        return f"journal {name}: there is no run {run_id!r}; it holds no runs"
    newest = f"the newest are {', '.join(ids[:5])}"
    return f"journal {name}: there is no run {run_id!r}{near(run_id, ids) or f'; {newest}'} ('backedge runs' lists all)"


class MadeLate:
    """A journal whose file is opened, and made if need be, only when a run is created in it.

    So a run whose inputs do not fit leaves nothing behind.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._stack = AsyncExitStack()
        self._journal: Journal | None = None

    @property
    def name(self) -> str:
        """The path of the file."""
        return self._path

    async def create(self, header: RunHeader, first: RunStarted | RunForked, *more: Record) -> RunLog:
        """Open the file and store a new run in it."""
        return await (await self._opened()).create(header, first, *more)

    async def acquire(self, run_id: str, *, takeover: bool = False, epoch: int | None = None) -> RunLog:
        """Become the owner of a run."""
        return await (await self._existing(run_id)).acquire(run_id, takeover=takeover, epoch=epoch)

    async def header(self, run_id: str) -> RunHeader:
        """The run's header."""
        return await (await self._existing(run_id)).header(run_id)

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records."""
        return await (await self._existing(run_id)).read(run_id, after=after, before=before)

    async def frontier(self, run_id: str, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The last frontier that was kept of the run."""
        return await (await self._existing(run_id)).frontier(run_id, before=before)

    async def runs(self) -> Sequence[RunSummary]:
        """All runs; none where there is no file yet."""
        return await (await self._opened()).runs() if self._there() else ()

    async def pending(self, graphs: Collection[str], now: float, *, limit: int = 1000) -> Sequence[Pending]:
        """Runs to go on with; none where there is no file yet."""
        return await (await self._opened()).pending(graphs, now, limit=limit) if self._there() else ()

    async def post(self, run_id: str, letter: Letter) -> int:
        """Keep a letter for a run."""
        return await (await self._existing(run_id)).post(run_id, letter)

    async def letters(self, run_id: str, *, after: int = 0) -> Sequence[Letter]:
        """The run's letters."""
        return await (await self._existing(run_id)).letters(run_id, after=after)

    async def delete(self, run_id: str) -> None:
        """Remove a run."""
        await (await self._existing(run_id)).delete(run_id)

    async def close(self) -> None:
        """Close the file, if it was opened."""
        self._journal = None
        await self._stack.aclose()

    async def __aenter__(self) -> MadeLate:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = await self._stack.enter_async_context(open_journal(self._path))
        return self._journal

    async def _existing(self, run_id: str) -> Journal:
        if not self._there():
            raise RunNotFoundError(self._path, run_id)
        return await self._opened()

    def _there(self) -> bool:
        return self._journal is not None or os.path.lexists(self._path)
