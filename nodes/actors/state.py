"""The state of an actor, and what handling a letter makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

from backedge.engine.state.reducers import add

from .mail import DeadLetter, Mail, Reply

T = TypeVar("T")

REMEMBERED: Final = 1000
"""How many letters with a key are remembered, so that none of them is handled twice."""
KEPT: Final = 100
"""How many dead letters the state keeps; all of them are in the run's records."""

Ended: TypeAlias = Literal["", "drained", "aborted", "stopped", "failed"]


class _Same(Enum):
    SAME = "same"


SAME: Final = _Same.SAME
"""The state stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What handling a letter comes to. A handler that returns something else returns the new state.

    Attributes:
        state: The new state; where the field has a reducer, the update. `SAME` for none.
        reply: What is replied, if somebody asked: anything that JSON can carry.
        stop: Whether the actor ends. What still waits in its mailbox is left there.
    """

    state: Any = SAME
    reply: Any = None
    stop: bool = False


def remembered(value: list[T], update: list[T]) -> list[T]:
    """The newest of keys: a reducer."""
    return [*value, *update][-REMEMBERED:]


def kept(value: list[T], update: list[T]) -> list[T]:
    """The newest of dead letters: a reducer."""
    return [*value, *update][-KEPT:]


class ActorState(BaseModel):
    """The state of an actor's run.

    Attributes:
        state: The actor's own state.
        mail: The letter that is handled, or was last; None for one that was passed over.
        reply: What is to be replied to it.
        handled: How many letters were handled.
        ended: How it ended: ``drained`` when all before the pill was handled, ``aborted``, ``stopped`` by itself, ``failed``;
            empty while it lives.
        dead: Letters that could not be handled, the newest 100.
        failures: When handling failed lately, in seconds since the epoch.
        seen: Keys of letters that came lately.
    """

    state: Any = None
    mail: Mail | None = None
    reply: Reply | None = None
    handled: Annotated[int, add] = 0
    ended: Ended = ""
    dead: Annotated[list[DeadLetter], kept] = []
    failures: list[float] = []
    seen: Annotated[list[str], remembered] = []
