"""How urgent a cancellation is, and how much of it what runs lets through. Pure.

Each policy says how long is waited for what runs to come to a good place to stop:

=========================  ===========================================================
``"at once"``              not at all: it is cut off in the middle of what it awaits
``"graceful"``, deadline   until its next checkpoint, but no longer than so many seconds
``"graceful"``             until its next checkpoint, however long that takes
``"never"``                until the guard that says so is left
=========================  ===========================================================

They stand in this order, and of several the strictest counts, which is the one that waits longest. So neither who cancels
nor a guard further in can take away what a guard further out protects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Guard: TypeAlias = Literal["at once", "graceful", "never"]
"""What a guard lets through."""

_GUARDS: Final = ("at once", "graceful", "never")


@dataclass(frozen=True, order=True, slots=True)
class Policy:
    """How long what runs has until it is cut off.

    Attributes:
        never: Whether not at all, as long as this holds.
        seconds: From the request on; without end where only a checkpoint counts.
    """

    never: bool = False
    seconds: float = 0.0

    @property
    def graceful(self) -> bool:
        """Whether it is stopped at a checkpoint."""
        return not self.never and self.seconds > 0


AT_ONCE: Final = Policy()
NEVER: Final = Policy(never=True)


def policy(how: Guard, deadline: float | None = None) -> Policy:
    """The policy of a name.

    Args:
        how: The name.
        deadline: Seconds, of ``"graceful"`` only.

    Raises:
        ValueError: There is no such policy.

    Example:
        >>> policy("at once") < policy("graceful", 5) < policy("graceful") < policy("never")
        True
    """
    if how not in _GUARDS:
        raise ValueError(f"a policy is one of {', '.join(map(repr, _GUARDS))}, not {how!r}")
    if deadline is not None:
        if how != "graceful":
            raise ValueError(f'deadline= goes with "graceful"; {how!r} has none')
        if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not deadline > 0:
            raise ValueError(f"deadline= is a number of seconds above 0, not {deadline!r}")
        return Policy(seconds=float(deadline))
    return {"at once": AT_ONCE, "graceful": Policy(seconds=math.inf), "never": NEVER}[how]


def strictest(policies: Iterable[Policy]) -> Policy:
    """The one that waits longest; at once where there is none.

    >>> strictest([policy("graceful", 5), policy("graceful", 9), policy("at once")]).seconds
    9.0
    """
    return max(policies, default=AT_ONCE)


class Cancel(BaseModel):
    """A request to stop.

    Attributes:
        reason: Why.
        how: How urgent it is.
        deadline: Seconds until a graceful one becomes one at once; None for no such bound.
        at: When it was made.

    Example:
        >>> Cancel(reason="the user left", how="graceful", deadline=5).policy.seconds
        5.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = ""
    how: Literal["at once", "graceful"] = "at once"
    deadline: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def policy(self) -> Policy:
        """How long what runs has."""
        return policy(self.how, self.deadline)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        policy(self.how, self.deadline)
        return self

    def hastened(self, other: Cancel) -> Cancel:
        """The same request after another one: its reason and its time stay, and it ends when the first of both ends.

        >>> both = Cancel(reason="a", how="graceful").hastened(Cancel(reason="b"))
        >>> both.reason, both.how
        ('a', 'at once')
        """
        if other.how == "at once":
            return self.model_copy(update={"how": "at once", "deadline": None})
        seconds = other.policy.seconds + max((other.at - self.at).total_seconds(), 0.0)
        if self.how == "at once" or seconds >= self.policy.seconds:
            return self
        return self.model_copy(update={"deadline": seconds})


def _told(value: Any) -> Any:
    """What people send: nothing, a reason, or all of it."""
    if value is None:
        return {}
    return {"reason": value} if isinstance(value, str) else value


Told: TypeAlias = Annotated[Cancel, BeforeValidator(_told)]
"""A request as a signal carries it: null, a reason, or ``{"reason": ..., "how": ..., "deadline": ...}``."""
