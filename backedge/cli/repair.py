"""``backedge repair``: a defective program and what it should do in, a patch out."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, TypeAlias

import click
from click.core import ParameterSource

from .options import Told, common, journal_option

if TYPE_CHECKING:
    from backedge.nodes.repair.graph import Coder

Budget: TypeAlias = tuple[float | None, int | None]
"""Dollars and tokens; one of them."""

_DOLLARS: Final = re.compile(r"\$?(\d*\.?\d+)")
_TOKENS: Final = re.compile(r"(\d+)(k?) ?tokens?")


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds.")
    return value


def _drawable(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.endswith(".svg"):
        raise click.BadParameter(f"{value!r} does not end in .svg.")
    return value


def _budget(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Budget | None:
    """An amount of dollars or of tokens."""
    if value is None:
        return None
    amount = value.strip().lower()
    if (found := _TOKENS.fullmatch(amount)) is not None and int(found[1]):
        return None, int(found[1]) * (1000 if found[2] else 1)
    if (found := _DOLLARS.fullmatch(amount)) is not None and float(found[1]):
        return float(found[1]), None
    raise click.BadParameter(f"{value!r} is no amount: write 0.50 for US dollars, or 20000tokens.")


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
    "--model",
    metavar="NAME",
    help="A model as coder, such as openai:gpt-5; see 'backedge models' and docs/models/names.md.",
)
@click.option(
    "--coder",
    type=click.Choice(["search", "model", "both"]),
    help="Who writes candidates: model where there is one, else search; both compete.",
)
@click.option(
    "--budget",
    metavar="AMOUNT",
    callback=_budget,
    help="What the model may cost, such as 0.50 (US dollars) or 20000tokens; it is not asked again once that is spent.",
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
    model: str | None,
    coder: Coder | None,
    budget: Budget | None,
    workers: int | None,
    sandbox: str,
    svg: str | None,
    journal: str,
    run_id: str | None,
    resume: str | None,
) -> int:
    """Repair a defective program, by search or by a model.

    The search needs no model and no network.

    The patch is printed as a unified diff. It makes all cases pass; whether it is right is for you to say. Everything
    is kept in the journal, so a repair that was stopped goes on where it was.

    \b
    backedge repair roman.py --function value --cases roman.jsonl
    backedge repair roman.py --tests test_roman.py
    backedge repair roman.py --tests test_roman.py --model openai:gpt-5 --coder both

    \b
    Exit codes: 0 repaired, 1 not repaired, 2 bad usage or input, 3 interrupted (can be resumed), 4 the journal.
    """
    from backedge.nodes.repair.judge import Rules

    from .repair_team import team_of
    from .repair_told import Wanted
    from .repairing import asked, carry_out

    said = (
        "program",
        "function",
        "cases",
        "tests",
        "seconds",
        "patches",
        "model",
        "coder",
        "budget",
        "run_id",
    )
    fixed = _typed(context, *said)
    dollars, tokens = budget or (None, None)
    wanted = Wanted(
        request=asked(program, function, cases, tests, fixed if resume is not None else None),
        resume=resume,
        journal=journal,
        run_id=run_id,
        team=team_of(coder, model, budgeted=budget is not None),
        rules=Rules(seconds=seconds, alternatives=patches, dollars=dollars, tokens=tokens),
        workers=workers,
        sandbox=sandbox,
        svg=svg,
    )
    return carry_out(wanted, context.find_object(Told) or Told())
