"""Carrying out a repair for the command line: checked, watched, interruptible, and told at its end."""

from __future__ import annotations

import asyncio
import shlex
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backedge.engine.errors import BackedgeError, JournalError, RunError
from backedge.engine.flow import Flow, RunOptions
from backedge.engine.ports import Journal
from backedge.engine.run import Run
from backedge.nodes.repair.graph import Repair, Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.patch import patch
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import open_sandbox

from .again import program as ourselves
from .console import complain, json_line, print_traceback, say, span, stdout_kept
from .interrupts import interrupts
from .journals import MadeLate, existing
from .options import Told
from .problems import CommandError, Exit, exit_code, explain
from .repair_progress import Progress, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was typed.

    Attributes:
        request: What to repair; None when a run is resumed.
        resume: The run to go on with; None for a new one.
        journal: Path of the journal.
        run_id: What to call a new run; None to have an id made up.
        seconds: When to give up.
        patches: How many patches to show.
        workers: Sandboxes at once.
        sandbox: Which kind.
        svg: Where to draw the run; None for a place beside the journal.
    """

    request: Request | None
    resume: str | None
    journal: str
    run_id: str | None
    seconds: float
    patches: int
    workers: int
    sandbox: str
    svg: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a repair ended.

    Attributes:
        run_id: The run's id.
        seconds: How long it was under way this time.
        state: The final state; None where it did not get there.
        error: What it ended with, or None.
        svg: Where it is drawn; None where it could not be.
    """

    run_id: str
    seconds: float
    state: Repair | None
    error: BackedgeError | None
    svg: str | None

    @property
    def code(self) -> int:
        """The exit code."""
        if self.error is not None:
            return exit_code(self.error)
        assert self.state is not None
        return Exit.OK if self.state.verdict.status == "repaired" else Exit.FAILED


def asked(
    program: str | None, function: str | None, cases: str | None, tests: str | None, resume: str | None
) -> Request | None:
    """What was typed, as a request whose files can be read; None for a run that is resumed.

    Raises:
        CommandError: Something is missing or too much.
        SpecificationError: A file is missing or malformed.
    """
    if resume is not None:
        if program or function or cases or tests:
            raise CommandError(
                "--resume goes on with what the journal holds: leave PROGRAM, --function, --cases and --tests out"
            )
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
    flow = repair_graph().compile()
    with stdout_kept(told.json) as answer:
        ended = asyncio.run(_carry_out(flow, wanted, told))
        if ended.state is not None and ended.state.verdict.status == "nothing to repair":
            raise CommandError(f"nothing to repair: {ended.state.verdict.message}")
        _tell(ended, wanted, told, answer)
    return ended.code


async def _carry_out(flow: Flow[Repair], wanted: Wanted, told: Told) -> Ended:
    sandbox = open_sandbox(wanted.sandbox)
    try:
        async with _opened(wanted) as journal:
            runner = Runner(sandbox=sandbox, workers=wanted.workers)
            options = RunOptions(resources={"programmer": SearchProgrammer(), "runner": runner}, grace=1.0)
            ended = await _watched(_started(flow, wanted, journal, options), wanted, told)
        svg = await asyncio.to_thread(_drawn, flow, ended.run_id, wanted)
        return Ended(ended.run_id, ended.seconds, ended.state, ended.error, svg)
    finally:
        await sandbox.close()


def _opened(wanted: Wanted) -> AbstractAsyncContextManager[Journal]:
    return existing(wanted.journal) if wanted.resume else MadeLate(wanted.journal)


def _started(flow: Flow[Repair], wanted: Wanted, journal: Journal, options: RunOptions) -> Run[Repair]:
    if wanted.resume is not None:
        return flow.reopen(wanted.resume, journal=journal, **options)
    rules = Rules(seconds=wanted.seconds, alternatives=wanted.patches)
    inputs = {"request": wanted.request, "rules": rules}
    return flow.start(inputs, journal=journal, run_id=wanted.run_id, **options)


async def _watched(run: Run[Repair], wanted: Wanted, told: Told) -> Ended:
    began = time.monotonic()
    error: BackedgeError | None = None
    state: Repair | None = None
    async with run:
        with interrupts(run.interrupt, f"stopped at once; go on with: {again(run.run_id, wanted)}"):
            if not told.json:
                await show(run.events(), Progress())
            try:
                state = (await run.result()).state
            except (RunError, JournalError) as its:
                error = its
    return Ended(run.run_id, time.monotonic() - began, state, error, None)


def again(run_id: str, wanted: Wanted) -> str:
    """The command that goes on with a repair, as it can be typed."""
    options = ["--journal", wanted.journal]
    if wanted.sandbox != "bubblewrap":
        options += ["--sandbox", wanted.sandbox]
    return shlex.join([*ourselves(), "repair", "--resume", run_id, *options])


def _drawn(flow: Flow[Repair], run_id: str, wanted: Wanted) -> str | None:
    """Draw the run; a picture that cannot be made is no reason to fail."""
    path = wanted.svg or str(Path(wanted.journal).with_suffix("")) + f"-{run_id}.svg"
    try:
        flow.render(path, run=run_id, journal=wanted.journal)
    except (BackedgeError, OSError, ImportError) as error:
        complain(f"the run could not be drawn: {error}", what="warning")
        return None
    return path


# --------------------------------------------------------------------------- the end


def _tell(ended: Ended, wanted: Wanted, told: Told, answer: IO[str]) -> None:
    if ended.error is not None:
        if told.debug:
            print_traceback(ended.error)
        complain(explain(ended.error))
    if told.json:
        answer.write(json_line(_as_json(ended, wanted)) + "\n")
        answer.flush()
        return
    state = ended.state
    if state is not None:
        memory = state.memory
        count = f"{memory.round} rounds, {memory.candidates:,} candidates, {span(ended.seconds)}"
        say(f"{state.verdict.status}: {state.verdict.message} ({count})")
        for number, text in enumerate(_patches(state, wanted.patches), 1):
            if wanted.patches > 1:
                say(f"patch {number}:")
            answer.write(text)
        answer.flush()
        if memory.winners:
            say("plausible: it does what the cases ask; read it before you trust it")
    say(f"journal: {wanted.journal}, run {ended.run_id}")
    if ended.svg is not None:
        say(f"picture: {ended.svg}")
    if state is None:
        say(f"go on with: {again(ended.run_id, wanted)}")


def _patches(state: Repair, count: int) -> list[str]:
    name = state.request.program.lstrip("/")
    return [
        patch(state.specification, winner.candidate, name=name) for winner in state.memory.winners[:count]
    ]


def _as_json(ended: Ended, wanted: Wanted) -> dict[str, Any]:
    state, error = ended.state, ended.error
    found: dict[str, Any] = {
        "run_id": ended.run_id,
        "journal": wanted.journal,
        "svg": ended.svg,
        "seconds": round(ended.seconds, 3),
        "status": state.verdict.status
        if state
        else "interrupted"
        if exit_code_of(error) == Exit.INTERRUPTED
        else "failed",
        "resume": None if state else again(ended.run_id, wanted),
        "error": None if error is None else {"type": type(error).__name__, "message": explain(error)},
    }
    if state is not None:
        found |= {
            "rounds": state.memory.round,
            "candidates": state.memory.candidates,
            "patches": _patches(state, wanted.patches),
        }
    return found


def exit_code_of(error: BackedgeError | None) -> int:
    """The exit code of an error, or of none."""
    return Exit.OK if error is None else exit_code(error)
