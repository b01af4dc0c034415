"""Who may hand off to whom in a swarm, and what follows: where each agent's node leads, and who may give the last answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.definition import usable_name
from backedge.nodes.agents import Agent
from backedge.nodes.tools import AnyTool, ToolDefinitionError

from .handoff import Handoff
from .turning import AtLimit

AnyAgent: TypeAlias = Agent[Any]
Handoffs: TypeAlias = Mapping[AnyAgent | str, Sequence[Handoff | AnyAgent | str]]
"""Who may hand off to whom: an agent, or its name, to others."""

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s")


class Plan:
    """Who may hand off to whom, and what follows from it.

    Attributes:
        problems: What does not fit together.
        agents: By name.
        start: Who begins.
        fallback: Who answers at a limit; empty for nobody.
        go_on: Whether anybody may begin.
        handoffs: For each agent its handoffs, by target.
        tools: For each agent the tools to hand off with, by name.
        leads: For each agent whom its node leads to, be it with a handoff or with an answer.
        ends: Who may give the last answer.
    """

    def __init__(
        self,
        agents: Sequence[AnyAgent],
        start: AnyAgent | str | None,
        handoffs: Handoffs | Literal["all"],
        at_limit: AtLimit | AnyAgent,
        go_on: bool,
    ) -> None:
        self.problems: list[str] = []
        self.go_on = go_on
        self.agents = self._named(agents)
        self.fallback = "" if isinstance(at_limit, str) else at_limit.name
        self._ends_at_limit = at_limit == "end"
        self.start = ""
        self.handoffs: dict[str, dict[str, Handoff]] = {called: {} for called in self.agents}
        self.tools: dict[str, dict[str, AnyTool]] = {called: {} for called in self.agents}
        self.leads: dict[str, tuple[str, ...]] = {}
        self.ends: set[str] = set()
        if not self.agents:
            self.problems += (
                [] if self.problems else ["a swarm has one agent at least, as in swarm([triage, billing])"]
            )
            return
        self.start = next(iter(self.agents)) if start is None else self._name(start, "start=")
        self._check_limit(at_limit)
        self._read(handoffs)
        if not self.problems:
            self._follow()

    def targets(self, called: str) -> tuple[str, ...]:
        """Where an agent's node leads."""
        own = self.leads[called]
        return (*own, "END") if called in self.ends else own

    @property
    def arcs(self) -> list[tuple[str, str]]:
        """Where the work may go, coming back with an answer included."""
        return [(source, target) for source, targets in self.leads.items() for target in targets]

    # ------------------------------------------------------------------ what was said

    def _named(self, agents: Any) -> dict[str, AnyAgent]:
        found: dict[str, AnyAgent] = {}
        if isinstance(agents, Agent | str) or not isinstance(agents, Iterable):
            self.problems.append(f"a swarm is of a list of agents, not {agents!r}")
            return found
        for agent in agents:
            if not isinstance(agent, Agent):
                self.problems.append(f"a swarm is of agents, and {agent!r} is none")
            elif agent.name in found:
                self.problems.append(f"two agents are called {agent.name!r}: give one of them another name=")
            elif not usable_name(agent.name):
                self.problems.append(
                    f"no agent of a swarm can be called {agent.name!r}: give it another name="
                )
            else:
                found[agent.name] = agent
        return found

    def _name(self, one: AnyAgent | str, where: str) -> str:
        """The name of an agent; empty, with a problem, where it is none of the swarm."""
        called = one.name if isinstance(one, Agent) else one
        known = self.agents.get(called) if isinstance(called, str) else None
        if known is not None and (known is one or isinstance(one, str)):
            return called
        there = ", ".join(self.agents) or "nobody"
        self.problems.append(f"{where} names {one!r}, who is not in the swarm; there is {there}")
        return ""

    def _check_limit(self, at_limit: AtLimit | AnyAgent) -> None:
        if isinstance(at_limit, Agent):
            self._name(at_limit, "at_limit=")
        elif at_limit not in ("answer", "end", "fail"):
            self.problems.append(f'at_limit= wants "answer", "end", "fail" or an agent, not {at_limit!r}')
        elif at_limit == "end" and not any(agent.output is str for agent in self.agents.values()):
            self.problems.append(
                'at_limit="end" makes an answer of what was said last, but no agent answers in words: '
                'say "answer", "fail", or an agent'
            )

    def _read(self, handoffs: Any) -> None:
        if handoffs == "all":
            handoffs = {one: [other for other in self.agents if other != one] for one in self.agents}
        if not isinstance(handoffs, Mapping):
            self.problems.append(f'handoffs= wants "all", or agents to agents, not {handoffs!r}')
            return
        for source, targets in handoffs.items():
            called = self._name(source, "handoffs=")
            if isinstance(targets, str | Agent | Handoff) or not isinstance(targets, Iterable):
                self.problems.append(f"handoffs= of {called} is a list, such as [{_said(targets)}]")
                continue
            for one in targets:
                handoff = one if isinstance(one, Handoff) else Handoff(to=one)
                target = self._name(handoff.to, f"handoffs= of {called}") if called else ""
                if called and target:
                    self._add(called, target, handoff)

    def _add(self, source: str, target: str, handoff: Handoff) -> None:
        own = self.handoffs[source]
        if source == target:
            self.problems.append(f"{source} cannot hand off to itself")
        elif target in own:
            self.problems.append(f"{source} has two handoffs to {target}: say one of them")
        elif handoff.name in self.agents[source].tools:
            self.problems.append(f"{source} has a tool {handoff.name!r} of its own: give it another name=")
        else:
            own[target] = handoff
            about = _SENTENCE.split(self.agents[target].instructions.strip(), maxsplit=1)[0]
            try:
                self.tools[source][handoff.name] = handoff.tool(about)
            except ToolDefinitionError as error:
                self.problems.append(f"{source} cannot hand off to {target}: {error}")

    # ------------------------------------------------------------------ what follows

    def _follow(self) -> None:
        """Find where the nodes lead. Whoever can have the work while an agent waits for an answer may give it."""
        given = {
            one: [each.target for each in own.values() if not each.returns]
            for one, own in self.handoffs.items()
        }
        made = {one: set(own) for one, own in self.handoffs.items()}
        for caller, own in self.handoffs.items():
            for one in _reached([each.target for each in own.values() if each.returns], given):
                made[one].add(caller)
        first = list(self.agents) if self.go_on else [self.start]
        self.ends = _reached(first, given)
        found = _reached(first, made)
        if self._ends_at_limit:
            self.ends |= {one for one, own in self.handoffs.items() if own}
        if self.fallback:
            self.ends.add(self.fallback)
            found.add(self.fallback)
            for one, own in self.handoffs.items():
                made[one] |= {self.fallback} if own else set()
        self.problems += [
            f"nobody hands off to {one}: add it to handoffs=" for one in self.agents if one not in found
        ]
        order = {called: place for place, called in enumerate(self.agents)}
        self.leads = {one: tuple(sorted(targets, key=order.__getitem__)) for one, targets in made.items()}


def _said(one: object) -> str:
    """Somebody, as one writes it."""
    if isinstance(one, Handoff):
        return f"Handoff(to={one.target!r})"
    return one.name if isinstance(one, Agent) else repr(one)


def _reached(first: Sequence[str], steps: Mapping[str, Iterable[str]]) -> set[str]:
    """Who is reached in any number of steps, the first included."""
    found, left = set(first), list(first)
    while left:
        for one in steps[left.pop()]:
            if one not in found:
                found.add(one)
                left.append(one)
    return found
