"""Whether an answer is to be given anew: a policy, and what it makes of a trigger. Pure; time is an argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from backedge.nodes.agents import Agent
from backedge.providers import Model

from .triggers import Begun, Custom, Entry, Ignored, On, OnError, PeerAnswer, Trigger, UserInput, source_of

Relevance: TypeAlias = float | Callable[..., Any] | Agent[Any] | Model | None
"""What says whether a trigger has to do with an answer.

* a number from 0 to 1: how much of it must be in neither the answer nor what the same source said last, by the words (see
  `backedge.nodes.novelty`), or it must have a number that is in neither;
* a function of the trigger and the answer, which gives a bool or a number (relevant from 0.5 on). A plain one is to be pure;
  what an ``async def`` gives is recorded;
* a model, or an agent with ``output=Verdict``, which is asked;
* None: everything has.
"""


@dataclass(frozen=True, kw_only=True)
class Restart:
    """When an answer is to be given anew.

    Attributes:
        on: The triggers.
        limit: How often in all; None for no limit.
        cooldown: Seconds from one beginning to the next at least. What comes meanwhile is kept, and considered at their end.
        relevance: What has to do with an answer, for what peers and people say; see `Relevance`.

    Raises:
        ValueError: Something of it cannot be used; every problem is told.

    Example:
        >>> restart = Restart(on=[PeerAnswer("critique"), UserInput(limit=3)], limit=5, cooldown=10)
    """

    on: Sequence[On]
    limit: int | None = 3
    cooldown: float = 0.0
    relevance: Relevance = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", (self.on,) if isinstance(self.on, On) else tuple(self.on))
        problems = list(_problems(self))
        if problems:
            raise ValueError("a restart that cannot work: " + "; ".join(problems))

    def of(self, trigger: Trigger) -> On | None:
        """The trigger of the policy that this came through."""
        return next(
            (on for on in self.on if (on.kind, source_of(on)) == (trigger.kind, trigger.source)), None
        )

    def relevance_of(self, on: On) -> Relevance:
        """What judges what comes through it: errors, checks and functions have to do with the answer anyway."""
        if on.relevance != "restart's":
            given: Relevance = on.relevance
            return given
        return self.relevance if on.kind in ("peer", "input") else None


@dataclass(frozen=True)
class Begin:
    """It is to begin again."""


@dataclass(frozen=True)
class Ignore:
    """It is not, for this."""

    why: str


@dataclass(frozen=True)
class Wait:
    """Not yet."""

    until: datetime


Verdict: TypeAlias = Begin | Ignore | Wait


def decide(restart: Restart, history: Iterable[Entry], trigger: Trigger, now: datetime) -> Verdict:
    """What a trigger leads to.

    Args:
        restart: The policy.
        history: What happened to the answer so far.
        trigger: What happened now.
        now: The time.

    Example:
        >>> from datetime import UTC
        >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        >>> note = Trigger(kind="input", source="note", text="in metric units", at=noon)
        >>> once = Restart(on=[UserInput()], limit=1)
        >>> decide(once, [], note, noon)
        Begin()
        >>> decide(once, [Begun(number=1, at=noon, triggers=(note,))], note, noon)
        Ignore(why='limit=1 is reached')
    """
    on = restart.of(trigger)
    begun = [entry for entry in history if isinstance(entry, Begun)]
    if on is None:
        return Ignore(f"nothing is said of {trigger.kind} {trigger.source!r}")
    if not trigger.relevant:
        return Ignore(f"irrelevant: {trigger.relevance}" if trigger.relevance else "irrelevant")
    if restart.limit is not None and len(begun) >= restart.limit:
        return Ignore(f"limit={restart.limit} is reached")
    own = sum(
        any((it.kind, it.source) == (trigger.kind, trigger.source) for it in one.triggers) for one in begun
    )
    if on.limit is not None and own >= on.limit:
        return Ignore(f"limit={on.limit} of {trigger.source} is reached")
    if begun:
        until = begun[-1].at + timedelta(seconds=restart.cooldown)
        if now < until:
            return Wait(until)
    return Begin()


@dataclass(frozen=True)
class Sifted:
    """What several triggers lead to, together.

    Attributes:
        begin: Those for which it begins again, at once.
        wait: Those that are kept, until then.
        until: When to look again at those that wait; None where none does.
        ignored: What is written down of the others.
    """

    begin: tuple[Trigger, ...] = ()
    wait: tuple[Trigger, ...] = ()
    until: datetime | None = None
    ignored: tuple[Ignored, ...] = ()


def sift(restart: Restart, history: Sequence[Entry], triggers: Iterable[Trigger], now: datetime) -> Sifted:
    """What triggers that are there at the same time lead to: to one beginning, however many they are."""
    begin: list[Trigger] = []
    wait: list[Trigger] = []
    until: datetime | None = None
    ignored: list[Ignored] = []
    for trigger in triggers:
        match decide(restart, history, trigger, now):
            case Begin():
                begin.append(trigger)
            case Wait(until=then):
                wait.append(trigger)
                until = then
            case Ignore(why=why):
                ignored.append(Ignored(trigger=trigger, why=why, at=now))
    return Sifted(tuple(begin), tuple(wait), until, tuple(ignored))


def _problems(restart: Restart) -> Iterable[str]:
    if not restart.on:
        yield "on= names no trigger"
    if strangers := [on for on in restart.on if not isinstance(on, On)]:
        yield f"on= takes triggers such as UserInput(), not {strangers[0]!r}"
        return
    names = [source_of(on) for on in restart.on]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"two triggers are called {twice[0]!r}: give one of them a name="
    if restart.limit is not None and not _is_whole(restart.limit):
        yield f"limit= is a whole number from 0, or None, not {restart.limit!r}"
    if not _is_seconds(restart.cooldown):
        yield f"cooldown= is a number of seconds from 0, not {restart.cooldown!r}"
    for on, name in zip(restart.on, names, strict=True):
        yield from _problems_of(on, name)
        how = restart.relevance_of(on)
        if not _can_judge(how):
            yield f"{name}: relevance= is a number from 0 to 1, a function, a model or None, not {how!r}"


def _problems_of(on: On, name: str) -> Iterable[str]:
    if on.limit is not None and not _is_whole(on.limit):
        yield f"{name}: limit= is a whole number from 0, or None, not {on.limit!r}"
    if isinstance(on, PeerAnswer | UserInput) and on.wait is not None and not _is_seconds(on.wait):
        yield f"{name}: wait= is a number of seconds from 0, or None, not {on.wait!r}"
    if isinstance(on, UserInput) and not on.signal:
        yield "UserInput wants the name of a signal, not an empty one"
    if isinstance(on, OnError) and not _is_error(on.error):
        yield f"OnError wants one class of exceptions such as ValueError, not {on.error!r}"
    if isinstance(on, Custom) and not _is_function(on.function):
        yield f"Custom wants a function of fields, not {on.function!r}"
    if isinstance(on, PeerAnswer) and bool(on.answer) == bool(on.signal):
        yield f"PeerAnswer wants the field of the answer, or a signal=, not {'both' if on.signal else 'neither'}"


def _can_judge(how: object) -> bool:
    if isinstance(how, int | float) and not isinstance(how, bool):
        return 0 <= how <= 1
    return how is None or callable(how) or isinstance(how, Agent | Model)


def _is_function(what: object) -> bool:
    return callable(what)


def _is_error(what: object) -> bool:
    return isinstance(what, type) and issubclass(what, Exception)


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _is_seconds(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and number >= 0
        and math.isfinite(number)
    )
