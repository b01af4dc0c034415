"""What is known of an agent before it does anything: who it is, what it is for, and the flow that it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from backedge.engine.definition import is_text
from backedge.engine.errors import BackedgeError, InputError
from backedge.engine.execution.options import RunOptions
from backedge.engine.flow import Flow

CONCURRENCY: Final = 2
"""How many jobs an agent does at once when nobody says otherwise."""


class RegistryError(BackedgeError):
    """Agents that cannot be registered, or one that is not there. `problems` lists all that was found."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class AgentCard:
    """An agent: an id, what it is for, and the flow that each of its jobs is a run of.

    Attributes:
        id: Its name, unique in its registry. Jobs are kept under it, so it has to stay the same.
        flow: What a job runs.
        role: What it is: ``"coder"``. Several agents may have one role.
        functions: What it can do: ``("write code", "mend code")``.
        description: What else is worth saying.
        concurrency: How many of its jobs run at once.
        silent_after: It counts as silent when a job of it was not heard of for so many seconds; None: never. Whatever an agent's
            run tells is a beat, ``ctx.emit`` included.
        restarts: How often a silent job is stopped and gone on with, before it is left running.
        options: How its runs are carried out.

    Example:
        >>> from pydantic import BaseModel
        >>> from backedge import END, START, Graph
        >>> class Text(BaseModel):
        ...     text: str
        >>> graph = Graph(Text)
        >>> graph.edge(START, END)
        >>> AgentCard("ann", graph.compile(), role="writer", functions=("draft",)).concurrency
        2
    """

    id: str
    flow: Flow[Any]
    role: str = ""
    functions: tuple[str, ...] = ()
    description: str = ""
    concurrency: int = CONCURRENCY
    silent_after: float | None = None
    restarts: int = 0
    options: RunOptions = field(default_factory=lambda: RunOptions(), hash=False)

    def problems(self) -> list[str]:
        """All that is wrong with it, a sentence each."""
        who = f"agent {self.id!r}"
        ident, flow, role, functions = cast(
            "tuple[object, ...]", (self.id, self.flow, self.role, self.functions)
        )
        found = []
        if not is_text(ident) or "/" in self.id:
            found.append(f"the id of an agent is a text that is not empty and without '/', not {ident!r}")
        if not isinstance(flow, Flow):
            found.append(f"{who}: flow= is a compiled graph, not {type(flow).__name__}: call compile()")
        else:
            found += [f"{who}: {wrong}" for wrong in self._wrong_options()]
        if not isinstance(role, str):
            found.append(f"{who}: role= is a text, not {role!r}")
        if not isinstance(functions, tuple) or not all(isinstance(one, str) and one for one in functions):
            found.append(f"{who}: functions= is a tuple of texts, as in ('draft',), not {functions!r}")
        for name, count, least in (("concurrency", self.concurrency, 1), ("restarts", self.restarts, 0)):
            if isinstance(count, bool) or not isinstance(count, int) or count < least:
                found.append(f"{who}: {name}= is a whole number from {least}, not {count!r}")
        if self.silent_after is not None and not (is_time(self.silent_after) and self.silent_after):
            found.append(f"{who}: silent_after= is seconds above 0, or None, not {self.silent_after!r}")
        if self.restarts and self.silent_after is None:
            found.append(f"{who}: restarts= is for silent jobs: say silent_after= too")
        return found

    def _wrong_options(self) -> list[str]:
        options: object = self.options
        if not isinstance(options, Mapping):
            return [f"options= maps names to values, as in {{'deadline': 60}}, not {options!r}"]
        try:
            self.flow.work(self.options)
        except InputError as error:
            return [f"options=: {error}"]
        return []


def is_time(seconds: object) -> bool:
    """Whether it is a number of seconds, from 0."""
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < math.inf
