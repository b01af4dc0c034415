"""Crews: tasks that depend on each other, done by roles, with the places where most work waits.

Example:
    >>> from backedge.nodes.crew import Crew, Job, Task
    >>> async def writer(job: Job) -> str: return f"{job.description} {job.needs}"
    >>> tasks = [Task("facts", "Look."), Task("text", "Write.", needs="facts")]
    >>> Crew(tasks, roles={"writer": writer}).compile().run_sync().state.text
    "Write. {'facts': 'Look. {}'}"
"""

from __future__ import annotations

from .crew import Crew
from .declared import Job, Member, Missed, RejectedTaskError, Role, Task, Verdict
from .plan import AtLimit, Process

__all__ = [
    "AtLimit",
    "Crew",
    "Job",
    "Member",
    "Missed",
    "Process",
    "RejectedTaskError",
    "Role",
    "Task",
    "Verdict",
]
