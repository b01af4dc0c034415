"""Keeping an eye on jobs: which ones the journal tells to go on with, and which of those that run are silent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Final

from backedge.engine.errors import BackedgeError
from backedge.engine.execution.options import DEATHS
from backedge.engine.ports import Journal
from backedge.engine.records import Cause

from .jobs import unfinished
from .staff import Staff
from .worker import Worker

_log = logging.getLogger("backedge")

_LOOKED_AT: Final = 10_000  # runs that a look into the journal gives at most


class Minder:
    """Looks into the journal for the jobs of a staff, and listens whether those that run are heard of.

    Attributes:
        tasks: What it does again and again, once it was begun.
    """

    def __init__(self, staff: Staff, store: Journal, name: str, poll: float) -> None:
        self.tasks: tuple[asyncio.Task[None], ...] = ()
        self._staff = staff
        self._store = store
        self._name = name
        self._poll = poll

    def begin(self) -> None:
        """Look and listen from now on."""
        loop = asyncio.get_running_loop()
        self.tasks = (loop.create_task(self._look_on()), loop.create_task(self._listen_on()))

    def stop(self) -> None:
        """Look and listen no more."""
        for task in self.tasks:
            task.cancel()

    async def find(self, agents: Collection[str]) -> None:
        """Queue the jobs of these agents that the journal tells are not over."""
        for summary in await self._store.runs():
            found = unfinished(self._name, summary)
            if found is None or found.agent not in agents:
                continue
            worker = self._staff.workers[found.agent]
            if summary.deaths >= DEATHS:
                self._leave(worker, found.run_id, summary.deaths)
            elif found.waits:
                worker.lane.park(found.run_id, found.made)
            else:
                worker.lane.put(found.run_id, found.made)

    # ------------------------------------------------------------------ looking

    async def _look_on(self) -> None:
        """Look again and again; no error ends that."""
        while True:
            await asyncio.sleep(self._poll)
            try:
                await self._look()
            except BackedgeError as error:  # it may pass by itself
                _log.warning("manager %s could not look for jobs: %s", self._name, error)
            except Exception as error:
                self._staff.broken(error)

    async def _look(self) -> None:
        """Queue jobs whose owner died, or for which something has come."""
        graphs = {worker.card.flow.name for worker in self._staff.workers.values()}
        for found in await self._store.pending(sorted(graphs), time.time(), limit=_LOOKED_AT):
            job = self._staff.job_of(found.run_id)
            if job is None:
                continue
            worker, _ = job
            if found.deaths >= DEATHS:
                self._leave(worker, found.run_id, found.deaths)
                continue
            if found.run_id in self._staff.left and found.cause is not Cause.CANCELLED:
                continue
            kept = worker.lane.holds(found.run_id)  # then it keeps its place
            made = 0.0 if kept else (await self._store.header(found.run_id)).created
            if worker.lane.put(found.run_id, made):
                worker.begin()

    def _leave(self, worker: Worker, run_id: str, deaths: int) -> None:
        """A job that ended one process after the other is told once, and left until somebody says `retry`."""
        if run_id in self._staff.left or worker.lane.holds(run_id):
            return
        self._staff.left.add(run_id)
        worker.leave(run_id, f"ended {deaths} processes in a row: find out why, then retry() it")

    # ------------------------------------------------------------------ listening

    async def _listen_on(self) -> None:
        """Listen again and again for who is silent.

        While the event loop is held, or the process is stopped, nobody can be heard: that time does not count as silence.
        """
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._pause
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            for worker in self._staff.workers.values():
                worker.lane.deaf(now - due, now)
                worker.listen()

    @property
    def _pause(self) -> float:
        """Seconds until it listens again: often enough to hear who is silent."""
        limits = [worker.card.silent_after for worker in self._staff.workers.values()]
        return min([self._poll, *(limit / 4 for limit in limits if limit is not None)])
