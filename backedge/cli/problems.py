"""What went wrong, in one line for a person and one number for a program.

Every error that a command meets passes through `explain`. The engine words its hints for those who call it from
Python (``takeover=True``); here they are worded for those who type.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

import click

from backedge.engine.errors import (
    BackedgeError,
    GraphChangedError,
    GraphError,
    InputError,
    JournalError,
    LoopLimitError,
    NodeRaisedError,
    RunAbandonedError,
    RunCancelledError,
    RunExistsError,
    RunFailedError,
    RunInterruptedError,
    RunNotFoundError,
    RunOwnedError,
    StepError,
)


class Exit(enum.IntEnum):
    """Exit codes, documented in `docs/cli.md`."""

    OK = 0  # completed; no problems found
    FAILED = 1  # the run failed or was cancelled; `check` found problems
    USAGE = 2  # what was typed or handed over does not fit; nothing was started
    INTERRUPTED = 3  # stopped, or waiting for something; can be resumed
    JOURNAL = 4  # the journal does not allow it
    DEFECT = 70  # a defect of backedge itself
    KILLED = 130  # a second Ctrl-C, or one while no run was under way
    PIPE = 141  # whoever read the output went away


class CommandError(BackedgeError):
    """Something that ends a command: one line that says what is wrong and what to do.

    Attributes:
        code: The exit code.
        kind: The name a program knows it by: that of the error the engine would raise.
    """

    def __init__(self, message: str, code: Exit = Exit.USAGE, *, kind: str = "InputError") -> None:
        self.code = code
        self.kind = kind
        super().__init__(message)


_CODES: Final[tuple[tuple[type[Exception], Exit], ...]] = (
    (GraphError, Exit.USAGE),
    (InputError, Exit.USAGE),
    (RunInterruptedError, Exit.INTERRUPTED),
    (RunFailedError, Exit.FAILED),
    (RunCancelledError, Exit.FAILED),
    (JournalError, Exit.JOURNAL),
    (BackedgeError, Exit.FAILED),
    (MemoryError, Exit.FAILED),
)


def exit_code(error: BaseException) -> int:
    """The exit code that an error leads to."""
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return Exit.KILLED
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.DEFECT)


def explain(error: BaseException) -> str:
    """An error in the words of the command line: one line, but for the list of a graph's problems."""
    match error:
        case click.UsageError():
            help_line = f"; see {error.ctx.command_path} --help" if error.ctx is not None else ""
            return _one_line(error.format_message().rstrip(".")) + help_line
        case click.ClickException():
            return _one_line(error.format_message())
        case click.Abort() | KeyboardInterrupt():
            return "stopped by Ctrl-C"
        case GraphError():
            return str(error)
        case RunFailedError():
            return _failed(error)
        case RunAbandonedError():
            return _abandoned(error)
        case RunInterruptedError():
            return f"run {error.run_id!r} was interrupted"
        case RunOwnedError() | GraphChangedError() | RunExistsError() | RunNotFoundError():
            return _one_line(_journal(error))
        case BackedgeError():
            return _one_line(str(error))
        case MemoryError():
            return "there is not enough memory"
        case _:
            told = _one_line(f"{type(error).__name__}: {error}")
            return f"backedge itself failed: {told} (--debug shows where)"


def explain_step(error: StepError) -> str:
    """Why an activation failed, on one line."""
    if isinstance(error, LoopLimitError):
        return (
            f"{error.activation}: feedback edge {error.edge} reached its limit of {error.limit}; raise it with "
            f"--limit '{error.edge}={raised(error.limit)}', or give the edge an otherwise= target"
        )
    return _one_line(str(error))


def raised(limit: int) -> int:
    """The limit to try where `limit` was not enough."""
    return max(1, 2 * limit)


def failures_of(error: BaseException) -> list[Mapping[str, Any]]:
    """What failed in a run, for a program to read."""
    if not isinstance(error, RunFailedError):
        return []
    return [
        {
            "activation": activation,
            "type": step.type_name if isinstance(step, NodeRaisedError) else type(step).__name__,
            "message": step.message if isinstance(step, NodeRaisedError) else explain_step(step),
        }
        for activation, step in error.failures.items()
    ]


def _failed(error: RunFailedError) -> str:
    steps = [explain_step(step) for step in error.failures.values()]
    return f"run {error.run_id!r} failed: {'; '.join(steps)}"


def _abandoned(error: RunAbandonedError) -> str:
    return _one_line(
        f"{error.why}: find out why, then go on by hand with 'backedge resume {error.run_id} TARGET', "
        f"or raise --attempts"
    )


def _journal(error: RunOwnedError | GraphChangedError | RunExistsError | RunNotFoundError) -> str:
    match error:
        case RunOwnedError():
            return (
                f"run {error.run_id!r} is being worked on by {error.owner}: wait for it or stop it; if it is stuck, "
                f"--takeover fences it off and goes on"
            )
        case GraphChangedError():
            hint = ", or add --on-change continue to go on all the same" if error.possible else ""
            return (
                f"the graph changed since run {error.run_id!r} was made ({'; '.join(error.changes)}): "
                f"use the graph it was made with{hint}"
            )
        case RunExistsError():
            return (
                f"journal {error.journal}: there is a run {error.run_id!r} already: go on with it by "
                f"'backedge resume', or choose another --run-id"
            )
        case RunNotFoundError():
            there = f"it holds {', '.join(error.known)}" if error.known else "it holds no runs"
            return f"journal {error.journal}: there is no run {error.run_id!r}; {there} ('backedge runs' lists all)"


def _one_line(text: str) -> str:
    return " ".join(part for line in text.splitlines() if (part := line.strip()))
