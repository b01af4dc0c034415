"""What can be wrong with a crew as it is declared: sentences, each with what to do. All are found at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from backedge.engine.compiler.signatures import NoSignatureError, is_async, read_signature
from backedge.engine.context import Context
from backedge.engine.definition import is_text, usable_name
from backedge.engine.shown import listed, shown
from backedge.nodes.agents import Agent, Review
from backedge.providers import Model

from .declared import Role, Task, several

Process: TypeAlias = Literal["sequential", "parallel", "hierarchical"]
AtLimit: TypeAlias = Literal["accept", "fail"]

PROCESSES: Final = ("sequential", "parallel", "hierarchical")
RESERVED: Final = ("reviews", "missed")
"""Fields of a crew's state that are no task's."""


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
            lowest = tuple(name for name in self.roles if name not in above and name != self.manager)
            return lowest or tuple(self.roles)
        return tuple(self.roles)

    def above(self, role: str) -> str:
        """Who reviews what a role does; nobody above the manager."""
        return "" if role == self.manager else (self.roles[role].reports_to or self.manager)

    def chain(self, role: str) -> tuple[str, ...]:
        """All who review what a role does, up to the manager."""
        found: list[str] = []
        while (role := self.above(role)) and role not in found:
            found.append(role)
        return tuple(found)

    def before(self, task: Task) -> tuple[str, ...]:
        """The tasks that a task needs."""
        return tuple(name for name in several(task.needs) if name in self.tasks)


def problems(plan: Plan) -> list[str]:
    """Everything that is wrong with a crew."""
    found = [*_options(plan), *_names(plan), *_needs(plan), *_roles(plan)]
    if plan.process in PROCESSES:
        who = [*_hierarchy(plan), *_who_does(plan)]
        found += who or _members(plan)
    return found


# ---------------------------------------------------------------------- names and numbers


def _options(plan: Plan) -> Iterator[str]:
    if not is_text(plan.name):
        yield f"name= wants a text, not {shown(plan.name)}"
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


def _names(plan: Plan) -> Iterator[str]:
    if not plan.tasks:
        yield "a crew has something to do: give it tasks, as in tasks=[Task('draft', 'Write it.', role='writer')]"
    for name in plan.twice:
        yield f"two tasks are called {name!r}: give one of them another name"
    fields = plan.inputs.model_fields if _has_fields(plan) else {}
    for name, task in plan.tasks.items():
        if not (isinstance(name, str) and name.isidentifier() and usable_name(name)) or name.startswith("_"):
            yield f"task {shown(name)}: its name becomes a field: use an identifier, such as 'draft'"
        elif name in fields:
            yield f"task {name!r} is called like an input; rename one of them"
        elif (
            name in RESERVED or hasattr(BaseModel, name) or name.startswith(("model_validate", "model_dump"))
        ):
            yield f"no task can be called {name!r}, which results of a crew have already; rename it"
        if not is_text(task.description):
            yield f"task {shown(name)}: description= wants a text that says what to do, not {shown(task.description)}"


def _has_fields(plan: Plan) -> bool:
    return isinstance(plan.inputs, type) and issubclass(plan.inputs, BaseModel)


# ---------------------------------------------------------------------- roles


def _roles(plan: Plan) -> Iterator[str]:
    if not plan.roles:
        yield "a crew has roles, who do its tasks: give it some, as in roles={'writer': Role(model)}"
    for name, role in plan.roles.items():
        if not (isinstance(name, str) and name.isidentifier()):
            yield f"role {shown(name)}: use an identifier, such as 'writer'"
        if not is_whole(role.count, 1):
            yield f"role {shown(name)}: count= wants a whole number from 1, not {shown(role.count)}"
        elif not (is_whole(role.least, 0) and role.least <= role.count):
            yield f"role {shown(name)}: least= wants a whole number from 0 to its count, {role.count}, not {shown(role.least)}"
        elif role.most is not None and not is_whole(role.most, max(1, role.least)):
            yield f"role {shown(name)}: most= wants a whole number from {max(1, role.least)} or None, not {shown(role.most)}"
        if role.tools and not isinstance(role.who, Model | str):
            yield f"role {shown(name)}: tools= is for a model; an agent has its own, and a function has none"
        if role.instructions and isinstance(role.who, Agent):
            yield f"role {shown(name)}: instructions= is of no use, since an agent has its own"
        for option in ("reports_to", "reviews", "assigns"):
            if plan.process != "hierarchical" and getattr(role, option):
                yield f'role {shown(name)}: {option}= is for a hierarchy: say process="hierarchical", or drop it'
    if plan.process != "hierarchical" and plan.manager:
        yield 'manager= is for a hierarchy: say process="hierarchical", or drop it'


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


# ---------------------------------------------------------------------- who they are


def _members(plan: Plan) -> Iterator[str]:
    working = {role for task in plan.tasks.values() for role in plan.workers(task)}
    for name in plan.roles:
        if name in working:
            yield from _worker(name, plan.roles[name])
    if plan.process == "hierarchical":
        reviewing = dict.fromkeys(
            above for role in plan.roles if role in working for above in plan.chain(role)
        )
        for name in reviewing:
            yield from _reviewer(name, plan.roles[name])
        if any(len(plan.workers(task)) > 1 for task in plan.tasks.values()):
            yield from _assigner(plan.manager, plan.roles[plan.manager])


def _worker(name: str, role: Role) -> Iterator[str]:
    who: Any = role.who
    if isinstance(who, Agent | Model | str):
        yield from _named_model(name, who)
    elif who is None:
        yield f"role {name!r} does tasks, but there is nobody: give it an agent, a model or a function"
    elif not callable(who):
        yield f"role {name!r} wants an agent, a model or a function, not {shown(who)}"
    else:
        yield from _function(f"role {name!r}", who, ("the job",))


def _named_model(name: str, who: object) -> Iterator[str]:
    if isinstance(who, str) and not who.isidentifier():
        yield (
            f"role {name!r}: {who!r} is no name of a resource; for a provider's model say backedge.model({who!r})"
        )


def _reviewer(name: str, role: Role) -> Iterator[str]:
    if role.reviews is not None:
        yield from _function(f"role {name!r}: reviews=", role.reviews, ("the job", "its result"))
    elif isinstance(role.who, Agent):
        if role.who.output is not Review:
            yield f"role {name!r} reviews: let its agent answer with output=Review, or say reviews="
    elif isinstance(role.who, Model | str):
        yield from _named_model(name, role.who)
    else:
        yield f"role {name!r} reviews: give it a model, or say reviews= how"


def _assigner(name: str, role: Role) -> Iterator[str]:
    if role.assigns is not None:
        yield from _function(f"role {name!r}: assigns=", role.assigns, ("the job", "the names of roles"))
    elif not isinstance(role.who, Model | str):
        yield f"role {name!r} chooses who does a task: give it a model, say assigns= how, or give each task its role="


def _function(what: str, function: Any, given: tuple[str, ...]) -> Iterator[str]:
    if not callable(function):
        yield f"{what} wants a function, not {shown(function)}"
        return
    try:
        wanted = takes_context(function, len(given))
    except (NoSignatureError, ValueError):
        yield f"{what} wants a function of {' and '.join(given)}, and of the context if it likes, not {shown(function)}"
        return
    if wanted and not is_async(function):
        yield f"{what} takes the context, so it has to be an async def"


def takes_context(function: Any, given: int) -> bool:
    """Whether a function wants the context behind the arguments that it is given.

    Raises:
        NoSignatureError: It does not tell its parameters.
        ValueError: It takes fewer arguments, or needs others.
    """
    told = read_signature(function, {"Context": Context})
    placed = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    free = [each for name, each in told.parameters.items() if name not in told.bound]
    own = [each for each in free if each.kind in placed]
    needed = [
        each for each in free if each.default is Parameter.empty and each.kind is Parameter.KEYWORD_ONLY
    ]
    if needed or (len(own) < given and not any(each.kind is Parameter.VAR_POSITIONAL for each in free)):
        raise ValueError(function)
    more = own[given:]
    asked = bool(more) and (more[0].default is Parameter.empty or told.hints.get(more[0].name) is Context)
    if any(each.default is Parameter.empty for each in more[1:]):
        raise ValueError(function)
    return asked


def is_whole(value: object, least: int) -> bool:
    """Whether it is a whole number, and at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
