"""Carrying out a repair for the command line: checked, watched, interruptible, and told at its end."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from backedge.engine.errors import BackedgeError, JournalError, NodeRaisedError, RunError, RunFailedError
from backedge.engine.flow import Flow, RunOptions
from backedge.engine.ports import Journal
from backedge.engine.run import Run
from backedge.nodes.repair.graph import Repair, Request
from backedge.nodes.repair.runner import Runner, UnusableTestsError
from backedge.nodes.sandbox import open_sandbox

from .console import complain, stdout_kept
from .interrupts import interrupts
from .journals import MadeLate, existing
from .options import Told
from .problems import CommandError
from .repair_progress import Progress, show
from .repair_team import crew, kept_with
from .repair_told import Ended, Wanted, again, tell


def asked(
    program: str | None,
    function: str | None,
    cases: str | None,
    tests: str | None,
    fixed: Sequence[str] | None,
) -> Request | None:
    """What was typed, as a request whose files can be read; None for a run that is resumed.

    Args:
        program: The program.
        function: The function that the cases call.
        cases: The file of cases.
        tests: The test file.
        fixed: Where a run is resumed, the options that were typed although its journal holds them already; else None.

    Raises:
        CommandError: Something is missing or too much.
        SpecificationError: A file is missing or malformed.
    """
    if fixed is not None:
        if fixed:
            raise CommandError(f"--resume goes on with what the journal holds: leave {', '.join(fixed)} out")
        return None
    if program is None:
        raise CommandError(
            "name the program to repair: backedge repair PROGRAM.py --function NAME --cases CASES.jsonl"
        )
    if tests is not None and (function or cases):
        raise CommandError("give either --tests, or --function and --cases, not both")
    if tests is None and not (function and cases):
        missing = " and ".join(
            option
            for option, value in (("--function NAME", function), ("--cases CASES.jsonl", cases))
            if not value
        )
        raise CommandError(f"say what the program should do: add {missing}, or --tests TEST.py instead")
    request = Request(program=program, function=function, cases=cases, tests=tests)
    request.read()
    return request


def carry_out(wanted: Wanted, told: Told) -> int:
    """Repair, tell how it went, and give the exit code.

    Raises:
        BackedgeError: It could not begin.
    """
    with stdout_kept(told.json) as answer:
        ended = asyncio.run(_carry_out(wanted, told))
        if ended.state is not None and ended.state.verdict.status == "nothing to repair":
            raise CommandError(f"nothing to repair: {ended.state.verdict.message}")
        if (message := _unusable(ended.error)) is not None:
            raise CommandError(message, kind=UnusableTestsError.__name__)
        tell(ended, wanted, told, answer)
    return ended.code


async def _carry_out(wanted: Wanted, told: Told) -> Ended:
    sandbox = open_sandbox(wanted.sandbox)
    try:
        async with _opened(wanted) as journal:
            team, rules = wanted.team, wanted.rules
            if wanted.resume is not None:
                team, rules = await kept_with(journal, wanted.resume)
            runner = Runner(sandbox=sandbox, workers=wanted.workers or os.cpu_count() or 2)
            async with crew(team, rules, runner, wanted.journal) as (flow, resources):
                options = RunOptions(resources=resources, grace=1.0)
                run = _started(flow, wanted, journal, options)
                ended = await _watched(run, wanted, told, Progress(model=team.model or "", coder=team.coder))
        svg = await asyncio.to_thread(_drawn, flow, ended.run_id, wanted)
        return Ended(ended.run_id, ended.seconds, ended.state, ended.error, svg)
    finally:
        await sandbox.close()


def _opened(wanted: Wanted) -> AbstractAsyncContextManager[Journal]:
    return existing(wanted.journal) if wanted.resume else MadeLate(wanted.journal)


def _started(flow: Flow[Repair], wanted: Wanted, journal: Journal, options: RunOptions) -> Run[Repair]:
    if wanted.resume is not None:
        return flow.reopen(wanted.resume, journal=journal, **options)
    inputs = {"request": wanted.request, "rules": wanted.rules, "team": wanted.team}
    return flow.start(inputs, journal=journal, run_id=wanted.run_id, **options)


def _unusable(error: BackedgeError | None) -> str | None:
    """What is wrong with the test file, where a run failed because of it."""
    steps = error.failures.values() if isinstance(error, RunFailedError) else ()
    told = [step for step in steps if isinstance(step, NodeRaisedError)]
    return next((one.message for one in told if one.type_name.endswith(UnusableTestsError.__name__)), None)


async def _watched(run: Run[Repair], wanted: Wanted, told: Told, progress: Progress) -> Ended:
    began = time.monotonic()
    error: BackedgeError | None = None
    state: Repair | None = None
    async with run:
        with interrupts(run.interrupt, f"stopped at once; go on with: {again(run.run_id, wanted)}"):
            if not told.json:
                await show(run.events(), progress)
            try:
                state = (await run.result()).state
            except (RunError, JournalError) as its:
                error = its
    return Ended(run.run_id, time.monotonic() - began, state, error, None)


def _drawn(flow: Flow[Repair], run_id: str, wanted: Wanted) -> str | None:
    """Draw the run; a picture that cannot be made is no reason to fail."""
    name = re.sub(r"[^\w.-]", "_", run_id)
    path = wanted.svg or str(Path(wanted.journal).with_suffix("")) + f"-{name}.svg"
    try:
        flow.render(path, run=run_id, journal=wanted.journal)
    except (BackedgeError, OSError, ImportError) as error:
        complain(f"the run could not be drawn: {error}", what="warning")
        return None
    return path
