"""What can be wrong with a crew as it is declared: sentences, each with what to do. All are found at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from backedge.engine.definition import is_text, usable_name
from backedge.engine.shown import listed, shown
from backedge.nodes.agents import Agent
from backedge.providers import Model

from .declared import Role, Task, several
from .members import member_problems
from .plan import PROCESSES, RESERVED, Plan


def shape_problems(tasks: Any, roles: Any) -> Iterator[str]:
    """Tasks and roles that are none: nothing else can be looked at then."""
    if isinstance(tasks, str) or not isinstance(tasks, Sequence):
        yield f"tasks= wants several tasks, as in [Task('draft', 'Write it.')], not {shown(tasks)}"
        return
    for task in tasks:
        if not isinstance(task, Task):
            yield f"tasks= wants tasks, as in Task('draft', 'Write it.'), not {shown(task)}"
            continue
        called: Any = task.name
        if not isinstance(called, str):
            yield f"task {shown(called)}: its name wants a text, not {shown(called)}"
        for option, names in (("needs", task.needs), ("role", task.role)):
            if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
                yield f"task {shown(task.name)}: {option}= wants one name or several, not {shown(names)}"
    if not isinstance(roles, Mapping) or not all(isinstance(name, str) for name in roles):
        yield f"roles= wants a mapping of names to who fills the role, as in {{'writer': model}}, not {shown(roles)}"


def problems(plan: Plan) -> list[str]:
    """Everything that is wrong with a crew."""
    found = [*_options(plan), *_names(plan), *_tasks(plan), *_needs(plan), *_roles(plan)]
    if plan.process in PROCESSES and _is(plan.manager, str):
        who = [*_hierarchy(plan), *_who_does(plan)]
        found += who or [*_places(plan), *(member_problems(plan) if _has_fields(plan) else ())]
    return found


# ---------------------------------------------------------------------- names and numbers


def _options(plan: Plan) -> Iterator[str]:
    if not is_text(plan.name):
        yield f"name= wants a text, not {shown(plan.name)}"
    elif plan.name == "threads":
        yield "no crew can be called 'threads', which are slots of every run; give it another name="
    if plan.process not in PROCESSES:
        yield f'process= wants "sequential", "parallel" or "hierarchical", not {shown(plan.process)}'
    if not _has_fields(plan):
        yield f"inputs= wants a class that inherits pydantic.BaseModel, not {shown(plan.inputs)}"
    if plan.limit is not None and not is_whole(plan.limit, 1):
        yield f"limit= wants a whole number from 1 or None, not {shown(plan.limit)}"
    if plan.process == "sequential" and plan.limit is not None:
        yield 'limit= is of no use where tasks are done one after the other: say process="parallel", or drop it'
    if not is_whole(plan.rejections, 0):
        yield f"rejections= wants a whole number from 0, not {shown(plan.rejections)}"
    if plan.at_limit not in ("accept", "fail"):
        yield f'at_limit= wants "accept" or "fail", not {shown(plan.at_limit)}'
    if not _is(plan.manager, str):
        yield f"manager= wants the name of a role, not {shown(plan.manager)}"


def _names(plan: Plan) -> Iterator[str]:
    if not plan.tasks:
        yield "a crew has something to do: give it tasks, as in tasks=[Task('draft', 'Write it.', role='writer')]"
    for name in plan.twice:
        yield f"two tasks are called {name!r}: give one of them another name"
    fields = plan.inputs.model_fields if _has_fields(plan) else {}
    for name in RESERVED:
        if name in fields:
            yield f"no input can be called {name!r}, which results of a crew have already; rename it"
    for name in plan.tasks:
        if not (name.isidentifier() and usable_name(name)) or name.startswith("_"):
            yield f"task {shown(name)}: its name becomes a field: use an identifier, such as 'draft'"
        elif name in fields:
            yield f"task {name!r} is called like an input; rename one of them"
        elif (
            name in RESERVED or hasattr(BaseModel, name) or name.startswith(("model_validate", "model_dump"))
        ):
            yield f"no task can be called {name!r}, which results of a crew have already; rename it"
        elif _has_fields(plan) and hasattr(plan.inputs, name):
            yield f"task {name!r} is called like something that inputs={plan.inputs.__name__} has; rename one of them"


def _tasks(plan: Plan) -> Iterator[str]:
    for name, task in plan.tasks.items():
        if not is_text(task.description):
            yield f"task {shown(name)}: description= wants a text that says what to do, not {shown(task.description)}"
        if task.timeout is not None and not _is_time(task.timeout):
            yield f"task {shown(name)}: timeout= wants a number of seconds above 0, not {shown(task.timeout)}"
        if task.retry is not None and not _is_retrying(task.retry):
            yield f"task {shown(name)}: retry= wants a tenacity object such as AsyncRetrying(...), not {shown(task.retry)}"
        if not _is(task.version, str):
            yield f"task {shown(name)}: version= wants a text, not {shown(task.version)}"
        for option, value in (("optional", task.optional), ("approve", task.approve)):
            if not _is(value, bool):
                yield f"task {shown(name)}: {option}= wants True or False, not {shown(value)}"


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_retrying(value: object) -> bool:
    from tenacity import BaseRetrying  # loaded only where somebody uses it

    return isinstance(value, BaseRetrying)


def _has_fields(plan: Plan) -> bool:
    return isinstance(plan.inputs, type) and issubclass(plan.inputs, BaseModel)


# ---------------------------------------------------------------------- roles


def _roles(plan: Plan) -> Iterator[str]:
    if not plan.roles:
        yield "a crew has roles, who do its tasks: give it some, as in roles={'writer': Role(model)}"
    for name, role in plan.roles.items():
        if not (name.isidentifier() and usable_name(name)):
            yield f"role {shown(name)}: use an identifier, such as 'writer'"
        yield from _numbers(name, role)
        if role.tools and not isinstance(role.who, Model | str):
            yield f"role {shown(name)}: tools= is for a model; an agent has its own, and a function has none"
        if not _is(role.instructions, str):
            yield f"role {shown(name)}: instructions= wants a text, not {shown(role.instructions)}"
        elif role.instructions and isinstance(role.who, Agent):
            yield f"role {shown(name)}: instructions= is of no use, since an agent has its own"
        for option in ("reports_to", "reviews", "assigns"):
            if plan.process != "hierarchical" and getattr(role, option):
                yield f'role {shown(name)}: {option}= is for a hierarchy: say process="hierarchical", or drop it'
    if plan.process != "hierarchical" and plan.manager:
        yield 'manager= is for a hierarchy: say process="hierarchical", or drop it'


def _numbers(name: str, role: Role) -> Iterator[str]:
    if not is_whole(role.count, 1):
        yield f"role {shown(name)}: count= wants a whole number from 1, not {shown(role.count)}"
    elif not (is_whole(role.least, 0) and role.least <= role.count):
        yield f"role {shown(name)}: least= wants a whole number from 0 to its count, {role.count}, not {shown(role.least)}"
    elif role.most is not None and not is_whole(role.most, max(1, role.least)):
        yield f"role {shown(name)}: most= wants a whole number from {max(1, role.least)} or None, not {shown(role.most)}"


def _places(plan: Plan) -> Iterator[str]:
    """Whether everybody who is needed can have a place, where the roles are sound."""
    if plan.limit is None or not is_whole(plan.limit, 1):
        return
    busy = [plan.roles[name] for name in plan.busy()]
    if not all(is_whole(role.least, 0) for role in busy):
        return
    kept = sum(role.least for role in busy)
    if kept + any(role.least == 0 for role in busy) > plan.limit:
        left = "" if kept > plan.limit else ", which leaves none for the others"
        yield f"limit= is {plan.limit}, but the roles keep {kept} for themselves{left}; lower least=, or say a higher limit="


def _hierarchy(plan: Plan) -> Iterator[str]:
    if plan.process != "hierarchical":
        return
    if plan.manager not in plan.roles:
        yield (
            f"manager= names {plan.manager!r}, which is no role; there are {listed(plan.roles)}"
            if plan.manager
            else "a hierarchy has somebody at the top: say manager=, the name of a role"
        )
        return
    unknown = False
    for name, role in plan.roles.items():
        if role.reports_to and role.reports_to not in plan.roles:
            unknown = True
            yield f"role {name!r} reports to {role.reports_to!r}, which is no role; there are {listed(plan.roles)}"
    if plan.roles[plan.manager].reports_to:
        yield f"role {plan.manager!r} is the manager and reports to nobody: drop its reports_to="
    if not unknown:
        for circle in _circles({name: (plan.above(name),) for name in plan.roles if name != plan.manager}):
            yield f"the roles {' -> '.join(circle)} report to each other in a circle: let one of them report to {plan.manager!r}"


def _who_does(plan: Plan) -> Iterator[str]:
    for name, task in plan.tasks.items():
        named = several(task.role)
        if unknown := [role for role in named if role not in plan.roles]:
            yield f"task {name!r}: role= names {listed(unknown)}, which is no role; there are {listed(plan.roles)}"
        elif plan.process != "hierarchical" and len(plan.workers(task)) > 1:
            asked = "one role does it" if named else "say role= who does it"
            yield f'task {name!r}: {asked}; only in a hierarchy (process="hierarchical") a manager chooses'


# ---------------------------------------------------------------------- dependencies


def _needs(plan: Plan) -> Iterator[str]:
    known = {**(plan.inputs.model_fields if _has_fields(plan) else {}), **plan.tasks}
    for name, task in plan.tasks.items():
        if unknown := [need for need in several(task.needs) if need not in known]:
            yield f"task {name!r} needs {listed(unknown)}, which is no task and no input; there are {listed(known)}"
    circles = list(_circles({name: plan.before(task) for name, task in plan.tasks.items()}))
    for circle in circles:
        yield f"the tasks {' -> '.join(circle)} need each other in a circle: drop one of these needs"
    if plan.process != "sequential" or circles:
        return
    done: set[str] = set()
    for name, task in plan.tasks.items():
        if late := [need for need in plan.before(task) if need not in done]:
            yield f"task {name!r} needs {listed(late)}, which comes later: in a sequence tasks are done in the order given"
        done.add(name)


def _circles(before: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Each circle in a relation once, as far as circles share nothing; it begins and ends with the same name."""
    state: dict[str, bool] = {}  # whether all that leads on from it was looked at
    for start in before:
        if start in state:
            continue
        path, ways = [start], [iter(before[start])]
        state[start] = False
        while path:
            name = next((each for each in ways[-1] if each in before and not state.get(each, False)), None)
            if name is None:
                state[path.pop()] = True
                ways.pop()
            elif name in state:
                yield (*path[path.index(name) :], name)
            else:
                state[name] = False
                path.append(name)
                ways.append(iter(before[name]))


def _is(value: object, kind: type) -> bool:
    """Whether it is what its annotation says; nobody has checked that."""
    return isinstance(value, kind)


def is_whole(value: object, least: int) -> bool:
    """Whether it is a whole number, and at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
