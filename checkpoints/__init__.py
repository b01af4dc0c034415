"""Journals: where runs are kept, so that they can be resumed and looked at.

`SqliteJournal` keeps them in a file, `MemoryJournal` for as long as the process lives; `open_journal` takes what a
caller named. All keep the promises of `backedge.engine.ports.Journal`. Over that protocol `prune` deletes old runs, and
`export_run` and `import_run` carry a run from one journal to another.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from backedge.engine.errors import InputError
from backedge.engine.ports import Journal

from .memory import MemoryJournal, MemoryRunLog

if TYPE_CHECKING:
    from .exchange import export_run, import_run
    from .retention import prune
    from .sqlite import SqliteJournal, SqliteRunLog

__all__ = [
    "MemoryJournal",
    "MemoryRunLog",
    "SqliteJournal",
    "SqliteRunLog",
    "export_run",
    "import_run",
    "open_journal",
    "prune",
]

# Loaded by those who use it: a run without a file starts sooner.
_LAZY = {
    "SqliteJournal": "sqlite",
    "SqliteRunLog": "sqlite",
    "export_run": "exchange",
    "import_run": "exchange",
    "prune": "retention",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@asynccontextmanager
async def open_journal(
    where: str | os.PathLike[str] | Journal, *, create: bool = True
) -> AsyncIterator[Journal]:
    """The journal that `where` names: a path is opened, and closed in the end; an open journal stays open.

    Args:
        where: The path, or the journal.
        create: Whether to make a journal where there is none; who only reads does not want to.

    Raises:
        InputError: It is neither.
        JournalError: The file cannot be opened, or is no journal.

    Example:
        ::

            async with open_journal("runs.db") as journal:
                print(await journal.runs())
    """
    if isinstance(where, str | os.PathLike):
        from .sqlite import SqliteJournal

        async with await SqliteJournal.open(where, create=create) as journal:
            yield journal
    elif isinstance(where, Journal):
        yield where
    else:
        raise InputError(f"journal= is the path of a journal or an open journal, not {where!r}")
