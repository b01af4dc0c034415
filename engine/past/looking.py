"""Reading runs from a journal to look at them: the thin part around `history`, `replay`, `rerun` and `diff`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .. import recovery
from ..changes import changes
from ..compiler.compile import CompiledGraph
from ..errors import InputError
from ..execution.preparing import unfit
from ..ports import Journal
from .diff import RunDiff, diff_of
from .replay import Replay
from .report import ReplayReport
from .rerun import Rerunner, named_nodes, needed_resources


async def replayed(
    graph: CompiledGraph,
    store: Journal,
    run_id: str,
    *,
    verify: str | None,
    rerun: Iterable[str] | str,
    resources: Mapping[str, Any],
) -> ReplayReport:
    """See `Flow.replay`."""
    if verify not in (None, "conditions"):
        raise InputError(f'verify= is "conditions" or None, not {verify!r}')
    names = named_nodes(graph, rerun)
    conditions = verify is not None
    if missing := sorted(needed_resources(graph, names, conditions=conditions) - set(resources)):
        raise InputError(f"resources= lacks {', '.join(map(repr, missing))}, which what is run anew needs")
    header = await store.header(run_id)
    records = await store.read(run_id)
    replay = Replay(graph, records, conditions=conditions, resources=resources)
    rerunner = Rerunner(graph, names, resources, run_id)
    mismatches = []
    try:
        for record, run, found in replay.steps():
            mismatches += found
            if not replay.stopped:
                mismatches += await rerunner.check(record, run)
    finally:
        await rerunner.close()
    news = changes(json.loads(header.shape), json.loads(graph.shape))
    counts = (replay.checked, replay.conditions, rerunner.count)
    return ReplayReport(run_id, *counts, tuple(mismatches), tuple(change.told for change in news))


async def differed(graph: CompiledGraph, store: Journal, one: str, other: str) -> RunDiff:
    """See `Flow.diff`."""
    headers = [await store.header(run_id) for run_id in (one, other)]
    runs = [await store.read(run_id) for run_id in (one, other)]
    for header, records in zip(headers, runs, strict=True):
        try:
            recovery.recover(graph, records)
        except recovery.UNFIT as error:
            raise unfit(graph, store, header, error) from error
    return diff_of(graph, (one, other), *runs)
