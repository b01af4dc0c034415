"""Showing a run's events on stderr while it goes on: live on a terminal, as lines, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from backedge.engine.execution.events import CustomEvent
from backedge.engine.records import RunStatus
from backedge.engine.run import Run

from .console import console_for, cut, say
from .progress import Progress, emitted, line_of

_REFRESH = 0.1  # seconds between two pictures
_STANDING = {
    RunStatus.INTERRUPTED: ": stopping, so that it can be resumed (Ctrl-C: stop waiting)",
    RunStatus.FAILED: ": failed, waiting for what still runs",
    RunStatus.CANCELLED: ": cancelled, waiting for what still runs",
}


def chosen(progress: str, *, as_json: bool) -> str:
    """What ``--progress auto`` means here."""
    if progress != "auto":
        return progress
    return "live" if sys.stderr.isatty() and not as_json else "none"


async def show(run: Run[Any], title: str, how: str) -> None:
    """Show a run's events until it ends. `how` is ``live``, ``lines``, or ``none``: then nobody listens."""
    if how == "live":
        await _live(run, title)
    elif how == "lines":
        async for event in run.events():
            line = line_of(event)
            if line is not None:
                say(line)


async def _live(run: Run[Any], title: str) -> None:
    console = console_for(sys.stderr)
    progress = Progress()
    began = time.time()
    spinner = Spinner("line")

    def picture() -> Group:
        head = title + _STANDING.get(run.status, "")
        return _picture(progress, head, began, time.time(), console, spinner)

    with Live(
        console=console,
        auto_refresh=False,
        transient=True,
        get_renderable=picture,
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    ) as live:
        drawing = asyncio.get_running_loop().create_task(_redraw(live))
        try:
            async for event in run.events():
                progress.hear(event)
                if isinstance(event, CustomEvent) and (told := emitted(event.data)) is not None:
                    console.print(Text(f"{event.activation}: {told}"))
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing


async def _redraw(live: Live) -> None:
    while True:
        live.refresh()
        await asyncio.sleep(_REFRESH)


def _picture(
    progress: Progress, title: str, began: float, now: float, console: Console, spinner: Spinner
) -> Group:
    head = Table.grid(padding=(0, 1))
    counts = f"{progress.finished} finished, {progress.running} running"
    head.add_row(spinner, Text(title, style="bold"), Text(f"{now - began:.0f} s"), Text(counts))
    body = Table.grid(padding=(0, 2))
    room = max(console.height - 4, 1)
    for name, done, under_way, last in progress.rows(now, room):
        style = "cyan" if under_way else ""
        body.add_row(
            Text(f"  {cut(name, 40)}", style=style),
            Text(done),
            Text(under_way, style=style),
            Text(cut(last, 60)),
        )
    return Group(head, body)
