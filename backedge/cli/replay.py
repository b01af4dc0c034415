"""``backedge replay``: a run driven again from its records, and checked."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common, journal_option

if TYPE_CHECKING:
    from backedge.engine.past.report import ReplayReport


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("target")
@journal_option
@click.option("--conditions", is_flag=True, help="Decide edges anew, by today's conditions.")
@click.option(
    "--rerun", multiple=True, metavar="NODE", help="Run this node's code anew; may be given several times."
)
@click.option("--rerun-all", is_flag=True, help="Run the code of all nodes anew.")
@click.option(
    "--resource",
    multiple=True,
    metavar="NAME=FILE.py:ATTRIBUTE",
    help="What a node that is run anew, or a condition, needs as a resource.",
)
@common
@click.pass_obj
def replay(
    told: Told,
    /,
    run_id: str,
    target: str,
    journal: str,
    conditions: bool,
    rerun: tuple[str, ...],
    rerun_all: bool,
    resource: tuple[str, ...],
) -> int:
    """Drive a run again from its records, and check each of them.

    Nothing is written. Without more no node, no condition and no model is called. What nodes that are run anew do to the
    world through their context comes from the records.

    \b
    backedge replay demo loop.py:graph
    backedge replay demo loop.py:graph --conditions --rerun checker
    """
    from .console import printable, stdout_kept
    from .journals import existing
    from .options import some_resources
    from .target import Loader

    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)
        declared = flow.graph.definition.resources
        places = some_resources(flow, resource)
        resources = {name: loader.resource(place, declared[name]) for name, place in places.items()}

        async def replayed() -> ReplayReport:
            async with existing(journal) as store:
                return await flow.replay(
                    run_id,
                    journal=store,
                    verify="conditions" if conditions else None,
                    rerun="all" if rerun_all else set(rerun),
                    resources=resources,
                )

        report = asyncio.run(replayed())
        if told.json:
            from .console import json_line

            answer.write(json_line(report_json(report)) + "\n")
            answer.flush()
        else:
            sys.stdout.write(printable(str(report)) + "\n")
    return 0 if report else 1


def report_json(report: ReplayReport) -> dict[str, Any]:
    """A report as JSON values."""
    return {
        "run_id": report.run_id,
        "same": bool(report),
        "records": report.records,
        "conditions": report.conditions,
        "rerun": report.rerun,
        "mismatches": [
            {"seq": m.seq, "activation": m.activation, "what": m.what, "recorded": m.recorded, "now": m.now}
            for m in report.mismatches
        ],
        "changes": list(report.changes),
    }
