"""Watching a repair: one line for each round of the loop, and on a terminal what is going on right now."""

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
from backedge.nodes.repair.memory import Memory
from backedge.nodes.repair.models import Batch, Report, Survey, Verdict

from .console import console_for, cut

DOING = {
    "spec": "reading program and cases",
    "coder": "proposing candidates",
    "interpreter": "running candidates in the sandbox",
    "checker": "judging",
}


@dataclass
class Progress:
    """What a repair has told so far, folded from its events without any I/O.

    Attributes:
        doing: What is going on.
        cases: How many cases there are; 0 while it is not known.
    """

    doing: str = "starting"
    cases: int = 0
    _batch: Batch = field(default_factory=Batch)
    _report: Report = field(default_factory=Report)

    def hear(self, event: Event) -> str | None:
        """Take in an event; a line when it ended a round."""
        if isinstance(event, ActivationStarted):
            what = DOING.get(event.activation.node, event.activation.node)
            self.doing = (
                "looking at the original" if "running" in what and not self._batch.candidates else what
            )
        if not isinstance(event, ActivationFinished):
            return None
        updates = event.updates
        if isinstance(batch := updates.get("batch"), Batch):
            self._batch = batch
        if isinstance(report := updates.get("report"), Report):
            self._report = report
        if isinstance(survey := updates.get("survey"), Survey):
            self.cases = len(survey.cases)
        memory, verdict = updates.get("memory"), updates.get("verdict")
        if isinstance(memory, Memory) and isinstance(verdict, Verdict):
            return self._line(memory, verdict)
        return None

    def _line(self, memory: Memory, verdict: Verdict) -> str:
        number = memory.round - 1
        if self._report.survey is not None:
            return f"round {number:>2}  {'the original':<27}  {verdict.message}"
        count = len(self._report.results)
        pace = count / self._report.seconds if self._report.seconds else 0.0
        if self._report.results:  # after a resume the survey was not heard
            self.cases = len(self._report.results[0].outcomes)
        best = f"  best {memory.best}/{self.cases}" if self.cases else f"  best {memory.best}"
        return f"round {number:>2}  {count:>4} candidates {pace:>5.0f}/s{best}  {verdict.message}"


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
