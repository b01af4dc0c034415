"""A crew as it was declared, with what goes without saying: who may do what, who reviews it, what comes before what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel

from .declared import Role, Task, several

Process: TypeAlias = Literal["sequential", "parallel", "hierarchical"]
AtLimit: TypeAlias = Literal["accept", "fail"]

PROCESSES: Final = ("sequential", "parallel", "hierarchical")
RESERVED: Final = ("reviews", "missed")
"""Fields of a crew's state that are no task's."""
OWN: Final = ("result", "role", "passed", "feedback", "reviews")
"""Fields of the state of a task that is reviewed."""
GIVEN: Final = "given_"
"""What the fields of such a task begin with that hold what it needs."""


@dataclass(frozen=True)
class Plan:
    """A crew as declared, with what goes without saying filled in where it can be; perhaps wrong still.

    Attributes:
        name: The crew's name.
        tasks: By name, in order.
        roles: By name.
        process: How tasks follow each other.
        inputs: The fields that a run is given.
        manager: The role at the top of the hierarchy.
        limit: How many tasks may be worked on at once; None for as many as there are members.
        rejections: How often each reviewer may send a task back.
        at_limit: What happens then.
        twice: Names that two tasks have.
    """

    name: str
    tasks: Mapping[str, Task]
    roles: Mapping[str, Role]
    process: Process
    inputs: type[BaseModel]
    manager: str
    limit: int | None
    rejections: int
    at_limit: AtLimit
    twice: tuple[str, ...] = ()

    def workers(self, task: Task) -> tuple[str, ...]:
        """The roles that may do a task."""
        if named := several(task.role):
            return named
        if self.process == "hierarchical":
            above = {self.above(name) for name in self.roles}
            return tuple(name for name in self.roles if name not in above)
        return tuple(self.roles)

    def above(self, role: str) -> str:
        """Who reviews what a role does; nobody above the manager."""
        return "" if role == self.manager else (self.roles[role].reports_to or self.manager)

    def chain(self, role: str) -> tuple[str, ...]:
        """All who review what a role does, up to the manager, where nobody reports in a circle."""
        found: list[str] = []
        while role := self.above(role):
            found.append(role)
        return tuple(found)

    def busy(self) -> tuple[str, ...]:
        """The roles that have something to do: tasks, or reviews of them."""
        found = {role for task in self.tasks.values() for role in self.workers(task)}
        if self.process == "hierarchical":
            found |= {above for role in found for above in self.chain(role)}
        return tuple(name for name in self.roles if name in found)

    def before(self, task: Task) -> tuple[str, ...]:
        """The tasks that a task needs."""
        return tuple(name for name in several(task.needs) if name in self.tasks)
