"""Whether those who fill the roles of a crew can do what they are there for: to do tasks, to review, to choose who does one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import Parameter
from typing import Any

from backedge.engine.compiler.signatures import NoSignatureError, is_async, read_signature
from backedge.engine.context import Context
from backedge.engine.shown import shown
from backedge.nodes.agents import Agent, Review
from backedge.nodes.tools import ToolDefinitionError
from backedge.providers import Model

from .declared import Role
from .plan import GIVEN, OWN, RESERVED, Plan


def models_of(role: Role) -> frozenset[str]:
    """The resources that a role names as its model, or as that of an agent among its tools."""
    who: Any = role.who
    if isinstance(who, Model | str):
        who = Agent(who, role.tools)
    return who.models if isinstance(who, Agent) else frozenset()


def member_problems(plan: Plan) -> Iterator[str]:
    """What is wrong with who fills the roles, of a crew whose tasks and hierarchy name only roles that there are."""
    working = {role for task in plan.tasks.values() for role in plan.workers(task)}
    for name, role in plan.roles.items():
        yield from _somebody(name, role, works=name in working) or _resources(plan, name, role)
    if plan.process == "hierarchical":
        reviewing = dict.fromkeys(
            above for role in plan.roles if role in working for above in plan.chain(role)
        )
        for name in reviewing:
            yield from _reviewer(name, plan.roles[name])
        if any(len(plan.workers(task)) > 1 for task in plan.tasks.values()):
            yield from _assigner(plan.manager, plan.roles[plan.manager])


def _somebody(name: str, role: Role, *, works: bool) -> list[str]:
    """What is wrong with who fills a role."""
    who: Any = role.who
    if isinstance(who, str) and not who.isidentifier():
        return [
            f"role {name!r}: {who!r} is no name of a resource; for a provider's model say backedge.model({who!r})"
        ]
    if isinstance(who, Agent | Model | str) or (who is None and not works):
        return []
    if who is None:
        return [f"role {name!r} does tasks, but there is nobody: give it an agent, a model or a function"]
    if not callable(who):
        return [f"role {name!r} wants an agent, a model or a function, not {shown(who)}"]
    return list(_function(f"role {name!r}", who, ("the job",))) if works else []


def _resources(plan: Plan, name: str, role: Role) -> Iterator[str]:
    """What a role needs besides: tools, and models by name. A node reads those like fields, so no two can be called alike."""
    tools: Any = role.tools
    if isinstance(tools, str) or not isinstance(tools, Sequence):
        yield f"role {name!r}: tools= wants several tools, as in [search], not {shown(tools)}"
        return
    try:
        models = models_of(role)
    except (ToolDefinitionError, ValueError) as error:
        yield f"role {name!r}: tools=: {error}"
        return
    fields = {*plan.inputs.model_fields, *plan.tasks, *RESERVED}
    if plan.process == "hierarchical":
        fields |= {*OWN, *(GIVEN + need for need in fields)}
    for model in sorted(models & fields):
        yield f"role {name!r}: its model {model!r} is called like a field of the crew; give that resource another name"


def _reviewer(name: str, role: Role) -> Iterator[str]:
    if role.reviews is not None:
        yield from _function(f"role {name!r}: reviews=", role.reviews, ("the job", "its result"))
    elif isinstance(role.who, Agent):
        if role.who.output is not Review:
            yield f"role {name!r} reviews: let its agent answer with output=Review, or say reviews="
    elif not isinstance(role.who, Model | str):
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
