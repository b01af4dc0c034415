"""When a talk is over: conditions that look at its state, and are joined with ``&`` and ``|``.

A condition has no state of its own: what it needs is in the talk, and that is in the journal. So a run that is resumed counts
on where it was, and limits can be changed in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.compiler.signatures import is_async, name_of_callable

from .talk import Chat, takes

ADMIN: Final = "admin"
"""The signal by which the admin speaks, from any process."""


class Condition:
    """Says why a talk is over, or that it is not. Base of those below; join them with ``&`` and ``|``.

    Once one of those below holds it goes on holding, except for functions: ``TextMention("DONE") & MaxTurns(5)`` holds from
    the fifth turn on if DONE was said in any turn until then.

    Example: ``until = MaxTurns(20) | TextMention("DONE") & MaxTurns(3)``
    """

    def check(self, chat: Chat) -> str | None:
        """The reason in words, or None as long as the talk should go on. Depends on `chat` alone."""
        raise NotImplementedError

    @property
    def signals(self) -> frozenset[str]:
        """The signals from outside that it looks at."""
        return frozenset()

    @property
    def speakers(self) -> frozenset[str]:
        """The members, and the admin, whom it names."""
        return frozenset()

    @property
    def handoffs(self) -> frozenset[str | None]:
        """The targets of the handoffs that it waits for; None stands for anybody."""
        return frozenset()

    def __and__(self, other: Until) -> Condition:
        return All((self, condition_of(other)))

    def __rand__(self, other: Until) -> Condition:
        return All((condition_of(other), self))

    def __or__(self, other: Until) -> Condition:
        return AnyOf((self, condition_of(other)))

    def __ror__(self, other: Until) -> Condition:
        return AnyOf((condition_of(other), self))


Until: TypeAlias = Condition | Callable[[Chat], bool | str | None]
"""A condition, or a plain function of the chat that gives a reason, or whether it is over."""


def condition_of(given: Any) -> Condition:
    """A condition, of a function too.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(given, Condition):
        return given
    if not callable(given) or isinstance(given, type) or is_async(given) or not takes(given, 1):
        raise TypeError(
            f"until= takes conditions such as MaxTurns(20), or plain functions of the chat, not {given!r}"
        )
    return When(given)


@dataclass(frozen=True)
class _Several(Condition):
    """Conditions that are joined."""

    conditions: tuple[Condition, ...]

    @property
    def signals(self) -> frozenset[str]:
        """Those of all of them."""
        return frozenset().union(*(condition.signals for condition in self.conditions))

    @property
    def speakers(self) -> frozenset[str]:
        """Those of all of them."""
        return frozenset().union(*(condition.speakers for condition in self.conditions))

    @property
    def handoffs(self) -> frozenset[str | None]:
        """Those of all of them."""
        return frozenset[str | None]().union(*(condition.handoffs for condition in self.conditions))


@dataclass(frozen=True)
class All(_Several):
    """Over when all of them say so; made by ``&``."""

    def check(self, chat: Chat) -> str | None:
        """All the reasons."""
        reasons = []
        for condition in self.conditions:
            reason = condition.check(chat)
            if reason is None:
                return None
            reasons.append(reason)
        return " and ".join(reasons)


@dataclass(frozen=True)
class AnyOf(_Several):
    """Over when any of them says so; made by ``|``."""

    def check(self, chat: Chat) -> str | None:
        """The reason of the first that holds, in the order in which they are written."""
        return next((why for one in self.conditions if (why := one.check(chat)) is not None), None)


@dataclass(frozen=True)
class MaxTurns(Condition):
    """Over after so many turns of members. What the admin says is no turn."""

    turns: int

    def __post_init__(self) -> None:
        if not isinstance(self.turns, int) or isinstance(self.turns, bool) or self.turns < 1:
            raise ValueError(f"MaxTurns wants a whole number from 1, not {self.turns!r}")

    def check(self, chat: Chat) -> str | None:
        """Counted from the mark."""
        taken = chat.turns - chat.mark.turns
        return turns_taken(taken) if taken >= self.turns else None


@dataclass(frozen=True)
class TextMention(Condition):
    """Over when a member has said this, word for word, anywhere in what it said.

    Attributes:
        text: What; upper and lower case count. Results of tools, and the task, do not.
        by: Whose words count; by default those of all members in their turns. The admin may be named here too.
    """

    text: str
    by: str | Collection[str] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text:
            raise ValueError(f"TextMention wants a text that is not empty, not {self.text!r}")
        if isinstance(self.by, str):
            object.__setattr__(self, "by", (self.by,))
        if self.by is not None and not self.by:
            raise ValueError("TextMention: by= wants somebody whose words count; leave it out for everybody")

    def check(self, chat: Chat) -> str | None:
        """Looks at what was said since the mark."""
        for said in chat.talk[chat.mark.said :]:
            counts = said.turn > 0 if self.by is None else said.speaker in self.by
            if counts and self.text in said.text:
                return f"{said.speaker} said {self.text!r}"
        return None

    @property
    def speakers(self) -> frozenset[str]:
        """Those whose words count, where they are named."""
        return frozenset(self.by or ())


@dataclass(frozen=True)
class MaxTime(Condition):
    """Over after so many seconds, by the recorded times: those in which a run rests, or waits for a person, count too.

    It is looked at between turns, and cuts none of them short.
    """

    seconds: float

    def __post_init__(self) -> None:
        _positive("MaxTime", self.seconds)

    def check(self, chat: Chat) -> str | None:
        """Counted from the mark."""
        passed = chat.seconds
        told = f"{passed:.0f}" if passed >= 10 else f"{passed:.2g}"
        return f"{told} seconds have passed" if passed >= self.seconds else None


@dataclass(frozen=True)
class MaxTokens(Condition):
    """Over once so many tokens were read and written, by the members' models and the one that chooses speakers.

    It is looked at between turns: what the turn takes that reaches it is not known before. A `Budget` of the model
    refuses the call instead.
    """

    tokens: int

    def __post_init__(self) -> None:
        _positive("MaxTokens", self.tokens)

    def check(self, chat: Chat) -> str | None:
        """Counted from the mark."""
        taken = chat.spent.tokens - chat.mark.spent.tokens
        return f"{taken} tokens were used" if taken >= self.tokens else None


@dataclass(frozen=True)
class MaxCost(Condition):
    """Over once so many US dollars were spent; between turns, as `MaxTokens`.

    Attributes:
        dollars: The most.
        unknown: What a call whose cost is not known means: the talk is over (``"end"``), or it counts as nothing
            (``"ignore"``).
    """

    dollars: float
    unknown: Literal["end", "ignore"] = "end"

    def __post_init__(self) -> None:
        _positive("MaxCost", self.dollars)
        if self.unknown not in ("end", "ignore"):
            raise ValueError(f"MaxCost: unknown= is 'end' or 'ignore', not {self.unknown!r}")

    def check(self, chat: Chat) -> str | None:
        """Counted from the mark."""
        if self.unknown == "end" and chat.spent.unpriced > chat.mark.spent.unpriced:
            return "what it costs is not known"
        spent = chat.spent.cost - chat.mark.spent.cost
        return f"{spent:.4g} dollars were spent" if spent >= self.dollars else None


@dataclass(frozen=True)
class OnHandoff(Condition):
    """Over when a member has handed the floor to this one, who need not be a member; or to anybody."""

    target: str | None = None

    def check(self, chat: Chat) -> str | None:
        """Looks at what was said since the mark."""
        for said in chat.talk[chat.mark.said :]:
            if said.handoff and self.target in (None, said.handoff):
                return f"{said.speaker} handed over to {said.handoff}"
        return None

    @property
    def handoffs(self) -> frozenset[str | None]:
        """This one."""
        return frozenset((self.target,))


@dataclass(frozen=True)
class External(Condition):
    """Over when a signal has come: ``await backedge.send(run_id, "stop", journal=...)``, from any process.

    It is looked at between turns. A run that rests takes it when it is gone on with.
    """

    signal: str = "stop"

    def __post_init__(self) -> None:
        if not isinstance(self.signal, str) or self.signal in ("", ADMIN):
            raise ValueError(f"External wants the name of a signal other than {ADMIN!r}, not {self.signal!r}")

    def check(self, chat: Chat) -> str | None:
        """Looks at the signals that came since the mark."""
        return f"signal {self.signal!r} came" if self.signal in chat.signals[chat.mark.signals :] else None

    @property
    def signals(self) -> frozenset[str]:
        """This one."""
        return frozenset((self.signal,))


@dataclass(frozen=True)
class When(Condition):
    """Over when a function says so: a reason, or whether it is over. It is asked before each turn, and has to be pure.

    A plain function among conditions is taken for this one.
    """

    function: Callable[[Chat], bool | str | None]

    def check(self, chat: Chat) -> str | None:
        """Ask it.

        Raises:
            TypeError: It gives something else.
        """
        said = self.function(chat.handed_out())
        name = name_of_callable(self.function)
        if isinstance(said, bool):
            who = "a function" if name == "<lambda>" else name
            return f"{who} said so" if said else None
        if said is None or isinstance(said, str):
            return said or None
        raise TypeError(f"until={name} should give a reason, or whether the talk is over, not {said!r}")


def turns_taken(number: int) -> str:
    """So many turns, in words."""
    return "1 turn was taken" if number == 1 else f"{number} turns were taken"


def _positive(name: str, given: Any) -> None:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not given > 0 or not math.isfinite(given):
        raise ValueError(f"{name} wants a number above 0, not {given!r}")
