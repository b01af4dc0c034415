"""Tells the owners of runs that letters have come for them: one look into the database for all runs of a journal.

Letters are numbered in the order of their commits, so a look asks for the runs of those above the last number that was
seen: one seek where nothing has come. While nobody watches there is no look.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Final

from .writer import Writer

POLL: Final = 0.5
"""Seconds between two looks."""

_NEW = "SELECT number, run FROM letters WHERE number > ?"


class Mail:
    """Who watches, and what was seen.

    Attributes:
        seen: The number of the last letter that a look has seen.
        looks: How many looks there were.
    """

    def __init__(self, writer: Writer) -> None:
        self.seen = 0
        self.looks = 0
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        # By run key, and there by a token of the watcher's own.
        self._watchers: dict[int, dict[object, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False

    def watch(self, key: int, token: object, tell: Callable[[], None], since: int) -> None:
        """Tell when letters come for run `key`; those that looks have seen since `since` may be among them."""
        self._watchers.setdefault(key, {})[token] = tell
        if since != self.seen:
            self._loop.call_soon(tell)
        self._set()

    def unwatch(self, key: int, token: object) -> None:
        """Tell no more."""
        tells = self._watchers.get(key)
        if tells is None or tells.pop(token, None) is None:
            return
        if not tells:
            del self._watchers[key]
        if not self._watchers:
            self.close()

    def posted(self, key: int) -> None:
        """A letter was posted through this very journal: no need to wait for the next look."""
        for tell in list(self._watchers.get(key, {}).values()):
            tell()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        if self._timer is None and not self._looking and self._watchers:
            self._timer = self._loop.call_later(POLL, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looking = True
        found: list[tuple[int, int]] = []
        failed: list[sqlite3.Error] = []

        def job(db: sqlite3.Connection) -> None:
            try:
                found.extend(db.execute(_NEW, (self.seen,)))
            except sqlite3.Error as error:
                failed.append(error)

        self.looks += 1
        self._looking = self._writer.send(job, lambda: self._seen(found, bool(failed)))

    def _seen(self, found: list[tuple[int, int]], failed: bool) -> None:
        self._looking = False
        # When it cannot be read, let everybody see for himself: then it is told why.
        keys = list(self._watchers) if failed else {key for _, key in found}
        self.seen = max((number for number, _ in found), default=self.seen)
        for key in keys:
            self.posted(key)
        self._set()
