"""Guards: functions that look at what an agent is asked, or at what it answers, and may stop it.

A guard is a function of one value. What it returns says what becomes of it: `None` lets it pass, `Stop` ends the agent with
a `GuardError`, `Replace` puts something else in its place, `Answer` ends the agent with that answer, and `Again` sends an
answer back to the model with what is wrong with it.

A guard that is an ``async def`` is a recorded effect; a ``def`` is called again when the node's body runs again, and so must
depend on nothing but the value.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import TypeAdapter

from backedge.engine.compiler.signatures import is_async, name_of_callable
from backedge.engine.context import Context
from backedge.providers.messages import Frozen

from .errors import GuardError

T = TypeVar("T")


class Stop(NamedTuple):
    """End the agent with a `GuardError`.

    Attributes:
        why: The reason.
    """

    why: str


class Replace(NamedTuple, Generic[T]):
    """Go on with something else.

    Attributes:
        value: What to ask instead, or to answer instead.
    """

    value: T


class Answer(NamedTuple, Generic[T]):
    """End the agent with this answer: as a guard of the input without asking the model at all.

    Attributes:
        value: The answer.
    """

    value: T


class Again(NamedTuple):
    """Send an answer back to the model; of guards of the output. It counts as a turn, and as one of the repairs.

    Attributes:
        why: What is wrong with it, for the model to read.
    """

    why: str


Ruling: TypeAlias = Stop | Replace[Any] | Answer[Any] | Again | None
Guard: TypeAlias = Callable[[Any], Ruling | Awaitable[Ruling]]
"""What an agent takes as guards; called with the text that it is asked, or with its answer."""


class Ruled(NamedTuple):
    """What all guards together say.

    Attributes:
        value: What to go on with.
        answered: Whether it is an answer already.
        again: Why an answer goes back to the model; empty when it does not.
    """

    value: Any
    answered: bool = False
    again: str = ""


class _Kept(Frozen):
    """A ruling as it is recorded; the value as JSON."""

    kind: str
    why: str = ""
    value: str = ""


async def ruled(
    guards: Sequence[Guard],
    value: Any,
    *,
    agent: str,
    where: str,
    context: Context,
    kind: TypeAdapter[Any],
    answer: TypeAdapter[Any],
) -> Ruled:
    """Ask one guard after the other; each sees what the one before it made of the value.

    Args:
        guards: Whom to ask.
        value: What they look at.
        agent: The agent's name.
        where: ``input`` or ``output``.
        context: Of the node.
        kind: The type of the value.
        answer: The type of the agent's answers.

    Raises:
        GuardError: One of them said `Stop`.
        TypeError: One of them returned something else than a ruling, or a value of another type.
    """
    for guard in guards:
        name = name_of_callable(guard)
        said = await _asked(guard, name, value, context, kind, answer)
        match said:
            case None:
                continue
            case Stop(why):
                raise GuardError(agent, name, why, where)
            case Replace(other):
                value = kind.validate_python(other)
            case Answer(other):
                return Ruled(answer.validate_python(other), answered=True)
            case Again(why) if where == "output":
                return Ruled(value, again=why)
            case _:
                raise TypeError(
                    f"guard {name!r} of {agent} should return None, Stop, Replace, Answer or (for an answer) Again, "
                    f"not {said!r}"
                )
    return Ruled(value)


async def _asked(
    guard: Guard, name: str, value: Any, context: Context, kind: TypeAdapter[Any], answer: TypeAdapter[Any]
) -> Any:
    if not is_async(guard):
        return guard(value)
    types = {"Replace": kind, "Answer": answer}

    async def call(value: Any) -> _Kept | None:
        said: Any = await guard(value)  # type: ignore[misc]  # it is asynchronous
        match said:
            case None:
                return None
            case Stop(why) | Again(why):
                return _Kept(kind=type(said).__name__, why=why)
            case Replace(other) | Answer(other):
                name = type(said).__name__
                made = types[name].validate_python(other)
                return _Kept(kind=name, value=types[name].dump_json(made).decode())
        raise TypeError(f"guard {name!r} returned {said!r}, which is no ruling")

    kept: _Kept | None = await context.step(f"guard {name}", call, value, returns=_Kept | None)
    match kept:
        case None:
            return None
        case _Kept(kind="Stop", why=why):
            return Stop(why)
        case _Kept(kind="Again", why=why):
            return Again(why)
        case _Kept(kind="Answer", value=text):
            return Answer(answer.validate_json(text))
        case _:
            return Replace(kind.validate_json(kept.value))
