"""How functions, agents and models are asked, all in the same way, from inside a node."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from backedge.engine.compiler.signatures import NoSignatureError, is_async, is_generator, read_signature
from backedge.engine.context import BlockingContext, Context
from backedge.nodes.agents import Agent
from backedge.providers import Model

from .perspectives import Player
from .prompts import paragraphs
from .result import Performance

T = TypeVar("T")

_CONTEXT: Final = "orchestra_context_"
Body: TypeAlias = Callable[[Context, Mapping[str, Any]], Awaitable[Any]]
"""The body of a node: given its context, and the fields and resources that it reads."""


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
        prompt: Callable[[], str],
        shape: Callable[[Any], T],
        returns: Any,
        names: Iterable[str] = (),
        raises: tuple[type[Exception], ...] = (),
    ) -> T:
        """Ask, and bring what came into shape.

        Args:
            given: The fields and resources of the node.
            context: The node's.
            prompt: Makes what an agent is asked.
            shape: Makes of what came what is wanted, or raises.
            returns: The type of that.
            names: What an agent that is made now is to judge.
            raises: Exceptions of a recorded step that come as they are.
        """
        if self.makes_agent or isinstance(self.by, Agent):
            agent: Agent[Any] = self.by if isinstance(self.by, Agent) else self.by(tuple(names))
            models = {name: given[name] for name in self.models}
            told = paragraphs(self.before, prompt(), self.after)
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
    given = function()
    if inspect.iscoroutine(given):
        given.close()
        raise TypeError("a plain function gave a coroutine, which nobody awaits: write async def")
    return shape(given)


async def _awaited(shape: Callable[[Any], T], function: Callable[[], Awaitable[Any]]) -> T:
    return shape(await function())


def seat(by: Player, make: Callable[[Model | str], Agent[Any]], *, before: str = "", after: str = "") -> Seat:
    """A seat for a player with whom nothing is wrong.

    Args:
        by: Who.
        make: Makes an agent of a model, or of the name of one.
        before: What an agent of somebody's own is told before what it is asked.
        after: And behind it.
    """
    if isinstance(by, Agent):
        return Seat(by, models=by.models, before=before, after=after)
    if isinstance(by, str | Model):
        agent = make(by)
        return Seat(agent, models=agent.models)
    return Seat(by, tuple(_parameters(by)))


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
    """
    if isinstance(by, str | Model):
        return Seat(
            partial(make, by), models=frozenset({by} if isinstance(by, str) else ()), makes_agent=True
        )
    return seat(by, lambda model: make(model, ()), before=before, after=after)


def problem_with(by: Any, *, scores: bool = False) -> str:
    """What is wrong with a player; empty if nothing is.

    Args:
        by: Who.
        scores: Whether it is to score answers.
    """
    if isinstance(by, str) and not by.isidentifier():
        return (
            f"a text is the name of the resource that is the model, an identifier, not {by!r}: "
            f"for a provider's model say backedge.model({by!r})"
        )
    if isinstance(by, Agent) and scores and by.output is str:
        return f"{by!r} answers in words, and answers are to be scored: say Agent(..., output=Scores)"
    named = {by} if isinstance(by, str) else by.models if isinstance(by, Agent) else frozenset()
    for name in sorted(named & Performance.model_fields.keys()):
        return f"the resource {name!r} is called like a field of Performance: give it another name"
    if isinstance(by, str | Agent | Model):
        return ""
    if not callable(by):
        return f"give a function, an agent, a model, or the name of a resource, not {by!r:.100}"
    if is_generator(by):
        return "a generator gives no answer: write a function that returns one"
    try:
        parameters = list(_parameters(by))
    except NoSignatureError as error:
        return f"it does not tell its parameters ({error}): wrap it in a function"
    for one in parameters:
        if one.kind is one.POSITIONAL_ONLY:
            return f"its parameter {one.name!r} cannot be given by name: drop the '/'"
        if one.name == "result" and one.default is one.empty:
            return "it reads 'result', which is not there before the end: drop that parameter"
        if one.annotation is BlockingContext or (one.annotation is Context and not is_async(by)):
            return f"it wants a context ({one.name!r}): write 'async def', and annotate it Context"
    return ""


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """What a function has to be given, with annotations that are types."""
    told = read_signature(function, {"Context": Context})
    for name, parameter in told.parameters.items():
        if name not in told.bound and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            yield parameter.replace(annotation=told.hints.get(name, parameter.annotation))


def node_of(
    name: str, body: Body, fields: Iterable[str], seat: Seat | None = None
) -> Callable[..., Awaitable[Any]]:
    """A function for a node: its signature names all that the body, and who sits there, read."""
    own = [*fields, *(sorted(seat.models) if seat else ())]
    more = [
        one
        for one in (seat.parameters if seat else ())
        if one.annotation is not Context and one.name not in own
    ]
    keyword = inspect.Parameter.KEYWORD_ONLY

    async def play(**given: Any) -> Any:
        return await body(given.pop(_CONTEXT), given)

    told: Any = play
    told.__name__ = name
    told.__signature__ = inspect.Signature(
        [
            *(inspect.Parameter(one, keyword) for one in own),
            *(one.replace(kind=keyword) for one in more),
            inspect.Parameter(_CONTEXT, keyword, annotation=Context),
        ]
    )
    return play
