"""The functions of a crew's nodes: to do a task, to review it, to choose who does it.

Each reads fields of a state and makes a `Job` of them; models and functions are asked with it through the node's context.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature
from typing import Any, Final, Literal

from pydantic import Field, create_model

from backedge.engine.compiler.signatures import is_async
from backedge.engine.context import Context
from backedge.engine.shown import listed
from backedge.nodes.agents import Agent, Review
from backedge.providers import Message, Model

from .declared import Job, Role, Task, Verdict
from .members import takes_context

_WORK: Final = """You are the {role} of a crew. Do the task that you are given. What it needs of the work of others is told
with it. Answer with the result alone."""
_REVIEW: Final = """You review the work of others. You are shown a task and what was done. Pass it only if it does all that
is asked; else say what is wrong, so that it can be put right."""
_ASSIGN: Final = """You give tasks to those who do them. You are shown a task, and who there is. Answer with the name of the
one role that should do it."""
_CONTEXT: Final = "crew_context_"

Node = Callable[..., Awaitable[Any]]


def work_node(
    name: str, role: Role, task: Task, output: Any, needs: Mapping[str, str], *, again: bool
) -> Node:
    """The function of a node in which a role does a task.

    Args:
        name: The role's name.
        role: Who does it.
        task: What is to be done.
        output: The type of its result.
        needs: What it needs, and the field that holds each.
        again: Whether it may be sent back: then it reads ``result`` and ``feedback``.
    """
    told = role.instructions or _WORK.format(role=name)
    member = _Member(role.who, 1, name, told, role.tools, output, gives=output)

    async def work(job: Job, context: Context, models: Mapping[str, Model]) -> Any:
        return await member.ask(job.message, (job,), context, models)

    reads = ("result", "feedback") if again else ()
    return _node(work, _jobs(name, task, needs), needs, reads, member.models)


def review_node(name: str, role: Role, task: Task, needs: Mapping[str, str], worker: str) -> Node:
    """The function of a node in which a role reviews what was done.

    Args:
        name: The role's name.
        role: Who reviews.
        task: What was to be done.
        needs: What it needed, and the field that holds each.
        worker: The role that did it; empty where the field ``role`` says so.
    """
    told = f"{role.instructions}\n\n{_REVIEW}".strip()
    gives = Review | bool | str | None
    member = _Member(role.reviews or role.who, 2, name, told, role.tools, Review, gives=gives)

    async def review(job: Job, context: Context, models: Mapping[str, Model]) -> Mapping[str, Any]:
        given = await member.ask(partial(job.message_with, job.last), (job, job.last), context, models)
        judged = verdict(name, job, given, context.round())
        if judged.passed:
            return {"passed": True, "reviews": [judged]}
        return {"passed": False, "reviews": [judged], "feedback": [judged.feedback]}

    reads = ("result", "feedback") if worker else ("result", "feedback", "role")
    return _node(review, _jobs(worker, task, needs), needs, reads, member.models)


def assign_node(
    name: str, role: Role, task: Task, needs: Mapping[str, str], workers: Mapping[str, Role]
) -> Node:
    """The function of a node in which a manager chooses who does a task."""
    told = f"{role.instructions}\n\n{_ASSIGN}".strip()
    member = _Member(role.assigns or role.who, 2, name, told, role.tools, _choice(workers), gives=str)
    there = [f"{each}: {_good_for(worker)}".rstrip(": ") for each, worker in workers.items()]

    async def assign(job: Job, context: Context, models: Mapping[str, Model]) -> str:
        message = partial(job.message, who_there_is=there)
        given = await member.ask(message, (job, tuple(workers)), context, models)
        chosen = getattr(given, "role", given)  # of what a model answered; a function gives the name alone
        if chosen not in workers:
            raise ValueError(f"{name} gave task {task.name!r} to {chosen!r}; there are {listed(workers)}")
        return str(chosen)

    return _node(assign, _jobs("", task, needs), needs, ("result", "feedback", "role"), member.models)


def _choice(workers: Iterable[str]) -> Any:
    """What a model answers with that chooses: one of these."""
    one: Any = Literal[tuple(workers)]
    return create_model("Choice", role=(one, Field(description="The role that is to do the task")))


def _good_for(role: Role) -> str:
    return role.who.instructions if isinstance(role.who, Agent) else role.instructions


def verdict(reviewer: str, job: Job, given: Any, round_: int) -> Verdict:
    """What a reviewer gave as a verdict; a text is what is wrong, an empty one and None are nothing.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(given, Review):
        passed, feedback = given.passed, given.feedback
    elif isinstance(given, bool):
        passed, feedback = given, ""
    elif given is None or isinstance(given, str):
        feedback = (given or "").strip()
        passed = not feedback
    else:
        raise TypeError(f"{reviewer} should give a Review, a bool or what is wrong as a text, not {given!r}")
    if not passed:
        feedback = feedback or "it does not do what is asked"
    return Verdict(
        task=job.task, worker=job.role, reviewer=reviewer, round=round_, passed=passed, feedback=feedback
    )


class _Member:
    """Somebody who is asked for something: an agent, a model that becomes one, or a function."""

    def __init__(
        self,
        who: Any,
        given: int,
        name: str,
        instructions: str,
        tools: Sequence[Any],
        output: Any,
        *,
        gives: Any,
    ) -> None:
        """`given` is how much a function is given besides the context, and `gives` the type of what it gives."""
        if isinstance(who, Model | str):
            who = Agent(who, tools, instructions, output=output, name=name)
        self._who = who
        self._name = name
        self._gives = gives
        self._with_context = not isinstance(who, Agent) and takes_context(who, given)
        self.models: frozenset[str] = who.models if isinstance(who, Agent) else frozenset()

    async def ask(
        self,
        message: Callable[[], Message],
        given: tuple[Any, ...],
        context: Context,
        models: Mapping[str, Model],
    ) -> Any:
        """Ask for it: an agent with a message, a function with what is given."""
        who = self._who
        if isinstance(who, Agent):
            return (await who.run(message(), context, models=models)).output
        if not is_async(who):
            return await context.step(self._name, who, *given, returns=self._gives)
        return await (who(*given, context) if self._with_context else who(*given))


def _jobs(name: str, task: Task, needs: Mapping[str, str]) -> Callable[[Mapping[str, Any]], Job]:
    """What makes a job of the fields that a node read."""

    def made(read: Mapping[str, Any]) -> Job:
        return Job(
            task=task.name,
            description=task.description,
            role=name or read.get("role", ""),
            needs={need: read[field] for need, field in needs.items()},
            last=read.get("result"),
            feedback=tuple(read.get("feedback", ())),
        )

    return made


def _node(
    act: Callable[[Job, Context, Mapping[str, Model]], Awaitable[Any]],
    job: Callable[[Mapping[str, Any]], Job],
    needs: Mapping[str, str],
    reads: Sequence[str],
    models: frozenset[str],
) -> Node:
    """A function whose signature names the fields and resources that it reads, as the engine wants it."""

    async def node(**read: Any) -> Any:
        return await act(job(read), read[_CONTEXT], {name: read[name] for name in models})

    keyword = Parameter.KEYWORD_ONLY
    names = [*needs.values(), *reads, *sorted(models)]
    made: Any = node
    made.__signature__ = Signature(
        [*(Parameter(name, keyword) for name in names), Parameter(_CONTEXT, keyword, annotation=Context)]
    )
    return node
