"""The command that goes on with a run, exactly as it can be typed."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from backedge.engine.errors import LoopLimitError, RunFailedError

from .options import HowToRun
from .problems import raised


def program() -> list[str]:
    """How this program was called: ``backedge``, or by its path where that name leads elsewhere."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return [sys.executable, "-m", "backedge"]
    found = shutil.which(called.name)
    if found is not None and called.exists() and Path(found).samefile(called):
        return [called.name]
    return [sys.argv[0]]


def resume_command(run_id: str, target: str, journal: str, how: HowToRun) -> str:
    """The command that resumes a run as it was started. A deadline is not repeated: it has passed."""
    options = ["--journal", journal]
    for name, values in (("--resource", how.resource), ("--limit", how.limit), ("--slots", how.slots)):
        options += [part for value in values for part in (name, value)]
    if how.concurrency is not None:
        options += ["--concurrency", str(how.concurrency)]
    if how.durability != "step":
        options += ["--durability", how.durability]
    names = [run_id, target]
    if any(name.startswith("-") for name in names):
        return shlex.join([*program(), "resume", *options, "--", *names])
    return shlex.join([*program(), "resume", *names, *options])


def after(how: HowToRun, error: BaseException | None) -> HowToRun:
    """How to go on after an error: a loop's limit that was reached is raised, or the run would stop there again."""
    if not isinstance(error, RunFailedError):
        return how
    reached = {e.edge: raised(e.limit) for e in error.failures.values() if isinstance(e, LoopLimitError)}
    kept = [text for text in how.limit if text.rpartition("=")[0].strip() not in reached]
    return replace(how, limit=(*kept, *(f"{edge}={limit}" for edge, limit in reached.items())))
