"""The journal in memory: the same promises as on disk, for as long as the process lives.

Records are kept encoded, so what comes back from it is what would come back from a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from backedge.engine.errors import (
    FencedError,
    JournalError,
    JournalWriteError,
    RunExistsError,
    RunNotFoundError,
    RunOwnedError,
)
from backedge.engine.records import Record, RunHeader, RunStarted, RunStatus, RunSummary

from .codec import Encoded, decode_stored, encode_next, written_at

_KNOWN = 5  # how many runs a RunNotFoundError names


@dataclass(slots=True)
class _Run:
    """A run. `log` is its owner, or None."""

    header: RunHeader
    records: list[Encoded] = field(default_factory=list)
    status: RunStatus = RunStatus.RUNNING
    epoch: int = 0
    log: MemoryRunLog | None = None


class MemoryJournal:
    """A store of runs that is gone with its process.

    Example:
        ::

            async with MemoryJournal() as journal:
                await flow.run({"spec": "…"}, journal=journal, run_id="demo")
                records = await journal.read("demo")
    """

    name = "memory"

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._closed = False

    async def create(self, header: RunHeader, first: RunStarted) -> MemoryRunLog:
        """Store a new run with its first record, and own it. Raises RunExistsError."""
        self._refuse_closed()
        if header.run_id in self._runs:
            raise RunExistsError(self.name, header.run_id)
        encoded, _ = encode_next(self.name, header.run_id, 0, [first])
        run = _Run(header)
        self._keep(run, encoded, None)
        self._runs[header.run_id] = run
        return self._seat(run)

    async def acquire(self, run_id: str, *, takeover: bool = False) -> MemoryRunLog:
        """Become the owner of a run. Raises RunNotFoundError, or RunOwnedError without `takeover`."""
        run = self._find(run_id)
        if run.log is not None and not takeover:
            raise RunOwnedError(self.name, run_id, "this process")
        return self._seat(run)

    async def header(self, run_id: str) -> RunHeader:
        """The run's header. Raises RunNotFoundError."""
        return self._find(run_id).header

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        """The run's records between `after` and `before`, both not included. Raises RunNotFoundError."""
        end = None if before is None else max(before, 0)
        stored = self._find(run_id).records[max(after, -1) + 1 : end]
        return [self._decode(run_id, record) for record in stored]

    async def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first."""
        self._refuse_closed()
        newest = self._newest()
        return [
            RunSummary(
                header=run.header,
                status=run.status,
                records=len(run.records),
                updated=written_at(self._decode(run.header.run_id, run.records[-1])),
                owner="this process" if run.log is not None else None,
            )
            for run in newest
        ]

    async def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._runs.clear()
        self._blobs.clear()

    async def __aenter__(self) -> MemoryJournal:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def write(self, log: MemoryRunLog, run: _Run, records: Sequence[Record]) -> None:
        """Store records for a log. Raises JournalError if it may not write."""
        self._refuse_closed()
        if run.epoch != log.epoch:
            raise FencedError(self.name, run.header.run_id, log.epoch, run.epoch)
        self._keep(run, *encode_next(self.name, run.header.run_id, len(run.records), records))

    def _keep(self, run: _Run, encoded: Sequence[Encoded], status: RunStatus | None) -> None:
        for record in encoded:
            self._blobs.update(record.blobs)
            run.records.append(record._replace(blobs=()))
        run.status = status or run.status

    def _seat(self, run: _Run) -> MemoryRunLog:
        run.epoch += 1
        run.log = MemoryRunLog(self, run)
        return run.log

    def _decode(self, run_id: str, record: Encoded) -> Record:
        return decode_stored(self.name, run_id, (record.seq, record.crc, record.body), self._blobs.get)

    def _find(self, run_id: str) -> _Run:
        self._refuse_closed()
        run = self._runs.get(run_id)
        if run is None:
            known = [run.header.run_id for run in self._newest()[:_KNOWN]]
            raise RunNotFoundError(self.name, run_id, known)
        return run

    def _newest(self) -> list[_Run]:
        return sorted(self._runs.values(), key=lambda run: run.header.created)[::-1]

    def _refuse_closed(self) -> None:
        if self._closed:
            raise JournalWriteError(self.name, "it was closed; what it held is gone")


class MemoryRunLog:
    """One run of a `MemoryJournal`, owned. Made by `create` and `acquire`."""

    def __init__(self, journal: MemoryJournal, run: _Run) -> None:
        self._journal = journal
        self._run = run
        self._epoch = run.epoch
        self._error: JournalError | None = None
        self._released = False

    @property
    def header(self) -> RunHeader:
        """The run's header."""
        return self._run.header

    @property
    def epoch(self) -> int:
        """How often the run had been acquired, this time included."""
        return self._epoch

    def append(self, *records: Record) -> asyncio.Future[None]:
        """Store records; the future is done already.

        Its exception is FencedError after a takeover, and JournalWriteError when a `seq` is not the next one, or the
        log was released.

        Raises:
            ValueError: A value is not compact JSON. Nothing was stored.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            if self._error is not None:
                raise self._error
            if self._released:
                raise JournalWriteError(self._journal.name, f"run {self.header.run_id!r} was released")
            self._journal.write(self, self._run, records)
        except JournalError as error:
            self._error = self._error or error
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    async def release(self) -> None:
        """Give up ownership. Releasing twice does nothing."""
        self._released = True
        if self._run.log is self:
            self._run.log = None
