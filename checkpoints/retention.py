"""Retention: which old runs go.

`chosen` decides, from a list of summaries alone; `prune` deletes what it names, through the journal's protocol.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Final

from backedge.engine.errors import RunNotFoundError, RunOwnedError
from backedge.engine.ports import Journal
from backedge.engine.records import RunStatus, RunSummary

AT_REST: Final = frozenset({RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED})
"""What is pruned unless told otherwise: runs that wait for somebody or can still go on by themselves are not."""


async def prune(
    journal: Journal,
    *,
    keep_last: int | None = None,
    older_than: float | timedelta | None = None,
    keep_forks: bool = True,
    statuses: Collection[RunStatus] = AT_REST,
) -> Sequence[str]:
    """Delete old runs and give their space back.

    A run goes only if all that is given lets it go. One that somebody is working on always stays.

    Args:
        journal: Where the runs are.
        keep_last: So many runs stay, those that were made last, whatever their status.
        older_than: Only runs whose last record is older than this go: seconds, or a timedelta.
        keep_forks: Forks are runs like any other, judged by themselves; what they share with a deleted run stays
            theirs. False: the forks of a run that goes, and theirs, go with it, however new, if they are at rest.
        statuses: Only runs of these statuses go.

    Returns:
        The ids of the runs that were deleted.

    Raises:
        ValueError: Neither `keep_last` nor `older_than` is given, or one is negative.

    Example:
        ::

            async with open_journal("runs.db") as journal:
                gone = await prune(journal, keep_last=100, older_than=timedelta(days=30))
    """
    seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
    names = chosen(
        await journal.runs(),
        keep_last=keep_last,
        older_than=seconds,
        keep_forks=keep_forks,
        statuses=statuses,
        now=time.time(),
    )
    gone = []
    for run_id in names:
        try:
            await journal.delete(run_id)
        except (RunOwnedError, RunNotFoundError):
            continue  # somebody went on with it, or deleted it, meanwhile
        gone.append(run_id)
    return gone


def chosen(
    runs: Sequence[RunSummary],
    *,
    keep_last: int | None,
    older_than: float | None,
    keep_forks: bool,
    statuses: Collection[RunStatus],
    now: float,
) -> list[str]:
    """The ids of the runs that go, of a list that is newest first. Raises ValueError."""
    if keep_last is None and older_than is None:
        raise ValueError("say what may go: keep_last=..., older_than=... or both")
    for name, number in (("keep_last", keep_last), ("older_than", older_than)):
        if number is not None and number < 0:
            raise ValueError(f"{name} must not be negative, found {number}")
    at_rest = {run.header.run_id for run in runs if run.owner is None and run.status in statuses}
    wanted = {
        run.header.run_id
        for run in runs[keep_last or 0 :]
        if older_than is None or run.updated < now - older_than
    } & at_rest
    if not keep_forks:
        wanted |= _descendants(runs, wanted) & at_rest
    return [run.header.run_id for run in runs if run.header.run_id in wanted]


def _descendants(runs: Iterable[RunSummary], wanted: Collection[str]) -> set[str]:
    made = {run.header.run_id: run.header.created for run in runs}
    found = set(wanted)
    for run in sorted(runs, key=lambda run: run.header.created):
        parent = None if run.header.parent is None else run.header.parent[0]
        # A run made later under the id of a deleted one is nobody's parent.
        if parent in found and parent in made and made[parent] <= run.header.created:
            found.add(run.header.run_id)
    return found
