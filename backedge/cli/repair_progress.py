"""Watching a repair: one line for each round of a loop, and on a terminal what is going on right now."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from backedge.engine.execution.events import ActivationFinished, ActivationStarted, Event
from backedge.engine.records import ActivationId
from backedge.nodes.repair.graph import Coder
from backedge.nodes.repair.memory import Memory
from backedge.nodes.repair.models import Batch, Bill, Report, Survey, Verdict

from .console import console_for, cut

DOING = {
    "spec": "reading program and cases",
    "look": "looking at the original",
    "coder": "proposing candidates",
    "interpreter": "running candidates in the sandbox",
    "checker": "judging",
    "author": "asking the model",
    "trial": "running what the model wrote",
    "referee": "judging what the model wrote",
    "outcome": "putting it together",
}

_MODELS = ("author", "trial", "referee")
"""The nodes of the model's side, where there are two."""


@dataclass
class Progress:
    """What a repair has told so far, folded from its events without any I/O.

    Attributes:
        model: The model's name; empty without one.
        coder: Who writes candidates.
        cases: How many cases there are; 0 while it is not known.
    """

    model: str = ""
    coder: Coder = "search"
    cases: int = 0
    _doing: dict[bool, str] = field(default_factory=lambda: {False: "starting"})
    _batch: Batch = field(default_factory=Batch)
    _report: Report = field(default_factory=Report)
    _answer: Batch = field(default_factory=Batch)

    @property
    def doing(self) -> str:
        """What is going on."""
        return "; ".join(self._doing[side] for side in sorted(self._doing))

    def hear(self, event: Event) -> str | None:
        """Take in an event; a line when it ended a round."""
        if isinstance(event, ActivationStarted):
            self._begun(event.activation)
        if not isinstance(event, ActivationFinished):
            return None
        updates = event.updates
        if isinstance(batch := updates.get("batch"), Batch):
            self._batch = batch
        if isinstance(answer := updates.get("answer"), Batch):
            self._answer = answer
        if isinstance(report := updates.get("report"), Report):
            self._report = report
        if isinstance(survey := updates.get("survey"), Survey):
            self.cases = len(survey.cases)
            first = updates.get("verdict")
            if isinstance(first, Verdict):
                return f"round  0  {'the original':<27}  {first.message}"
        memory, verdict = updates.get("memory"), updates.get("verdict")
        if isinstance(memory, Memory) and isinstance(verdict, Verdict) and event.activation.node == "checker":
            asked = self._batch.bill.calls or self._batch.author == self.model
            return self._asked(self._batch, memory, verdict) if asked else self._searched(memory, verdict)
        memory, verdict = updates.get("notes"), updates.get("ruling")
        if isinstance(memory, Memory) and isinstance(verdict, Verdict):
            return self._asked(self._answer, memory, verdict)
        return None

    def _begun(self, activation: ActivationId) -> None:
        node = activation.node
        what = DOING.get(node, node)
        first = not any(number for _, number in activation.rounds)
        if node == "coder" and self.coder == "model" and not first:
            what = DOING["author"]
        if node == "interpreter" and self.coder != "both" and first:
            what = DOING["look"]
        if node == "outcome":
            self._doing.clear()
        self._doing[node in _MODELS] = what

    def _searched(self, memory: Memory, verdict: Verdict) -> str:
        number = memory.round - 1
        if self._report.over:
            return f"round {number + 1:>2}  {verdict.message}"
        count = len(self._report.results)
        pace = count / self._report.seconds if self._report.seconds else 0.0
        if self._report.results:  # after a resume the survey was not heard
            self.cases = len(self._report.results[0].outcomes)
        best = f"best {memory.best}/{self.cases}" if self.cases else f"best {memory.best}"
        return f"round {number:>2}  {count:>4} candidates {pace:>5.0f}/s  {best}  {verdict.message}"

    def _asked(self, batch: Batch, memory: Memory, verdict: Verdict) -> str:
        # where there are two, the model has a count of its own, which has no round for the original
        number = f"answer {memory.round:>2}" if self.coder == "both" else f"round {memory.round - 1:>2}"
        best = f"best {memory.best}/{self.cases}" if self.cases else f"best {memory.best}"
        if batch.over:
            return f"answer {memory.round + 1:>2}  {batch.author}: cancelled  {verdict.message}"
        took = bill_line(batch.bill) if batch.bill.calls else "more time for its answer"
        return f"{number}  {batch.author}: {took}  {best}  {verdict.message}"


def bill_line(bill: Bill) -> str:
    """What calls took; a cost that is not known is said to be so."""
    calls = "1 call" if bill.calls == 1 else f"{bill.calls} calls"
    cost = f"${bill.dollars:.4f}"
    if bill.unpriced:
        cost = "cost unknown" if not bill.dollars else f"{cost} and {bill.unpriced} of unknown cost"
    return f"{calls}, {bill.input_tokens:,} tokens read, {bill.output_tokens:,} written, {cost}"


async def show(events: AsyncIterator[Event], progress: Progress) -> None:
    """Show events on stderr until they end."""
    console = console_for(sys.stderr)
    if not console.is_terminal:
        async for event in events:
            line = progress.hear(event)
            if line is not None:
                console.print(Text(cut(line, 300)))
        return
    await _live(events, progress, console)


async def _live(events: AsyncIterator[Event], progress: Progress, console: Console) -> None:
    began = time.monotonic()
    spinner = Spinner("dots")

    def picture() -> Spinner:
        spinner.update(text=Text(f"{progress.doing} … {time.monotonic() - began:.0f} s", style="cyan"))
        return spinner

    with Live(console=console, refresh_per_second=8, transient=True, get_renderable=picture):
        async for event in events:
            line = progress.hear(event)
            if line is not None:
                console.print(Text(cut(line, max(console.width - 1, 40))))
