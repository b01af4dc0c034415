"""What a crew is declared to be: tasks, and the roles that do them; and what those are told. Plain, frozen data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel, ConfigDict

from backedge.nodes.agents import Agent
from backedge.nodes.agents.prompts import message_of_fields
from backedge.nodes.tools import AnyTool
from backedge.providers import Message, Model

if TYPE_CHECKING:
    from tenacity import BaseRetrying

Member: TypeAlias = Agent[Any] | Model | str | Callable[..., Any]
"""Who fills a role: an agent; a model, or the name of the resource that is one; or a function of a `Job`, which may take the
node's `Context` as well, if it is an ``async def``. A plain function runs in a thread, as a recorded step."""


@dataclass(frozen=True)
class Task:
    """Something to be done.

    Attributes:
        name: What it is called: its node, and the field of the state that holds what came of it.
        description: What is to be done.
        role: Who does it. In a hierarchy it may be several, of which the manager chooses one, or none for all that nobody
            reports to. Where there is only one role it may be left out.
        needs: The tasks whose results, and the inputs which, it is given.
        output: The type of its result; by default what its role gives: an agent's output, what a function's annotation
            says, else text.
        optional: Whether others go on without it when it fails; its result is None then, and `Missed` says why.
        retry: A tenacity object, see `Graph.node`.
        timeout: Seconds for one attempt.
        approve: Whether a person is asked before it is begun.
        version: Part of the graph's digest: raise it when results of the task that are recorded are no longer right.

    Example::

        Task("draft", "Write an article about the topic.", role="writer", needs=["topic", "facts"])
    """

    name: str
    description: str
    _: KW_ONLY
    role: str | Sequence[str] = ()
    needs: str | Sequence[str] = ()
    output: Any = None
    optional: bool = False
    retry: BaseRetrying | None = None
    timeout: float | None = None
    approve: bool = False
    version: str = ""


@dataclass(frozen=True)
class Role:
    """Who does tasks of one sort, and how many of them there are.

    Attributes:
        who: See `Member`; None for one who only reviews and assigns, by functions.
        count: How many there are of it. They are its share of the crew's places: what it does not need is lent to the role
            with the most work waiting.
        least: How many of its places are never lent.
        most: How many of it may work at once, lent places included; None for as many as there are places.
        instructions: What a model is told of the role, before all else; and what a manager is told who chooses.
        tools: What a model may call; see `Agent`.
        reports_to: The role that reviews what it does; by default the manager.
        reviews: How it reviews, where no model does: a function of the `Job` and its result that gives a `Review`, a bool,
            or what is wrong as a text.
        assigns: How it chooses who does a task, where no model does: a function of the `Job` and the names of the roles
            there are that gives one of them.

    Example::

        Role(model, count=3, instructions="You write clear prose.", reports_to="editor")
    """

    who: Member | None
    _: KW_ONLY
    count: int = 1
    least: int = 0
    most: int | None = None
    instructions: str = ""
    tools: Sequence[AnyTool | Agent[Any] | Callable[..., Any]] = ()
    reports_to: str = ""
    reviews: Callable[..., Any] | None = None
    assigns: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A task as it is given to somebody.

    Attributes:
        task: The task's name.
        description: What is to be done.
        role: As whom.
        needs: What it depends on, by name: results of tasks, and inputs.
        last: What was done before and was sent back; None the first time.
        feedback: What was wrong with it, the latest last.
    """

    task: str
    description: str
    role: str
    needs: Mapping[str, Any] = field(default_factory=dict)
    last: Any = None
    feedback: tuple[str, ...] = ()

    def message(self, *, who_there_is: Sequence[str] = ()) -> Message:
        """The job in words, as a model is asked with it that is to do it, or to choose who does."""
        told = self._told()
        if self.feedback:
            by = f" by the {self.role}" if self.role else ""
            told |= {f"what was done before{by}": self.last, "what is wrong with it": list(self.feedback)}
        if who_there_is:
            told["who there is"] = list(who_there_is)
        return message_of_fields(told)

    def message_with(self, result: Any) -> Message:
        """The job and what was done, in words, as a model is asked with it that is to review it."""
        told = self._told() | {f"the work of the {self.role}": result}
        if self.feedback:
            told["what was wrong before"] = list(self.feedback)
        return message_of_fields(told)

    def _told(self) -> dict[str, Any]:
        return {"what to do": self.description, **self.needs}


class Verdict(BaseModel):
    """One review of a task.

    Attributes:
        task: Which one.
        worker: The role that had done it.
        reviewer: The role that reviewed it.
        round: How often it had been sent back before.
        passed: Whether it was good.
        feedback: What was wrong.
    """

    model_config = ConfigDict(frozen=True)

    task: str
    worker: str
    reviewer: str
    round: int
    passed: bool
    feedback: str = ""


class Missed(BaseModel):
    """An optional task that failed, without which the others went on.

    Attributes:
        task: Which one.
        error: Why.
    """

    model_config = ConfigDict(frozen=True)

    task: str
    error: str


class RejectedTaskError(Exception):
    """An optional task was sent back as often as it may be."""


def several(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several, as several, each once; an empty one is none."""
    return tuple(dict.fromkeys(filter(None, [names] if isinstance(names, str) else names)))
