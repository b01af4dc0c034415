"""What was asked of a repair, how it ended, and telling so."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import IO, Any

from backedge.engine.errors import BackedgeError
from backedge.nodes.repair.graph import Repair, Request, Team
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.models import Bill, Winner
from backedge.nodes.repair.patch import patch

from .again import program as ourselves
from .console import complain, json_line, print_traceback, say, span
from .options import Told
from .problems import Exit, exit_code, explain
from .repair_progress import bill_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was typed.

    Attributes:
        request: What to repair; None when a run is resumed.
        resume: The run to go on with; None for a new one.
        journal: Path of the journal.
        run_id: What to call a new run; None to have an id made up.
        team: Who writes candidates, for a new run; one that is resumed has its own.
        rules: When to stop, likewise.
        workers: Sandboxes at once; None for one a processor.
        sandbox: Which kind.
        svg: Where to draw the run; None for a place beside the journal.
    """

    request: Request | None
    resume: str | None
    journal: str
    run_id: str | None
    team: Team
    rules: Rules
    workers: int | None
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


def again(run_id: str, wanted: Wanted) -> str:
    """The command that goes on with a repair, as it can be typed."""
    options = ["--journal", wanted.journal]
    if wanted.sandbox != "bubblewrap":
        options += ["--sandbox", wanted.sandbox]
    if wanted.workers is not None:
        options += ["--workers", str(wanted.workers)]
    if wanted.svg is not None:
        options += ["--svg", wanted.svg]
    return shlex.join([*ourselves(), "repair", "--resume", run_id, *options])


def tell(ended: Ended, wanted: Wanted, told: Told, answer: IO[str]) -> None:
    """Say how a repair ended: the patches on `answer`, all else on stderr."""
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
        count = f"{memory.round} rounds, {memory.candidates:,} candidates, {span(memory.seconds)}"
        say(f"{state.verdict.status}: {state.verdict.message} ({count})")
        for number, (text, one) in enumerate(zip(_patches(state), _shown(state), strict=True), 1):
            if state.rules.alternatives > 1:
                by = ""
                if state.team.coder == "both":
                    by = " by the model" if one.candidate.kind == "model" else " by the search"
                say(f"patch {number}{by}:")
            answer.write(text)
        answer.flush()
        if state.team.model is not None:
            say(f"model: {state.team.model}, {bill_line(memory.bill)}")
        if memory.winners:
            say("plausible: it does what the cases ask; read it before you trust it")
    say(f"journal: {wanted.journal}, run {ended.run_id}")
    if ended.svg is not None:
        say(f"picture: {ended.svg}")
    if state is None:
        say(f"go on with: {again(ended.run_id, wanted)}")


def _patches(state: Repair) -> list[str]:
    """The best patches, for the file by the name it was given, so that they apply where that name leads to it."""
    name = os.path.normpath(state.request.program).lstrip("/")
    return [patch(state.specification, winner.candidate, name=name) for winner in _shown(state)]


def _shown(state: Repair) -> tuple[Winner, ...]:
    return state.memory.winners[: state.rules.alternatives]


def _model_json(name: str, bill: Bill) -> dict[str, Any]:
    """What a model's calls took; a cost that is not wholly known is null."""
    return {
        "name": name,
        "calls": bill.calls,
        "input_tokens": bill.input_tokens,
        "output_tokens": bill.output_tokens,
        "cost": None if bill.unpriced else bill.dollars,
    }


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
            "searched": state.memory.seconds,
            "patches": _patches(state),
            "found_by": ["model" if one.candidate.kind == "model" else "search" for one in _shown(state)],
            "model": None if state.team.model is None else _model_json(state.team.model, state.memory.bill),
        }
    return found


def exit_code_of(error: BackedgeError | None) -> int:
    """The exit code of an error, or of none."""
    return Exit.OK if error is None else exit_code(error)
