"""``backedge resume``: go on with a run where it stopped."""

from __future__ import annotations

import asyncio
import shlex
from typing import Any

import click

from .options import HowToRun, Told, common, journal_option, run_options


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("target", required=False)
@journal_option
@click.option("--takeover", is_flag=True, help="Fence off an owner that is alive but stuck.")
@click.option(
    "--on-change",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    show_default=True,
    help="What to do when the graph is not the one the run was made with.",
)
@run_options
@common
@click.pass_obj
def resume(
    told: Told, /, run_id: str, target: str | None, journal: str, takeover: bool, on_change: str, **typed: Any
) -> int:
    """Go on with a run that crashed, failed or was interrupted.

    Nothing that finished runs again. A run that had completed gives its result at once. Resources have to be given
    again; limits given here stay for the run.

    \b
    backedge resume demo loop.py:graph --journal runs.db
    backedge resume demo loop.py:graph --limit 'checker->coder=20'
    """
    from . import drive
    from .again import program
    from .console import stdout_kept
    from .journals import existing, header_of
    from .problems import CommandError
    from .target import Loader

    async def graph_of_run() -> str:
        async with existing(journal) as store:
            return (await header_of(store, run_id)).graph

    graph = asyncio.run(graph_of_run())
    how = HowToRun(**typed)
    if target is None:
        command = shlex.join([*program(), "resume", run_id])
        raise CommandError(
            f"run {run_id!r} is of graph {graph!r}; a journal does not say which file that is in, so name it: "
            f"{command} path/to/file.py:graph --journal {shlex.quote(journal)}"
        )
    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)
        options = drive.options_of(flow, how, loader)
        return drive.carry_out(
            drive.Order(
                flow,
                target,
                journal,
                how,
                lambda: existing(journal),
                lambda store: flow.reopen(
                    run_id, journal=drive.needed(store), takeover=takeover, on_change=on_change, **options
                ),
            ),
            told,
            answer,
        )
