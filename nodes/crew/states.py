"""The states of a crew: a field for each task's result, and of a task that is reviewed what the reviews need.

They are pydantic models that are made of what was declared, so that results are typed, checked and kept like any field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, create_model

from backedge.engine.state.reducers import extend

from .declared import Missed, Task, Verdict
from .plan import Plan


def crew_state(plan: Plan, outputs: Mapping[str, Any]) -> type[BaseModel]:
    """The state of a crew: its inputs, and a field for each task."""
    fields: dict[str, Any] = {
        name: (output | None, None) if plan.tasks[name].optional else (output, ...)
        for name, output in outputs.items()
    }
    if plan.process == "hierarchical":
        fields["reviews"] = (Annotated[list[Verdict], extend], [])
    if any(task.optional for task in plan.tasks.values()):
        fields["missed"] = (Annotated[list[Missed], extend], [])
    return _made(plan.name, plan.inputs, fields)


def task_state(
    plan: Plan, task: Task, outputs: Mapping[str, Any], needs: Mapping[str, str]
) -> type[BaseModel]:
    """The state of one task that is reviewed.

    Args:
        plan: The crew.
        task: The task.
        outputs: The type of each task's result.
        needs: What it needs, and the field that is to hold each.
    """
    fields: dict[str, Any] = {}
    for need, field in needs.items():
        if need in plan.tasks:
            kind, missing = outputs[need], plan.tasks[need].optional
            fields[field] = (kind | None if missing else kind, ...)
        else:
            fields[field] = (plan.inputs.model_fields[need].rebuild_annotation(), ...)
    fields |= {
        "result": (outputs[task.name] | None, None),
        "role": (str, ""),
        "passed": (bool, False),
        "feedback": (Annotated[list[str], extend], []),
        "reviews": (Annotated[list[Verdict], extend], []),
    }
    return _made(task.name, BaseModel, fields)


def _made(name: str, base: type[BaseModel], fields: Mapping[str, Any]) -> type[BaseModel]:
    made: type[BaseModel] = create_model(name, __base__=base, __module__=__name__, **fields)
    return made
