"""``backedge delete`` and ``backedge prune``: which runs a journal goes on keeping."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Sequence
from typing import Final

import click

from backedge.engine.definition import is_text

from .options import Told, common, journal_option
from .problems import CommandError, Exit

_UNITS: Final = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400}
_AGE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d|)")


@click.command()
@click.argument("run_id", metavar="RUN")
@journal_option
@common
@click.pass_obj
def delete(told: Told, /, run_id: str, journal: str) -> None:
    """Delete a run that nobody works on. Its forks stay whole.

    It goes whatever its status is: also one that could go on, or that waits for an answer.

    \b
    backedge delete demo --journal runs.db
    """
    from .console import json_line, say

    asyncio.run(_delete(journal, run_id))
    if told.json:
        sys.stdout.write(json_line({"journal": journal, "run_id": run_id, "deleted": True}) + "\n")
    else:
        say(f"run {run_id}: deleted")


async def _delete(journal: str, run_id: str) -> None:
    from backedge.engine.errors import RunNotFoundError, RunOwnedError

    from .journals import existing, header_of, summary_of

    async with existing(journal) as store:
        if not is_text(run_id):
            await summary_of(store, run_id)  # no journal can look it up; this says that there is none
        try:
            await store.delete(run_id)
        except RunNotFoundError:
            await header_of(store, run_id)  # says the same, and names runs with ids like it
            raise
        except RunOwnedError as error:
            told = (
                f"run {run_id!r} is being worked on by {error.owner}: wait for it or stop it, then delete it"
            )
            raise CommandError(told, Exit.JOURNAL, kind="RunOwnedError") from error


@click.command()
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    metavar="N",
    help="The N runs that were made last stay, whatever their status.",
)
@click.option(
    "--older-than",
    "age",
    metavar="30d|12h|SECONDS",
    help="Only runs whose last record is older than this go: days, hours, or seconds without a unit.",
)
@click.option("--with-forks", is_flag=True, help="Forks go with their parents, however new, if at rest.")
@click.option("--dry-run", is_flag=True, help="Only say which runs would go.")
@journal_option
@common
@click.pass_obj
def prune(
    told: Told,
    /,
    keep_last: int | None,
    age: str | None,
    with_forks: bool,
    dry_run: bool,
    journal: str,
) -> None:
    """Delete old runs, and give their space back.

    Only runs that are completed, cancelled or failed go; what waits for something or can go on by itself stays. With
    both options a run goes only if both let it go. The ids of the runs that go are printed, one on each line.

    \b
    backedge prune --older-than 30d --journal runs.db
    backedge prune --keep-last 100 --older-than 12h --dry-run
    """
    from .console import json_line, printable, say

    if keep_last is None and age is None:
        raise CommandError("say what may go: --keep-last N, --older-than 30d, or both")
    older_than = None if age is None else seconds_of(age)
    gone = asyncio.run(
        _prune(journal, keep_last=keep_last, older_than=older_than, keep_forks=not with_forks, dry=dry_run)
    )
    if told.json:
        sys.stdout.write(json_line({"journal": journal, "dry_run": dry_run, "runs": list(gone)}) + "\n")
        return
    for run_id in gone:
        sys.stdout.write(printable(run_id.replace("\n", "\\n")) + "\n")
    sys.stdout.flush()
    number = f"{len(gone)} run{'' if len(gone) == 1 else 's'}"
    say(
        f"journal {journal}: {number} would be deleted" if dry_run else f"journal {journal}: deleted {number}"
    )


async def _prune(
    journal: str, *, keep_last: int | None, older_than: float | None, keep_forks: bool, dry: bool
) -> Sequence[str]:
    from backedge.checkpoints import retention

    from .journals import existing

    async with existing(journal) as store:
        if not dry:
            return await retention.prune(
                store, keep_last=keep_last, older_than=older_than, keep_forks=keep_forks
            )
        return retention.chosen(
            await store.runs(),
            keep_last=keep_last,
            older_than=older_than,
            keep_forks=keep_forks,
            statuses=retention.AT_REST,
            now=time.time(),
        )


def seconds_of(age: str) -> float:
    """What ``--older-than`` says, in seconds: ``30d``, ``12h``, ``5min``, ``90s`` or ``90``.

    Raises:
        CommandError: It is no such span; a negative one is none.
    """
    match = _AGE.fullmatch(age.strip())
    if match is None:
        raise CommandError(
            f"--older-than: expected a span such as 30d, 12h, 5min, or a number of seconds, found {age!r}"
        )
    return float(match[1]) * _UNITS[match[2]]
