"""What can make an answer stale, and what was made of it: facts that are kept in the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from backedge.engine.state.reducers import extend

Kind: TypeAlias = Literal["peer", "input", "validation", "error", "custom"]
"""The kinds of triggers."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Trigger(_Fact):
    """Something that happened after an answer was given.

    Attributes:
        kind: What sort of thing.
        source: Which trigger of the policy it came through: the name of a field, a signal, an error, a function.
        text: What was said.
        at: When it was noticed.
        relevant: Whether it has to do with the answer.
        relevance: Why, in one sentence.
        mark: Of what only ever grows, how long it was.
    """

    kind: Kind
    source: str
    text: str
    at: AwareDatetime
    relevant: bool = True
    relevance: str = ""
    mark: int = 0


class Begun(_Fact):
    """It began again.

    Attributes:
        number: The how-manieth time.
        at: When.
        triggers: Because of what.
        answer: What it had answered before; None where it had failed.
        closed: The signals that said that this was all.
    """

    kind: Literal["begun"] = "begun"
    number: int
    at: AwareDatetime
    triggers: tuple[Trigger, ...]
    answer: JsonValue = None
    closed: tuple[str, ...] = ()


class Ignored(_Fact):
    """A trigger changed nothing.

    Attributes:
        trigger: Which.
        why: Why not.
        at: When that was decided.
    """

    kind: Literal["ignored"] = "ignored"
    trigger: Trigger
    why: str
    at: AwareDatetime


class Failed(_Fact):
    """It failed, and what follows from that is to be decided.

    Attributes:
        trigger: The error.
    """

    kind: Literal["failed"] = "failed"
    trigger: Trigger


class Settled(_Fact):
    """Its answer stands.

    Attributes:
        why: Why.
        at: Since when.
    """

    kind: Literal["settled"] = "settled"
    why: str
    at: AwareDatetime


Entry: TypeAlias = Annotated[Begun | Ignored | Failed | Settled, Field(discriminator="kind")]
"""What happened to an answer."""

Restarts: TypeAlias = Annotated[list[Entry], extend]
"""The type of a state's field that keeps the history of an answer.

Example::

    class State(BaseModel):
        question: str
        answer: str = ""
        restarts: Restarts = []
"""

Texts: TypeAlias = str | Callable[..., Any]
"""A field, or a plain function of fields, that gives a text. None and nothing but blanks are nothing; of a list it is what was
added to it."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What all triggers have.

    Attributes:
        limit: How often it may be a cause; None for no limit of its own.
        relevance: As for `Restart`, for this trigger; ``"restart's"``: what that says.
        name: What facts call it.
    """

    limit: int | None = None
    relevance: Any = "restart's"
    name: str = ""


@dataclass(frozen=True)
class PeerAnswer(_Source):
    """Another one has answered, or answers otherwise than before.

    Args:
        answer: The field of its answer, or a function of fields.
        signal: In place of that a signal, by which it tells its answer from anywhere.
        wait: Seconds after an answer for which such a signal is waited for; None: until it is told that this was all, by null.
    """

    answer: Texts = ""
    signal: str = ""
    wait: float | None = None
    kind: Literal["peer"] = "peer"


@dataclass(frozen=True)
class UserInput(_Source):
    """A person has said something, by a signal: ``run.send("note", "in metric units")`` from any process.

    Args:
        signal: The signal's name; its value is a text, or null when that was all.
        wait: Seconds after an answer for which it is waited for; None: until that was all.
    """

    signal: str = "note"
    wait: float | None = None
    kind: Literal["input"] = "input"


@dataclass(frozen=True)
class ValidationFeedback(_Source):
    """A check found something wrong.

    Args:
        feedback: The field that says what, or a function of fields.
    """

    feedback: Texts = "feedback"
    kind: Literal["validation"] = "validation"


@dataclass(frozen=True)
class OnError(_Source):
    """It failed with such an error, after its retries.

    Args:
        error: The type.
    """

    error: type[Exception] = Exception
    kind: Literal["error"] = "error"


@dataclass(frozen=True)
class Custom(_Source):
    """Whatever a function finds.

    Args:
        function: A plain function of fields, which gives why the answer is stale, or nothing.
    """

    function: Callable[..., Any]
    kind: Literal["custom"] = "custom"


On: TypeAlias = PeerAnswer | UserInput | ValidationFeedback | OnError | Custom
"""A trigger of a policy."""


def source_of(on: On) -> str:
    """What facts call a trigger.

    >>> source_of(PeerAnswer("critique")), source_of(OnError(ValueError))
    ('critique', 'ValueError')
    """
    if on.name:
        return on.name
    match on:
        case PeerAnswer(answer=what, signal=signal):
            given: Any = signal or what
        case UserInput(signal=given):
            pass
        case ValidationFeedback(feedback=given):
            pass
        case OnError(error=given):
            pass
        case Custom(function=given):
            pass
    return given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
