"""``backedge repair``: a defective program and what it should do in, a patch out."""

from __future__ import annotations

import math

import click
from click.core import ParameterSource

from .options import Told, common, journal_option


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds.")
    return value


def _drawable(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.endswith(".svg"):
        raise click.BadParameter(f"{value!r} does not end in .svg.")
    return value


def _typed(context: click.Context, *names: str) -> list[str]:
    """Which of some options were given on the command line."""
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    options = {
        one.name: one.opts[0] if isinstance(one, click.Option) else one.human_readable_name
        for one in context.command.params
    }
    return [options[name] for name in given]


@click.command()
@click.argument("program", required=False)
@click.option("--function", metavar="NAME", help="The function that the cases call.")
@click.option("--cases", metavar="CASES.jsonl", help="What it should do: one [[arguments], expected] a line.")
@click.option("--tests", metavar="TEST.py", help="Or a test file (pytest) that imports the program.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    callback=_finite,
    help="When to give up, on the clock; what was used before a resume counts.",
)
@click.option(
    "--all", "patches", type=click.IntRange(min=1), default=1, metavar="N", help="How many patches to show."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sandboxes at once; one a processor by default.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["bubblewrap", "subprocess"]),
    default="bubblewrap",
    show_default=True,
    help="Where candidates run; subprocess isolates nothing.",
)
@click.option(
    "--svg",
    metavar="PATH",
    callback=_drawable,
    help="Where to draw the run; beside the journal by default.",
)
@journal_option
@click.option("--run-id", metavar="ID", help="What to call the run; made up by default.")
@click.option("--resume", metavar="RUN", help="Go on with a repair that was stopped; needs no PROGRAM.")
@common
@click.pass_context
def repair(
    context: click.Context,
    /,
    program: str | None,
    function: str | None,
    cases: str | None,
    tests: str | None,
    seconds: float,
    patches: int,
    workers: int | None,
    sandbox: str,
    svg: str | None,
    journal: str,
    run_id: str | None,
    resume: str | None,
) -> int:
    """Repair a defective program by search; no model, no network.

    The patch is printed as a unified diff. It makes all cases pass; whether it is right is for you to say. Everything
    is kept in the journal, so a repair that was stopped goes on where it was.

    \b
    backedge repair roman.py --function value --cases roman.jsonl
    backedge repair roman.py --tests test_roman.py

    \b
    Exit codes: 0 repaired, 1 not repaired, 2 bad usage or input, 3 interrupted (can be resumed), 4 the journal.
    """
    from backedge.nodes.repair.judge import Rules

    from .repair_told import Wanted
    from .repairing import asked, carry_out

    fixed = _typed(context, "program", "function", "cases", "tests", "seconds", "patches", "run_id")
    wanted = Wanted(
        request=asked(program, function, cases, tests, fixed if resume is not None else None),
        resume=resume,
        journal=journal,
        run_id=run_id,
        rules=Rules(seconds=seconds, alternatives=patches),
        workers=workers,
        sandbox=sandbox,
        svg=svg,
    )
    return carry_out(wanted, context.find_object(Told) or Told())
