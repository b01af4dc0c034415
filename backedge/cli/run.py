"""``backedge run``: a graph from its beginning to its end."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import click

from backedge.engine.ports import Journal

from .options import HowToRun, Told, common, journal_option, read_input, run_options


@click.command()
@click.argument("target")
@click.option("--input", "given", metavar="JSON|@FILE", help="The inputs as a JSON object; @- reads stdin.")
@journal_option
@click.option("--no-journal", is_flag=True, help="Keep nothing; the run cannot be resumed.")
@click.option("--run-id", metavar="ID", help="What to call the run; made up by default.")
@run_options
@common
@click.pass_obj
def run(
    told: Told,
    /,
    target: str,
    given: str | None,
    journal: str,
    no_journal: bool,
    run_id: str | None,
    **typed: Any,
) -> int:
    """Run a graph to its end.

    The final state is printed as JSON. Every step is kept in the journal, so a run that was stopped, failed or
    crashed is gone on with by `backedge resume`.

    \b
    backedge run loop.py:graph --input '{"spec": "..."}'
    backedge run loop.py:graph --input @input.json --journal runs.db --run-id demo
    """
    from . import drive
    from .console import stdout_kept
    from .journals import MadeLate
    from .problems import CommandError
    from .target import Loader

    if run_id == "":
        raise CommandError(
            "--run-id: an id has at least one character; leave the option out to have one made up"
        )
    how = HowToRun(**typed)
    inputs = read_input(given)
    kept = None if no_journal else journal

    def open_journal() -> AbstractAsyncContextManager[Journal | None]:
        return drive.no_journal() if kept is None else MadeLate(kept)

    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)
        options = drive.options_of(flow, how, loader)
        return drive.carry_out(
            drive.Order(
                flow,
                target,
                kept,
                how,
                open_journal,
                lambda store: flow.start(inputs, journal=store, run_id=run_id, **options),
            ),
            told,
            answer,
        )
