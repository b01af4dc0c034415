"""Where cached answers are kept: the protocol, and a store in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from ..protocol import ModelResponse


class CacheError(Exception):
    """A store could not read or write. The cache goes on without it: the model is asked."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer that is kept.

    Attributes:
        response: The answer.
        expires: Until when it may be given, in seconds since 1970; ``None`` for ever.
    """

    response: ModelResponse
    expires: float | None = None


class Store(Protocol):
    """Keeps answers by the digest of their request."""

    async def get(self, key: str) -> Stored | None:
        """The answer that was put last under this key; ``None`` when there is none.

        Raises:
            CacheError: It cannot be read.
        """

    async def put(self, key: str, stored: Stored) -> None:
        """Keep an answer.

        Raises:
            CacheError: It cannot be written.
        """

    async def aclose(self) -> None:
        """Close what is open; the next use opens it again."""


class MemoryStore:
    """Keeps answers in this process; when it is full it forgets what was not asked for the longest.

    Args:
        most: How many answers to keep.
    """

    def __init__(self, *, most: int = 1000) -> None:
        if most < 1:
            raise ValueError(f"a store keeps one answer at least, not {most}")
        self._most = most
        # What was asked for last is last.
        self._answers: OrderedDict[str, Stored] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, key: str) -> Stored | None:
        """See `Store.get`."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    async def put(self, key: str, stored: Stored) -> None:
        """See `Store.put`."""
        self._answers[key] = stored
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    async def aclose(self) -> None:
        """There is nothing to close: what is kept stays."""
