"""What a lobby remembers: its records, in order. In memory for as long as the lobby lives; in a file for longer."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from .errors import LobbyError
from .message import LobbyMessage
from .room import Presence, Record

KEPT: Final = 1000
"""How many records are kept in memory."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a log begins with.

    Attributes:
        ident: Names the lobby for ever.
        presences: Who came and went, in order.
        number: The last number that was given.
    """

    ident: str
    presences: Sequence[Presence] = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a log.

    Attributes:
        records: In order.
        upto: The number up to which the log was looked through.
        lost: The number up to which the log holds nothing any more.
    """

    records: Sequence[Record]
    upto: int
    lost: int


class LobbyLog(Protocol):
    """A lobby's memory. One lobby uses it at a time."""

    @property
    def durable(self) -> bool:
        """Whether it outlives its process: then nothing is heard before it was `commit`-ted."""

    async def open(self, name: str) -> Opened:
        """Begin, or go on where it ended.

        Raises:
            LobbyError: It cannot be opened, or belongs to another lobby.
        """

    def add(self, records: Sequence[Record]) -> None:
        """Remember, at once; of a log that is not durable."""

    def commit(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Remember for good; of a durable log.

        Returns:
            Done when they are kept, in the order of the calls; a `LobbyError` if they are not.
        """

    async def after(self, number: int, limit: int) -> Page:
        """What has a greater number: so many records at most."""

    async def find(self, handle: str) -> LobbyMessage | None:
        """The message with this handle, if it is held."""

    async def close(self) -> None:
        """Finish what waits and let go of the file."""


class MemoryLog:
    """The last records, in memory.

    Args:
        keep: How many. What is older is gone for those who have not read it.
    """

    durable = False

    def __init__(self, keep: int = KEPT) -> None:
        if not isinstance(keep, int) or isinstance(keep, bool) or keep < 0:
            raise LobbyError(f"keep= is how many records are kept, a number from 0, not {keep!r}")
        self._keep = keep
        self._records: deque[Record] = deque()
        # The last number that was forgotten.
        self._lost = 0
        # Of the messages that are kept.
        self._handles: dict[str, LobbyMessage] = {}

    async def open(self, name: str) -> Opened:
        """A lobby that nobody has been in."""
        return Opened(uuid.uuid4().hex[:12])

    def add(self, records: Sequence[Record]) -> None:
        """See `LobbyLog.add`."""
        if not self._keep:
            self._lost = records[-1].number
            return
        for record in records:
            self._records.append(record)
            if isinstance(record, LobbyMessage):
                self._handles[record.handle] = record
            if len(self._records) > self._keep:
                gone = self._records.popleft()
                self._lost = gone.number
                if isinstance(gone, LobbyMessage):
                    del self._handles[gone.handle]

    def commit(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Not for this log: nothing in memory is for good."""
        raise NotImplementedError("a log in memory remembers by add()")

    async def after(self, number: int, limit: int) -> Page:
        """See `LobbyLog.after`."""
        found = [record for record in self._records if record.number > number][:limit]
        return Page(found, found[-1].number if found else max(number, self._lost), self._lost)

    async def find(self, handle: str) -> LobbyMessage | None:
        """See `LobbyLog.find`."""
        return self._handles.get(handle)

    async def close(self) -> None:
        """Nothing to do."""
