"""Where the work goes when an agent has had its turn. Pure: it decides, and the node of the agent does so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backedge.nodes.agents import Entry, Leave, Summary

from .filters import Filter, everything
from .state import Frame, Passing, Span
from .viewing import filtered, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where the work goes.

    Attributes:
        target: Who has it now; ``END`` for nobody.
        writes: What is written to the state.
    """

    target: str
    writes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand in the turn of an agent.

    Attributes:
        agent: Who has the work.
        talk: All that was said.
        view: What of it the agent is shown.
        trail: Every handoff until now.
        stack: Who waits for an answer.
        added: The entries at the end of `talk` that are not written yet.
    """

    agent: str
    talk: tuple[Entry, ...]
    view: tuple[Span, ...]
    trail: tuple[Passing, ...]
    stack: tuple[Frame, ...]
    added: tuple[Entry, ...] = ()

    @property
    def seen(self) -> list[Entry]:
        """What the agent is shown. What people gave it leave for counts, whatever of the rest went along."""
        leave = [one for one in self.talk if isinstance(one, Leave) and one.agent == self.agent]
        return [*leave, *(one for one in shown(self.talk, self.view) if not isinstance(one, Leave))]

    def said(self, entries: Sequence[Entry]) -> Standing:
        """After the agent's turn, in which this was said.

        A summary tells how many messages it stands for. Of an agent that saw only a part of the conversation these would be
        others, so it is not kept.
        """
        size = len(self.talk)
        whole = self.view == ((0, size),) if size else True
        added = tuple(one for one in entries if whole or not isinstance(one, Summary))
        view = _behind(self.view, (size, size + len(added)))
        return replace(self, talk=(*self.talk, *added), view=view, added=added)

    def hand_over(self, target: str, told: str, *, choose: Filter, returns: bool) -> Move:
        """Give the work to another agent; if it returns, this one waits for the answer."""
        waiting = (*self.stack, Frame(agent=self.agent, view=self.view)) if returns else self.stack
        kind = "call" if returns else "handoff"
        return self._move(kind, target, told, stack=waiting, choose=choose)

    def fall_back(self, target: str, told: str) -> Move:
        """Give the work to the agent for when a limit is reached. Nobody waits for an answer any more."""
        return self._move("fallback", target, told, stack=(), choose=everything)

    def answer(self, output: Any, text: str) -> Move:
        """Give an answer: to whoever waits for it, who goes on with what it had seen and said; or else as the last one."""
        if not self.stack:
            return self.end(answer=output)
        frame = self.stack[-1]
        passing = Passing(kind="return", source=self.agent, target=frame.agent, told=text)
        return self._moved(passing, frame.view, self.stack[:-1])

    def end(self, **writes: Any) -> Move:
        """Nobody has the work any more."""
        return Move(
            target="END", writes={"active": self.agent, "view": self.view, "talk": [*self.added], **writes}
        )

    def _move(self, kind: Any, target: str, told: str, *, stack: tuple[Frame, ...], choose: Filter) -> Move:
        view, made_up = filtered(self.talk, self.view, choose)
        passing = Passing(kind=kind, source=self.agent, target=target, told=told)
        return self._moved(passing, view, stack, made_up)

    def _moved(
        self,
        passing: Passing,
        view: tuple[Span, ...],
        stack: tuple[Frame, ...],
        made_up: Sequence[Entry] = (),
    ) -> Move:
        writes = {
            "active": passing.target,
            "talk": [*self.added, *made_up],
            "view": view,
            "trail": [passing],
            "stack": stack,
        }
        return Move(target=passing.target, writes=writes)


def _behind(view: tuple[Span, ...], span: Span) -> tuple[Span, ...]:
    """A view and what follows in the conversation."""
    if span[0] == span[1]:
        return view
    if view and view[-1][1] == span[0]:
        return (*view[:-1], (view[-1][0], span[1]))
    return (*view, span)
