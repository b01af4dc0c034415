"""``backedge fork``: a new run that goes on from somewhere in another one's past."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Any

import click

from .options import HowToRun, Told, common, journal_option, read_input, run_options

if TYPE_CHECKING:
    from backedge.engine.flow import Flow


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("target")
@journal_option
@click.option(
    "--at", type=int, metavar="N", help="The last record that counts, as `backedge show` numbers them."
)
@click.option(
    "--before", metavar="ACTIVATION", help="An activation, such as coder@2, whose input alone is edited."
)
@click.option("--edit", "given", metavar="JSON|@FILE", help="Fields and their new values, as a JSON object.")
@click.option("--run-id", "name", metavar="ID", help="What to call the fork; made up by default.")
@click.option("--no-start", is_flag=True, help="Only make the fork; `backedge resume` runs it.")
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
def fork(
    told: Told,
    /,
    run_id: str,
    target: str,
    journal: str,
    at: int | None,
    before: str | None,
    given: str | None,
    name: str | None,
    no_start: bool,
    on_change: str,
    **typed: Any,
) -> int:
    """Go on from somewhere in a run's past, as a new run.

    What the run had done up to there counts and is not stored again. The edges of the record forked at are looked at
    again, on what was edited; what was in flight there begins anew. The run itself is not changed.

    \b
    backedge fork demo loop.py:graph --at 12 --edit '{"spec": "..."}'
    backedge fork demo loop.py:graph --before coder@2 --edit @edit.json --run-id demo-2
    """
    from . import drive
    from .again import resume_command
    from .console import stdout_kept
    from .journals import existing
    from .problems import CommandError
    from .target import Loader

    if name == "":
        raise CommandError("--run-id: an id has at least one character; leave the option out")
    if at is None and before is None:
        raise CommandError("say where to fork: --at N, or --before ACTIVATION; `backedge show` lists both")
    how = HowToRun(**typed)
    where: dict[str, Any] = {
        "at": at,
        "before": before,
        "edit": read_input(given, option="--edit"),
        "run_id": name,
        "on_change": on_change,
    }
    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)
        if no_start:
            made = asyncio.run(_made(flow, run_id, journal, where))
            _tell(told, made, resume_command(made, target, journal, how), journal, answer)
            return 0
        options = drive.options_of(flow, how, loader)
        return drive.carry_out(
            drive.Order(
                flow,
                target,
                journal,
                how,
                lambda: existing(journal),
                lambda store: flow.start_fork(run_id, journal=drive.needed(store), **where, **options),
            ),
            told,
            answer,
        )


async def _made(flow: Flow[Any], run_id: str, journal: str, where: dict[str, Any]) -> str:
    from .journals import existing

    async with existing(journal) as store:
        return (await flow.fork(run_id, journal=store, start=False, **where)).run_id


def _tell(told: Told, made: str, again: str, journal: str, answer: IO[str]) -> None:
    from .console import json_line, say

    if told.json:
        answer.write(json_line({"run_id": made, "journal": journal, "resume": again}) + "\n")
    else:
        answer.write(f"{made}\n")
        say(f"run it with: {again}")
