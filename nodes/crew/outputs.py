"""The types of what tasks give: what they say themselves, or what those give who do them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from backedge.engine.compiler.signatures import NoSignatureError, read_signature
from backedge.engine.compiler.typerelation import spell
from backedge.engine.shown import shown
from backedge.nodes.agents import Agent
from backedge.providers import Model

from .declared import Role, Task
from .plan import Plan


def outputs_of(plan: Plan) -> dict[str, Any]:
    """The type of each task's result; where it is not said, what the first role gives that may do it."""
    found: dict[str, Any] = {}
    for name, task in plan.tasks.items():
        given = [_given(task, role) for role in _doers(plan, task).values()]
        found[name] = task.output if task.output is not None or not given else given[0]
    return found


def output_problems(plan: Plan, outputs: Mapping[str, Any]) -> Iterator[str]:
    """Outputs that are no types, and roles that give something else than their tasks do."""
    for name, task in plan.tasks.items():
        if task.output is not None and not _is_type(task.output):
            yield f"task {name!r}: output= wants a type, not {shown(task.output)}"
            continue
        if task.output is None and not _is_type(outputs[name]):
            yield f"task {name!r} gives {spell(outputs[name])}, which is no type of a field: say output= what it gives"
            continue
        for called, role in _doers(plan, task).items():
            given = _given(task, role)
            if given != outputs[name]:
                yield (
                    f"task {name!r} gives {spell(outputs[name])}, but role {called!r} gives {spell(given)}: say output= at "
                    f"the task, and give an agent that type of output, or the role a model with tools and instructions"
                )


def _doers(plan: Plan, task: Task) -> dict[str, Role]:
    """Those who may do a task, as far as they are known."""
    return {name: plan.roles[name] for name in plan.workers(task) if name in plan.roles}


def _given(task: Task, role: Role) -> Any:
    """The type of what a task gives when a role does it."""
    if isinstance(role.who, Agent):
        return role.who.output
    if task.output is not None:
        return task.output
    if isinstance(role.who, Model | str) or not callable(role.who):
        return str
    try:
        return read_signature(role.who, {}).hints.get("return", str)
    except NoSignatureError:
        return str


def _is_type(output: Any) -> bool:
    """Whether values can be checked for it."""
    if isinstance(output, str):
        return False
    try:
        TypeAdapter(output)
    except PydanticUserError:
        return False
    return True
