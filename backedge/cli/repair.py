"""``backedge repair``: a defective program and what it should do in, a patch out."""

from __future__ import annotations

import os

import click

from .options import Told, common, journal_option


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
    help="When to give up.",
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
@click.option("--svg", metavar="PATH", help="Where to draw the run; beside the journal by default.")
@journal_option
@click.option("--run-id", metavar="ID", help="What to call the run; made up by default.")
@click.option("--resume", metavar="RUN", help="Go on with a repair that was stopped; needs no PROGRAM.")
@common
@click.pass_obj
def repair(
    told: Told,
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
    Exit codes: 0 repaired, 1 not repaired, 2 bad usage or input, 3 interrupted (can be resumed).
    """  # noqa: D301  # \b is click's mark for a paragraph to leave as it is
    from .repairing import Wanted, asked, carry_out

    wanted = Wanted(
        request=asked(program, function, cases, tests, resume),
        resume=resume,
        journal=journal,
        run_id=run_id,
        seconds=seconds,
        patches=patches,
        workers=workers or os.cpu_count() or 2,
        sandbox=sandbox,
        svg=svg,
    )
    return carry_out(wanted, told)
