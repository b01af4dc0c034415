"""Agents by id, role and function, and the manager that runs them.

A `Registry` knows who there is. A `Manager` starts and stops them and gives them jobs; each job is a run of the agent's flow
over the one engine, so that the journal is the queue, and what a killed process left is found and gone on with.

Example::

    registry = Registry(AgentCard("ann", flow, role="coder", functions=("write code",)))
    async with Manager(registry, journal="jobs.db") as manager:
        job = await manager.submit("ann", {"spec": "…"})
        print((await job.result()).state)
"""

from __future__ import annotations

from .cards import CONCURRENCY, AgentCard, RegistryError
from .jobs import Job
from .lanes import AgentState
from .logs import LogLine
from .manager import Manager, Stopping
from .registry import Registry
from .status import AgentStatus, Notice, NoticeKind

__all__ = [
    "CONCURRENCY",
    "AgentCard",
    "AgentState",
    "AgentStatus",
    "Job",
    "LogLine",
    "Manager",
    "Notice",
    "NoticeKind",
    "Registry",
    "RegistryError",
    "Stopping",
]
