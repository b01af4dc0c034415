"""Who may have the floor: worked out of the talk and the rules, by functions that know neither graphs nor models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backedge.providers import ToolCall, ToolResult

from .talk import Said


@dataclass(frozen=True)
class Rules:
    """Who there is, and who may follow whom.

    Attributes:
        members: All of them, in the order of round robin.
        silent: Those who only carry out calls of tools, and never have the floor for another reason.
        after: Whom each member may be followed by; who is not named, by anybody.
        tools: Which tools of each member the others may call.
    """

    members: tuple[str, ...]
    silent: frozenset[str] = frozenset()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tools: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def followers(self, name: str) -> tuple[str, ...]:
        """Who may speak after a member, in order; after nobody (an empty name), whoever speaks at all."""
        allowed = self.after.get(name, self.members)
        return tuple(one for one in self.members if one in allowed and one not in self.silent)

    def owners(self, tool: str) -> tuple[str, ...]:
        """Who has a tool that others may call."""
        return tuple(one for one in self.members if tool in self.tools.get(one, ()))


@dataclass(frozen=True)
class Pending:
    """Calls of tools that nobody has answered.

    Attributes:
        caller: Who made them.
        calls: Which are left.
        answered: Whether some of them were answered already.
    """

    caller: str
    calls: tuple[ToolCall, ...]
    answered: bool


@dataclass(frozen=True)
class Candidates:
    """Who may have the floor next.

    Attributes:
        names: In the order of the members.
        why: What narrows them down beside the transitions, in words; empty for nothing.
    """

    names: tuple[str, ...]
    why: str = ""

    @property
    def settled(self) -> bool:
        """Whether there is nothing to choose, whatever the way of choosing."""
        return bool(self.why) and len(self.names) == 1


def pending(talk: Sequence[Said]) -> Pending | None:
    """The calls of the last answer that called any, as long as nothing but results came after it.

    Words that come in between, such as the admin's, end it: then they are not carried out any more.
    """
    results: Counter[str] = Counter()
    answered = False
    for said in reversed(talk):
        if said.message.role == "tool":
            results.update(part.id for part in said.message.parts if isinstance(part, ToolResult))
            answered = True
            continue
        if not said.message.tool_calls:
            return None
        left = []
        for call in said.message.tool_calls:
            if results[call.id]:
                results[call.id] -= 1
            else:
                left.append(call)
        return Pending(said.speaker, tuple(left), answered)
    return None


def last_speaker(rules: Rules, talk: Sequence[Said]) -> str:
    """The member who spoke last, in a turn or out of turn; empty before the first."""
    return next((said.speaker for said in reversed(talk) if said.speaker in rules.members), "")


def candidates(rules: Rules, talk: Sequence[Said]) -> Candidates:
    """Who may have the floor next.

    Whoever called tools has to be answered: by those who have one of them, whatever the transitions say, and then goes
    on. Next comes whom the last speaker handed the floor to, and else whoever may follow it.
    """
    open_calls = pending(talk)
    if open_calls is not None and open_calls.calls:
        able = {owner for call in open_calls.calls for owner in rules.owners(call.name)} - {open_calls.caller}
        names = tuple(one for one in rules.members if one in able)
        if names:
            told = ", ".join(dict.fromkeys(call.name for call in open_calls.calls))
            return Candidates(names, f"{open_calls.caller} called {told}")
    elif open_calls is not None and open_calls.answered and open_calls.caller in rules.members:
        return Candidates((open_calls.caller,), "what it called was carried out")
    if talk and talk[-1].handoff in rules.members:
        return Candidates((talk[-1].handoff,), f"{talk[-1].speaker} handed over")
    return Candidates(rules.followers(last_speaker(rules, talk)))


def homeless(rules: Rules, talk: Sequence[Said]) -> tuple[ToolCall, ...]:
    """Calls that nobody but perhaps the caller could carry out."""
    open_calls = pending(talk)
    if open_calls is None:
        return ()
    others = [one for one in rules.members if one != open_calls.caller]
    return tuple(
        call for call in open_calls.calls if not any(one in rules.owners(call.name) for one in others)
    )


def next_in_order(rules: Rules, names: Sequence[str], after: str) -> str:
    """Of some members, the one that comes first after another one in the circle of all.

    >>> next_in_order(Rules(("a", "b", "c")), ("a", "c"), "c")
    'a'
    """
    place = rules.members.index(after) + 1 if after in rules.members else 0
    circle = [*rules.members[place:], *rules.members[:place]]
    return next(one for one in circle if one in names)


def named(answer: str, names: Sequence[str]) -> str | None:
    """Which member an answer in words names: exactly one, or it is None.

    A name that is part of another word does not count.

    >>> named("I think the **critic** should go on.", ("coder", "critic"))
    'critic'
    """
    plain = answer.strip().strip("\"'`*.:!").casefold()
    exact = [name for name in names if name.casefold() == plain]
    if len(exact) == 1:
        return exact[0]
    for flags in (re.NOFLAG, re.IGNORECASE):
        found = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", answer, flags)]
        if len(found) == 1:
            return found[0]
        if found:
            return None
    return None
