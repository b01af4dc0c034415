"""What may be wrong with a talk, looked at before it is built: all of it at once, each with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backedge.engine.graph import END, START
from backedge.providers.protocol import ToolSpec

from .assistant import TRANSFER
from .choosing import CHOOSER
from .ending import Condition
from .proxy import UserProxy
from .speaking import Voice
from .talk import NOTES


def problems_of(voices: Sequence[Voice], *, admin: str | None, max_turns: int | None) -> list[str]:
    """What is wrong with the members, their names and their tools, and with the bound of turns."""
    problems = [*_name_problems(voices, admin), *_tool_problems(voices), *_handoff_problems(voices)]
    if voices and all(voice.silent for voice in voices):
        problems.append("no member speaks by itself: all of them only carry out calls of tools")
    if max_turns is not None and (
        isinstance(max_turns, bool) or not isinstance(max_turns, int) or max_turns < 1
    ):
        problems.append(f"max_turns= wants a whole number from 1, or None, not {max_turns!r}")
    return problems


def _name_problems(voices: Sequence[Voice], admin: str | None) -> list[str]:
    problems = []
    names = [voice.name for voice in voices]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(
                f"{names.count(name)} members are called {name!r}: give one of them another name, as in Member(agent, name=...)"
            )
        if not isinstance(name, str) or not name.isidentifier() or name in (START.name, END.name):
            problems.append(
                f"a member's name is an identifier, such as 'coder', not {name!r}: see Member(..., name=...)"
            )
        if name in (CHOOSER, NOTES):
            problems.append(f"no member can be called {name!r}: the talk itself uses that name")
    if admin is not None and (not isinstance(admin, str) or not admin.strip() or admin == NOTES):
        problems.append(f"admin= is the name of a person, or None, not {admin!r}")
    problems += [
        f"admin={admin!r} is a person, and so is not {voice.name!r}: give one of them another name"
        for voice in voices
        if voice.name == admin and not isinstance(voice, UserProxy)
    ]
    return problems


def _tool_problems(voices: Sequence[Voice]) -> list[str]:
    problems, first = [], dict[str, tuple[str, ToolSpec]]()
    for voice in voices:
        for tool in voice.tools.values():
            owner, spec = first.setdefault(tool.name, (voice.name, tool.spec()))
            if spec.parameters != tool.spec().parameters:
                problems.append(
                    f"{owner} and {voice.name} have a tool {tool.name!r} each that takes other arguments: give one of them another name="
                )
            if tool.name.startswith(TRANSFER):
                problems.append(
                    f"{voice.name}: a tool cannot be called {tool.name!r}: names that begin so hand over the floor"
                )
    for voice in voices:
        wanted = getattr(voice, "calls", "any")
        unknown = [] if isinstance(wanted, str) else [name for name in wanted if name not in first]
        problems += [
            f"{voice.name} may call {name!r}, which nobody has; there are: {', '.join(first) or 'none'}"
            for name in unknown
        ]
    return problems


def _handoff_problems(voices: Sequence[Voice]) -> list[str]:
    problems = []
    silent = {voice.name for voice in voices if voice.silent}
    for voice in voices:
        for target in voice.handoffs:
            if target == voice.name:
                problems.append(f"{target} hands over to itself: leave that out of its handoffs=")
            elif target in silent:
                problems.append(f"{voice.name} hands over to {target}, who only carries out calls of tools")
    return problems


def condition_problems(until: Condition, voices: Sequence[Voice], admin: str | None) -> list[str]:
    """What conditions wait for in vain: words of somebody who is not there, a handoff that nobody makes."""
    there = [*(voice.name for voice in voices), *((admin,) if admin else ())]
    problems = [
        f"until= waits for words of {name!r}, who is not there; there are {', '.join(there)}"
        for name in sorted(until.speakers - set(there))
    ]
    made = {target for voice in voices for target in voice.handoffs}
    for target in until.handoffs:
        if not (made if target is None else target in made):
            whom = "anybody" if target is None else repr(target)
            problems.append(
                f"until= waits for a handoff to {whom}, which nobody makes: "
                f"see handoffs= of an Assistant, and Handoff among the tools of an Agent"
            )
    return problems


def transitions_of(
    voices: Sequence[Voice],
    allowed: Mapping[str, Sequence[str]] | None,
    forbidden: Mapping[str, Sequence[str]] | None,
    *,
    repeat: bool,
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Whom each member may be followed by, and what is wrong with that."""
    names = [voice.name for voice in voices]
    problems = []
    if allowed is not None and forbidden is not None:
        problems.append("transitions= says who may follow whom, and forbidden= who may not: give one of them")
    for option, given in (("transitions", allowed), ("forbidden", forbidden)):
        problems += _unknown(option, given, names)
    if problems:
        return {}, problems
    after: dict[str, tuple[str, ...]] = {}
    speaking = {voice.name for voice in voices if not voice.silent}
    for name in names:
        others = tuple(names if repeat else [one for one in names if one != name])
        if allowed is not None and name in allowed:
            others = tuple(allowed[name])
        elif forbidden is not None:
            others = tuple(one for one in others if one not in forbidden.get(name, ()))
        after[name] = others
        if name in speaking and not speaking.intersection(others):
            problems.append(
                f"nobody may speak after {name}: allow somebody, in transitions=, forbidden= or repeat="
            )
    return after, problems


def _are_names(given: Any) -> bool:
    several = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    return several and all(isinstance(one, str) for one in given)


def _unknown(option: str, given: Any, names: Sequence[str]) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, Mapping) or not all(map(_are_names, given.values())):
        return [f"{option}= maps a member to several, as in {{'coder': ['critic']}}, not {given!r}"]
    unknown = dict.fromkeys(
        one for key, others in given.items() for one in (key, *others) if one not in names
    )
    return [f"{option}= names {one!r}, who is no member; there are {', '.join(names)}" for one in unknown]
