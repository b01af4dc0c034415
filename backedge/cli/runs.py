"""``backedge runs``: what a journal holds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common, journal_option

if TYPE_CHECKING:
    from backedge.engine.records import RunSummary


@click.command()
@journal_option
@click.option(
    "--status",
    "wanted",
    multiple=True,
    type=click.Choice(
        ["running", "crashed", "suspended", "in_doubt", "interrupted", "failed", "completed", "cancelled"]
    ),
    help="Only runs of this status; may be given several times.",
)
@click.option("--tree", is_flag=True, help="Show forks below the runs that they come from.")
@common
@click.pass_obj
def runs(told: Told, /, journal: str, wanted: tuple[str, ...], tree: bool) -> None:
    """List the runs of a journal, newest first.

    A run whose process died is shown as crashed. Runs that are crashed, failed, interrupted or suspended can be gone
    on with by `backedge resume`.
    """
    from .console import json_line, say
    from .journals import existing, status_of

    async def found() -> list[RunSummary]:
        async with existing(journal) as store:
            return [run for run in await store.runs() if not wanted or status_of(run) in wanted]

    listed = asyncio.run(found())
    if told.json:
        sys.stdout.write(
            json_line({"journal": journal, "runs": [summary_json(run) for run in listed]}) + "\n"
        )
    elif listed:
        _print(listed, tree=tree)
    else:
        say(f"journal {journal} holds no runs{' of this status' if wanted else ''}")


def summary_json(run: RunSummary) -> dict[str, Any]:
    """A run's summary as JSON values. Times are in seconds since the epoch."""
    from .journals import status_of
    from .waiting import awaited_json

    header = run.header
    return {
        "run_id": header.run_id,
        "graph": header.graph,
        "status": status_of(run),
        "records": run.records,
        "created": header.created,
        "updated": run.updated,
        "owner": run.owner,
        "waits": awaited_json(run.awaited),
        "deaths": run.deaths,
        "digest": header.digest,
        "parent": None if header.parent is None else {"run_id": header.parent[0], "seq": header.parent[1]},
    }


def ancestry(listed: Sequence[RunSummary]) -> list[tuple[int, RunSummary]]:
    """The runs with their depth, each one followed by its forks; one whose parent is not listed stands at the top."""
    ids = {run.header.run_id for run in listed}
    below: dict[str | None, list[RunSummary]] = {}
    for run in listed:
        parent = run.header.parent
        below.setdefault(parent[0] if parent is not None and parent[0] in ids else None, []).append(run)
    found: list[tuple[int, RunSummary]] = []
    waiting = [(0, run) for run in reversed(below.get(None, []))]
    while waiting:
        depth, run = waiting.pop()
        found.append((depth, run))
        waiting += [(depth + 1, fork) for fork in reversed(below.get(run.header.run_id, []))]
    return found


def _name(depth: int, run: RunSummary) -> str:
    if run.header.parent is None or not depth:
        return run.header.run_id
    return f"{'  ' * depth}{run.header.run_id} (from record {run.header.parent[1]})"


def _print(listed: Sequence[RunSummary], *, tree: bool) -> None:
    from .console import ago, console_for, table
    from .journals import status_of
    from .waiting import awaited_text, deaths_text

    now = time.time()
    rows = [
        (
            _name(depth, run),
            run.header.graph,
            status_of(run),
            str(run.records),
            f"{ago(now - run.header.created)} ago",
            f"{ago(now - run.updated)} ago",
            run.owner or "",
            deaths_text(run) or awaited_text(run.awaited),
        )
        for depth, run in (ancestry(listed) if tree else [(0, run) for run in listed])
    ]
    columns = ("run", "graph", "status", "records", "started", "last record", "owner", "waits for")
    table(console_for(sys.stdout), columns, rows, right="records started")
