"""How functions, agents and models are asked, all in the same way, from inside a node."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from backedge.engine.compiler.signatures import NoSignatureError, is_async, is_generator, read_signature
from backedge.engine.context import BlockingContext, Context
from backedge.nodes.agents import Agent
from backedge.providers import Model

from .perspectives import Player
from .prompts import paragraphs

T = TypeVar("T")

_CONTEXT: Final = "orchestra_context_"
Body: TypeAlias = Callable[[Context, Mapping[str, Any]], Awaitable[Any]]
"""The body of a node: given its context, and the fields and resources that it reads."""


class CannotPlayError(Exception):
    """Something cannot be asked; the message says what is expected instead."""


@dataclass(frozen=True)
class Seat:
    """Somebody who can be asked.

    Attributes:
        by: The function; or the agent, or what makes one of names when it is asked.
        parameters: What a function reads.
        models: The resources that an agent names.
        makes_agent: Whether `by` makes the agent.
        before: What an agent is told before what it is asked, since it has instructions of its own.
        after: What it is told behind that.
    """

    by: Callable[..., Any] | Agent[Any]
    parameters: tuple[inspect.Parameter, ...] = ()
    models: frozenset[str] = frozenset()
    makes_agent: bool = False
    before: str = ""
    after: str = ""

    async def ask(
        self,
        given: Mapping[str, Any],
        context: Context,
        *,
        prompt: str,
        shape: Callable[[Any], T],
        returns: Any,
        names: Iterable[str] = (),
        raises: tuple[type[Exception], ...] = (),
    ) -> T:
        """Ask, and bring what came into shape.

        Args:
            given: The fields and resources of the node.
            context: The node's.
            prompt: What an agent is asked.
            shape: Makes of what came what is wanted, or raises.
            returns: The type of that.
            names: What an agent that is made now is to judge.
            raises: Exceptions of a plain function that come as they are.
        """
        if self.makes_agent or isinstance(self.by, Agent):
            agent: Agent[Any] = self.by if isinstance(self.by, Agent) else self.by(tuple(names))
            models = {name: given[name] for name in self.models}
            told = paragraphs(self.before, prompt, self.after)
            return shape((await agent.run(told, context, models=models)).output)
        fields = {one.name: given[one.name] for one in self.parameters if one.name in given}
        contexts = {one.name: context for one in self.parameters if one.annotation is Context}
        if contexts:  # then what it does is recorded piece by piece
            return shape(await self.by(**fields, **contexts))
        shaped = _awaited if is_async(self.by) else _called
        result: T = await context.step(
            "ask", partial(shaped, shape, partial(self.by, **fields)), returns=returns, raises=raises
        )
        return result


def _called(shape: Callable[[Any], T], function: Callable[[], Any]) -> T:
    return shape(function())


async def _awaited(shape: Callable[[Any], T], function: Callable[[], Awaitable[Any]]) -> T:
    return shape(await function())


def seat(by: Player, make: Callable[[Model | str], Agent[Any]], *, before: str = "", after: str = "") -> Seat:
    """A seat for a player.

    Args:
        by: Who.
        make: Makes an agent of a model, or of the name of one.
        before: What an agent of somebody's own is told before what it is asked.
        after: And behind it.

    Raises:
        CannotPlayError: It is none of these.
    """
    if isinstance(by, str) and not by.isidentifier():
        raise CannotPlayError(
            f"a text is the name of the resource that is the model, an identifier, not {by!r}: "
            f"for a provider's model say backedge.model({by!r})"
        )
    if isinstance(by, Agent):
        return Seat(by, models=by.models, before=before, after=after)
    if isinstance(by, str | Model):
        agent = make(by)
        return Seat(agent, models=agent.models)
    if not callable(by):
        raise CannotPlayError(
            f"give a function, an agent, a model, or the name of a resource, not {by!r:.100}"
        )
    return Seat(by, _parameters(by))


def judge_seat(
    by: Player,
    make: Callable[[Model | str, tuple[str, ...]], Agent[Any]],
    *,
    before: str = "",
    after: str = "",
) -> Seat:
    """A seat for who scores answers: the agent of a model is made when it is known whose answers there are.

    Args:
        by: Who.
        make: Makes an agent of a model, or of the name of one, that scores the answers of some.
        before: As for `seat`.
        after: As for `seat`.

    Raises:
        CannotPlayError: It cannot score.
    """
    if isinstance(by, Agent) and by.output is str:
        raise CannotPlayError(
            f"{by!r} answers in words, and answers are to be scored: say Agent(..., output=Scores)"
        )
    sits = seat(by, lambda model: make(model, ()), before=before, after=after)
    if isinstance(by, str | Model):
        return Seat(partial(make, by), models=sits.models, makes_agent=True)
    return sits


def _parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    if is_generator(function):
        raise CannotPlayError("a generator gives no answer: write a function that returns one")
    try:
        told = read_signature(function, {"Context": Context})
    except NoSignatureError as error:
        raise CannotPlayError(f"it does not tell its parameters ({error}): wrap it in a function") from None
    found = []
    for name, parameter in told.parameters.items():
        if name in told.bound or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise CannotPlayError(f"its parameter {name!r} cannot be given by name: drop the '/'")
        annotation = told.hints.get(name, parameter.annotation)
        if annotation is BlockingContext or (annotation is Context and not is_async(function)):
            raise CannotPlayError(
                f"it wants a context ({name!r}): write 'async def', and annotate it Context"
            )
        found.append(parameter.replace(annotation=annotation, kind=parameter.KEYWORD_ONLY))
    return tuple(found)


def node_of(name: str, body: Body, fields: Iterable[str], *seats: Seat) -> Callable[..., Awaitable[Any]]:
    """A function for a node: its signature names all that the body and the seats read."""
    own = list(fields)
    read: dict[str, inspect.Parameter] = {}
    for one in seats:
        for parameter in one.parameters:
            if parameter.annotation is not Context and parameter.name not in own:
                read.setdefault(parameter.name, parameter)
        own += [model for model in sorted(one.models) if model not in own]

    async def play(**given: Any) -> Any:
        return await body(given.pop(_CONTEXT), given)

    told: Any = play
    told.__name__ = name
    told.__signature__ = inspect.Signature(
        [
            *(inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY) for field in own),
            *(parameter for parameter in read.values() if parameter.name not in own),
            inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=Context),
        ]
    )
    return play
