"""``backedge worker``: go on with runs whose owner died, or for which something has come, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, Final, cast

import click

from .options import Told, common, durability_option, journal_option, near, pairs, slots_of

if TYPE_CHECKING:
    from backedge import RunOptions
    from backedge.engine.execution.durability import Durability
    from backedge.engine.flow import Flow
    from backedge.engine.supervising import Recovery

    from .target import Loader

NOTICE: Final = "\nhanding runs over to others (once more: stop at once) ...\n"
PARTING: Final = "stopped at once; another worker goes on with what was under way"


@click.command()
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@journal_option
@click.option("--once", is_flag=True, help="Go on with the runs that should be now, and end.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many runs to work on at once.",
)
@click.option(
    "--poll",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look, at least, while there is nothing to do.",
)
@click.option(
    "--resource",
    multiple=True,
    metavar="NAME=FILE.py:ATTRIBUTE",
    help="What a graph declares as a resource; a function or class is called to make it.",
)
@click.option("--slots", multiple=True, metavar="NAME=N", help="How many slots of a name a run has.")
@click.option(
    "--on-change",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    show_default=True,
    help="What to do with runs that were made with another version of the graph.",
)
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Leave a run alone after N processes in a row that went on with it died without a new record.",
)
@durability_option()
@common
@click.pass_obj
def worker(
    told: Told,
    /,
    targets: tuple[str, ...],
    journal: str,
    once: bool,
    concurrency: int,
    poll: float,
    resource: tuple[str, ...],
    slots: tuple[str, ...],
    on_change: str,
    attempts: int,
    durability: str,
) -> int:
    """Go on with runs by itself, until Ctrl-C or SIGTERM: then what is under way is handed over to other workers.

    It takes runs of these graphs whose process died, whose timers are due, whose answers or signals have come, or that
    were asked to be cancelled. Runs that failed or were interrupted are left alone. Several workers may share a
    journal. With --json there is one object a line, for each run that was gone on with.

    \b
    backedge worker loop.py:graph --journal runs.db
    backedge worker loop.py:graph other.py:flow --once --json
    """
    from .console import stdout_kept
    from .target import Loader

    with stdout_kept(told.json) as answer, Loader() as loader:
        flows = [loader.flow(target) for target in targets]
        works = list(zip(flows, _options(flows, resource, slots, durability, loader), strict=True))
        failed = asyncio.run(
            _work(
                told,
                answer,
                works,
                journal,
                once=once,
                poll=poll,
                at_once=concurrency,
                on_change=on_change,
                max_deaths=attempts,
            )
        )
    return 1 if once and failed else 0


async def _work(
    told: Told,
    answer: IO[str],
    works: Sequence[tuple[Flow[Any], RunOptions]],
    path: str,
    *,
    once: bool,
    poll: float,
    **how: Any,
) -> int:
    """Work, and return how many runs failed or could not be gone on with."""
    from backedge.engine.supervising import Supervisor

    from .console import say
    from .interrupts import interrupts
    from .journals import existing

    failed = 0

    def tell(recovery: Recovery) -> None:
        nonlocal failed
        failed += recovery.error is not None
        _tell(told, answer, recovery)

    async with existing(path) as journal:
        supervisor = Supervisor(
            [flow.work(options) for flow, options in works],
            journal,
            tell=tell,
            **how,
        )
        with interrupts(supervisor.stop, PARTING, notice=NOTICE):
            if not told.json:
                say(f"working on {', '.join(flow.name for flow, _ in works)}, journal {path}")
            await (supervisor.once() if once else supervisor.watch(poll))
    return failed


def _tell(told: Told, answer: IO[str], recovery: Recovery) -> None:
    from .console import json_line, print_traceback, say
    from .problems import explain

    error = recovery.error
    if error is not None and told.debug:
        print_traceback(error)
    why = None if error is None else explain(error)
    if told.json:
        line = {
            "run_id": recovery.run_id,
            "graph": recovery.graph,
            "cause": recovery.cause.value,
            "status": None if recovery.status is None else recovery.status.value,
            "refused": dict(recovery.refused),
            "error": None if error is None else {"type": type(error).__name__, "message": why},
        }
        answer.write(json_line(line) + "\n")
        answer.flush()
        return
    status = "left" if recovery.status is None else recovery.status.value
    what = f"run {recovery.run_id} of {recovery.graph} ({recovery.cause.value}): {status}"
    say(what if why is None else f"{what}: {why}")
    for name, reason in recovery.refused.items():
        say(f"run {recovery.run_id}: what was sent for {name} was refused: {reason}")


def _options(
    flows: Sequence[Flow[Any]],
    resource: Sequence[str],
    slots: Sequence[str],
    durability: str,
    loader: Loader,
) -> list[RunOptions]:
    """For each flow what it declares, of what was typed for all. Raises CommandError."""
    from backedge import RunOptions
    from backedge.engine.execution.options import PATIENCE

    from .options import resource_places
    from .problems import CommandError

    declared = {name for flow in flows for name in flow.graph.definition.resources}
    places = pairs("--resource", resource, "NAME=FILE.py:ATTRIBUTE, as in model=models.py:cheap")
    for name in places:
        if name not in declared:
            told = f"there is {', '.join(sorted(declared))}" if declared else "there is none"
            raise CommandError(
                f"--resource: {name!r} is no resource of these graphs; {told}{near(name, declared)}"
            )
    found = []
    for flow in flows:
        its = flow.graph.definition.resources
        given = [f"{name}={place}" for name, place in places.items() if name in its]
        made = {
            name: loader.resource(place, its[name]) for name, place in resource_places(flow, given).items()
        }
        found.append(
            RunOptions(
                resources=made,
                slots=slots_of(flow, slots),
                patience=PATIENCE,
                durability=cast("Durability", durability),
            )
        )
    return found
