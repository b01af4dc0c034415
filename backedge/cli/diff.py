"""``backedge diff``: where two runs part."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common, journal_option

if TYPE_CHECKING:
    from backedge.engine.past.diff import FieldDiff, RunDiff


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("other", metavar="OTHER")
@click.argument("target")
@journal_option
@common
@click.pass_obj
def diff(told: Told, /, run_id: str, other: str, target: str, journal: str) -> int:
    """Say where two runs part, and how their states differ.

    \b
    backedge diff demo demo-2 loop.py:graph
    """
    from .console import json_line, printable, stdout_kept
    from .journals import existing
    from .target import Loader

    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)

        async def differed() -> RunDiff:
            async with existing(journal) as store:
                return await flow.diff(run_id, other, journal=store)

        found = asyncio.run(differed())
        if told.json:
            answer.write(json_line(diff_json(found)) + "\n")
            answer.flush()
        else:
            sys.stdout.write(printable(str(found)) + "\n")
    return 1 if found else 0


def diff_json(found: RunDiff) -> dict[str, Any]:
    """A difference as JSON values."""
    parting = found.parting
    told = None
    if parting is not None:
        told = {
            "activation": parting.activation,
            "what": parting.what,
            "values": [parting.one, parting.other],
            "seqs": list(parting.seqs),
            "fields": _fields(parting.fields),
        }
    return {
        "runs": list(found.runs),
        "same": not found,
        "parting": told,
        "final": _fields(found.final),
        "only": [list(activations) for activations in found.only],
    }


def _fields(fields: Sequence[FieldDiff]) -> list[dict[str, Any]]:
    return [{"field": each.field, "values": [each.one, each.other]} for each in fields]
