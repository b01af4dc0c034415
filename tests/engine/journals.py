"""Journals that make trouble: one that takes its time, one that fails when told to."""

import asyncio

from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import JournalWriteError


class SlowJournal:
    """A MemoryJournal whose every answer takes a while, and whose commits take place when they are told.

    `seconds` is how long; 0 means a turn of the loop. `committed` lists the records as they are acknowledged.
    """

    name = "slow"

    def __init__(self, inner=None, seconds=0.0):
        self.inner = inner or MemoryJournal()
        self.seconds = seconds
        self.committed = []
        self.logs = []

    async def create(self, header, first, *more):
        log = await self.inner.create(header, first, *more)
        return await self._handed_over(log)

    async def acquire(self, run_id, *, takeover=False, epoch=None):
        log = await self.inner.acquire(run_id, takeover=takeover, epoch=epoch)
        return await self._handed_over(log)

    async def _handed_over(self, log):
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            await log.release()
            raise
        self.logs.append(SlowLog(self, log))
        return self.logs[-1]

    async def header(self, run_id):
        await asyncio.sleep(self.seconds)
        return await self.inner.header(run_id)

    async def read(self, run_id, *, after=-1, before=None):
        await asyncio.sleep(self.seconds)
        return await self.inner.read(run_id, after=after, before=before)

    async def runs(self):
        return await self.inner.runs()

    async def post(self, run_id, letter):
        await asyncio.sleep(self.seconds)
        return await self.inner.post(run_id, letter)

    async def letters(self, run_id, *, after=0):
        await asyncio.sleep(self.seconds)
        return await self.inner.letters(run_id, after=after)

    async def frontier(self, run_id, *, before=None):
        return await self.inner.frontier(run_id, before=before)

    async def pending(self, graphs, now, *, limit=1000):
        return await self.inner.pending(graphs, now, limit=limit)

    async def delete(self, run_id):
        await self.inner.delete(run_id)

    async def close(self):
        await self.inner.close()


class SlowLog:
    def __init__(self, journal, log):
        self.journal, self.log = journal, log
        self.waiting = []

    @property
    def header(self):
        return self.log.header

    @property
    def epoch(self):
        return self.log.epoch

    def append(self, *records, **more):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.waiting.append((records, more, future))
        loop.call_later(self.journal.seconds, self._commit)
        return future

    def _commit(self):
        if not self.waiting:
            return  # released meanwhile
        records, more, future = self.waiting.pop(0)
        done = self.log.append(*records, **more)
        error = done.exception()
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
            return
        self.journal.committed += records
        future.set_result(None)

    async def check(self):
        await self.log.check()

    def watch(self, tell):
        self.log.watch(tell)

    def keep(self, seq, frontier):
        self.log.keep(seq, frontier)

    async def release(self):
        while self.waiting:
            self._commit()
        await self.log.release()


class Call(Exception):
    """Which call of a FaultyJournal failed."""


class FaultyJournal:
    """A journal that passes calls on, and fails the n-th of them (counted from 1) in a way that it may.

    `how` is ``"raise"`` (at once), ``"future"`` (an append's future fails, and so do later appends),
    or ``"late"`` (the same, but what was appended is there). `calls` lists the calls by name.
    """

    name = "faulty"

    def __init__(self, inner, fail_at=None, how="future"):
        self.inner, self.fail_at, self.how = inner, fail_at, how
        self.calls = []
        self.broken = None

    def count(self, name):
        self.calls.append(name)
        return len(self.calls) == self.fail_at

    def error(self):
        return JournalWriteError(self.name, f"call {len(self.calls)}, {self.calls[-1]}, failed")

    async def create(self, header, first, *more):
        if self.count("create"):
            raise self.error()
        return FaultyLog(self, await self.inner.create(header, first, *more))

    async def acquire(self, run_id, *, takeover=False, epoch=None):
        if self.count("acquire"):
            raise self.error()
        return FaultyLog(self, await self.inner.acquire(run_id, takeover=takeover, epoch=epoch))

    async def header(self, run_id):
        if self.count("header"):
            raise self.error()
        return await self.inner.header(run_id)

    async def read(self, run_id, *, after=-1, before=None):
        if self.count("read"):
            raise self.error()
        return await self.inner.read(run_id, after=after, before=before)

    async def runs(self):
        return await self.inner.runs()

    async def post(self, run_id, letter):
        if self.count("post"):
            raise self.error()
        return await self.inner.post(run_id, letter)

    async def letters(self, run_id, *, after=0):
        if self.count("letters"):
            raise self.error()
        return await self.inner.letters(run_id, after=after)

    async def frontier(self, run_id, *, before=None):
        return await self.inner.frontier(run_id, before=before)

    async def pending(self, graphs, now, *, limit=1000):
        return await self.inner.pending(graphs, now, limit=limit)

    async def delete(self, run_id):
        await self.inner.delete(run_id)

    async def close(self):
        await self.inner.close()


class FaultyLog:
    def __init__(self, journal, log):
        self.journal, self.log = journal, log
        self.failed = None

    @property
    def header(self):
        return self.log.header

    @property
    def epoch(self):
        return self.log.epoch

    def append(self, *records, **more):
        future = asyncio.get_running_loop().create_future()
        fails = self.journal.count("append")
        if fails and self.journal.how == "raise":
            raise self.journal.error()
        if fails and self.journal.how == "late":
            self.log.append(*records, **more)
        if fails:
            self.failed = self.journal.error()
        if self.failed is not None:
            future.set_exception(self.failed)
            return future
        return self.log.append(*records, **more)

    def watch(self, tell):
        self.log.watch(tell)

    def keep(self, seq, frontier):
        self.log.keep(seq, frontier)

    async def check(self):
        if self.journal.count("check"):
            raise self.journal.error()
        await self.log.check()

    async def release(self):
        fails = self.journal.count("release")
        await self.log.release()
        if fails:
            raise self.journal.error()
