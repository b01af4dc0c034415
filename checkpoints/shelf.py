"""What the journal in memory keeps: runs, what they share, and their blobs.

The same rules as on disk (`backedge.checkpoints.lineage`, `backedge.checkpoints.removal`): a fork holds its own records
alone, and a run that is gone keeps those that forks need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from backedge.engine.records import Awaited, Cause, Letter, LetterKind, RunHeader, RunStatus

from .codec import Encoded, is_resumption
from .pending import FINAL, NOTHING

if TYPE_CHECKING:
    from .memory import MemoryRunLog


@dataclass(slots=True, eq=False)
class Kept:
    """A run.

    Attributes:
        first: The `seq` of its first own record.
        origin: The run that holds the last record it shares, or None.
        records: Its own records. Their blobs are those of `Shelf.blobs`.
        gone: Whether it was deleted; what is left is for its forks.
        awaited: What it waits for.
        log: Its owner, or None.
    """

    header: RunHeader
    first: int = 0
    origin: Kept | None = None
    records: list[Encoded] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    frontiers: list[tuple[int, bytes]] = field(default_factory=list)
    status: RunStatus = RunStatus.RUNNING
    awaited: Awaited = NOTHING
    epoch: int = 0
    gone: bool = False
    log: MemoryRunLog | None = None

    @property
    def end(self) -> int:
        """One more than the `seq` of its last record."""
        return self.first + len(self.records)

    @property
    def deaths(self) -> int:
        """How many owners in a row went on with it and left no record but that they did, where the last one is gone."""
        if self.log is not None or self.status is not RunStatus.RUNNING:
            return 0
        return sum(1 for _ in takewhile(lambda record: is_resumption(record.body), reversed(self.records)))

    def cause(self, now: float) -> Cause | None:
        """Why somebody should go on with the run, or None."""
        if self.log is not None or self.status in FINAL:
            return None
        if any(letter.kind is LetterKind.CANCEL for letter in self.letters):
            return Cause.CANCELLED
        if self.status is RunStatus.RUNNING:
            return Cause.CRASHED
        due = self.awaited.due
        if due == 0 or any((letter.kind, letter.name) in self.awaited.letters for letter in self.letters):
            return Cause.LETTERS
        return Cause.DUE if due is not None and due <= now else None

    def holder(self, seq: int) -> Kept:
        """The run that holds record `seq`."""
        run = self
        while run.origin is not None and seq < run.first:
            run = run.origin
        return run

    def between(self, first: int, end: int) -> list[Encoded]:
        """The records from `first` to below `end`, those it shares included."""
        parts = []
        run: Kept | None = self
        while run is not None and end > first:
            parts.append(run.records[max(first - run.first, 0) : max(end - run.first, 0)])
            end = min(end, run.first)
            run = run.origin
        return [record for part in reversed(parts) for record in part]


class Shelf:
    """All runs of a journal.

    Attributes:
        runs: Those that are there, by their ids.
        blobs: Contents by hash, each of them used by some record.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Kept] = {}
        self.blobs: dict[bytes, bytes] = {}
        self._uses: Counter[bytes] = Counter()
        self._forks: list[Kept] = []  # all that share records, deleted or not

    def keep(self, run: Kept, encoded: Sequence[Encoded]) -> None:
        """Add records to a run."""
        for record in encoded:
            self.blobs.update((name, content) for name, content in record.blobs if name not in self.blobs)
            self._uses.update(name for name, _ in record.blobs)
            shared = tuple((name, self.blobs[name]) for name, _ in record.blobs)
            run.records.append(record._replace(blobs=shared))

    def add(self, run: Kept) -> None:
        """Add a run."""
        self.runs[run.header.run_id] = run
        if run.origin is not None:
            self._forks.append(run)

    def remove(self, run: Kept) -> None:
        """Remove a run, and what nobody needs any more of it and of what it was forked from."""
        del self.runs[run.header.run_id]
        run.gone = True
        run.letters.clear()
        left: Kept | None = run
        while left is not None and left.gone:
            needed = max((fork.first for fork in self._forks_of(left)), default=left.first)
            self._drop(left, needed)
            if left.records:
                return
            if left.origin is not None:
                self._forks.remove(left)
            left = left.origin

    def _forks_of(self, run: Kept) -> Iterator[Kept]:
        return (fork for fork in self._forks if fork.origin is run)

    def _drop(self, run: Kept, end: int) -> None:
        for record in run.records[end - run.first :]:
            for name, _ in record.blobs:
                self._uses[name] -= 1
                if not self._uses[name]:
                    del self._uses[name], self.blobs[name]
        del run.records[end - run.first :]
