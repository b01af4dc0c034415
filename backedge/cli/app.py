"""The group of commands, and the frame around each: exit codes, one-line errors, broken pipes.

Commands are loaded when they are called (`LAZY`), so that ``--help`` and ``--version`` wait for none of them.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import click

from .options import Told
from .problems import CommandError, Exit, exit_code, explain, failures_of

LAZY: Final[Mapping[str, str]] = {
    "run": "backedge.cli.run:run",
    "resume": "backedge.cli.resume:resume",
    "worker": "backedge.cli.worker:worker",
    "answer": "backedge.cli.answer:answer",
    "send": "backedge.cli.send:send",
    "cancel": "backedge.cli.send:cancel",
    "fork": "backedge.cli.fork:fork",
    "replay": "backedge.cli.replay:replay",
    "diff": "backedge.cli.diff:diff",
    "check": "backedge.cli.check:check",
    "render": "backedge.cli.render:render",
    "runs": "backedge.cli.runs:runs",
    "show": "backedge.cli.show:show",
    "check-journal": "backedge.cli.check_journal:check_journal",
    "delete": "backedge.cli.keeping:delete",
    "prune": "backedge.cli.keeping:prune",
    "export": "backedge.cli.exchange:export",
    "import": "backedge.cli.exchange:import_",
    "repair": "backedge.cli.repair:repair",
    "models": "backedge.cli.models:models",
}
"""Where each command's object is."""

SUMMARIES: Final[Mapping[str, str]] = {
    "run": "Run a graph to its end.",
    "resume": "Go on with a run that crashed, failed or was interrupted.",
    "worker": "Go on with runs by itself.",
    "answer": "Answer a question that a run asks.",
    "send": "Send a signal to a run.",
    "cancel": "End a run for good.",
    "fork": "Go on from somewhere in a run's past, as a new run.",
    "replay": "Drive a run again from its records, and check each of them.",
    "diff": "Say where two runs part, and how their states differ.",
    "check": "Check a graph, and say what it looks like.",
    "render": "Draw a graph, or a run of it, into a file.",
    "runs": "List the runs of a journal.",
    "show": "Show what happened in a run.",
    "check-journal": "Check a journal's file, and say what is damaged.",
    "delete": "Delete a run that nobody works on.",
    "prune": "Delete old runs, and give their space back.",
    "export": "Write a run into a file that any journal can import.",
    "import": "Store a run that `backedge export` wrote.",
    "repair": "Repair a defective program, by search or by a model.",
    "models": "List the providers of models, and what each lacks to be called.",
}
"""What ``backedge --help`` says of each, without loading it."""


class ReaderGoneError(Exception):
    """Whoever read our output went away."""


class Commands(click.Group):
    """A group that loads its commands when they are called, and gives every error one line and one exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help page."""
        return list(LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded now."""
        if cmd_name not in LAZY:
            return None
        module, _, name = LAZY[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands on the help page."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was called, and write out what it printed."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error  # click would end the process by itself, as if it had failed
        return code

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command. In standalone mode the process ends with its exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        given = list(sys.argv[1:] if args is None else args)
        told = extra.setdefault("obj", Told())
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(
                    errors="backslashreplace"
                )  # a terminal may lack a letter; that is no error
        try:
            code = super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        except ReaderGoneError:
            _let_go_of_stdout()
            code = Exit.PIPE
        except (Exception, click.Abort, KeyboardInterrupt) as error:
            code = _report(error, told, as_json=told.json or "--json" in given)
        sys.exit(int(code) if isinstance(code, int) else Exit.OK)


def _report(error: BaseException, told: Told, *, as_json: bool) -> int:
    """Say what went wrong, on stderr, and on stdout too where a program reads it."""
    from .console import complain, json_line, print_traceback

    try:
        if told.debug:
            print_traceback(error)
        complain(explain(error))
        if as_json:
            problem = {"type": _kind(error), "message": explain(error), "failures": failures_of(error)}
            sys.stdout.write(json_line({"error": problem}) + "\n")
    except BrokenPipeError:
        _let_go_of_stdout()
    return exit_code(error)


def _kind(error: BaseException) -> str:
    """The name a program knows an error by; bad usage is an InputError to it."""
    if isinstance(error, CommandError):
        return error.kind
    return "InputError" if isinstance(error, click.UsageError) else type(error).__name__


def _let_go_of_stdout() -> None:
    """What is still in stdout's buffer has no reader: let it go where nobody minds when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backedge", message="backedge %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_obj
def cli(told: Told, debug: bool) -> None:
    """Run graph workflows of agents and tools, look at their runs, and go on with them.

    TARGET is path/to/file.py:graph or package.module:graph, where graph is a Graph or a compiled flow.

    \b
    Exit codes: 0 completed, 1 failed (check: problems found), 2 bad usage or input,
    3 interrupted (can be resumed), 4 the journal does not allow it, 130 stopped at once.
    """
    told.debug = told.debug or debug


def main() -> NoReturn:
    """The console script."""
    cli()
    raise AssertionError("unreachable")
