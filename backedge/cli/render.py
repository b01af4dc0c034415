"""``backedge render``: a picture of a graph, or of a run of it."""

from __future__ import annotations

import asyncio

import click

from .options import JOURNAL, Told, common


@click.command()
@click.argument("target")
@click.argument("out")
@click.option("--run", "run_id", metavar="RUN", help="Draw this run in: rounds, times, where it stands.")
@click.option("--journal", metavar="PATH", help=f"The file that keeps the run.  [default: {JOURNAL}]")
@common
@click.pass_obj
def render(told: Told, /, target: str, out: str, run_id: str | None, journal: str | None) -> None:
    """Draw a graph, or a run of it, into a file.

    The suffix of OUT says what kind of file: .svg, .png, .pdf, .dot, .mmd, .txt or .json.

    \b
    backedge render loop.py:graph loop.svg
    backedge render loop.py:graph loop.svg --run demo --journal runs.db
    """
    from backedge.engine.errors import RenderError

    from .console import json_line, say, stdout_kept
    from .problems import CommandError
    from .target import Loader

    if run_id is None and journal is not None:
        raise CommandError("--journal says where a run is; say which one with --run, or leave it out")
    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)
        if run_id is not None:
            asyncio.run(_must_be_there(journal or JOURNAL, run_id))
        try:
            flow.render(out, run=run_id, journal=None if run_id is None else journal or JOURNAL)
        except RenderError as error:
            raise CommandError(str(error)) from error
        if told.json:
            answer.write(json_line({"file": out}) + "\n")
            answer.flush()
        else:
            say(f"wrote {out}")


async def _must_be_there(journal: str, run_id: str) -> None:
    from .journals import existing, header_of

    async with existing(journal) as store:
        await header_of(store, run_id)
