"""Roles of a loop that writes programs, as ready nodes: an interpreter that runs them, and checkers that judge them.

An interpreter says what a program did, and judges nothing; a checker judges by the specification what the interpreter saw.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from backedge.nodes.sandbox import Ended, Limits, Program, Sandbox
from backedge.providers import Model

from .agent import Agent
from .conversation import cut

MOST: Final = 4000
"""Characters of each of a program's streams that are reported."""

_BESIDE: Final = """import runpy, sys
sys.path.insert(0, "")  # sandboxes keep what lies beside a program from being imported
runpy.run_path("test_of_program.py", run_name="__main__")
"""

_CHECK: Final = """You judge a program against its specification, as an adversary: look for what it gets wrong.
You are shown the specification, the program, and what happened when it ran. Pass it only if it does all that is asked;
else say what is wrong, with an input that shows it, so that its author can put it right."""


class Report(BaseModel):
    """What an interpreter saw.

    Attributes:
        ok: Whether the program ran to its end without an error.
        text: What it printed, and how it ended.
    """

    model_config = ConfigDict(frozen=True)

    ok: bool = False
    text: str = ""


class Review(BaseModel):
    """What a checker says.

    Attributes:
        passed: Whether the program is right.
        feedback: What is wrong with it, for its author.
    """

    model_config = ConfigDict(frozen=True)

    passed: bool = Field(description="Whether the program does all that is asked")
    feedback: str = Field(default="", description="What is wrong with it; empty when it passed")


def code_interpreter(
    sandbox: Sandbox,
    *,
    test: str = "",
    command: tuple[str, ...] = ("python", "program.py"),
    file: str = "program.py",
    files: Mapping[str, str] | None = None,
    stdin: str = "",
    limits: Limits | None = None,
) -> Callable[..., Awaitable[Report]]:
    """A node that runs a program in a sandbox and reports what it did. It reads the field ``code``.

    Args:
        sandbox: Where it runs.
        test: A test of it in Python, which imports it as ``program``, and is run instead of it.
        command: How it is run, where there is no test; by default as a program of Python.
        file: Where the program is written to.
        files: What else lies beside it: path to content.
        stdin: What it reads.
        limits: What it may use.

    Example::

        run = code_interpreter(open_sandbox(), test="from program import double; assert double(4) == 8")
        graph.node(run, name="interpreter", writes="report")
    """
    beside = {path: text.encode() for path, text in (files or {}).items()}
    allowed = limits or Limits()
    argv = ("python", "-c", _BESIDE) if test else command
    if test:
        beside["test_of_program.py"] = test.encode()

    async def interpreter(code: str) -> Report:
        laid_out = {**beside, file: code.encode("utf-8", "replace")}
        outcome = await sandbox.run(Program(argv=argv, files=laid_out, stdin=stdin.encode(), limits=allowed))
        told = []
        for name, stream in (("output", outcome.stdout), ("errors", outcome.stderr)):
            if stream.strip():
                told.append(f"{name}:\n{cut(stream.decode('utf-8', 'replace'), MOST)}")
        how = f"exit status {outcome.exit_status}" if outcome.ended is Ended.EXITED else outcome.ended.value
        return Report(ok=outcome.ok, text="\n".join([*told, f"ended: {how}"]))

    return interpreter


def check_report(report: Report) -> Review:
    """A checker without a mind of its own: a program passes when the interpreter saw no error."""
    return Review(passed=report.ok, feedback="" if report.ok else report.text)


def checker_agent(model: Model | str, instructions: str = _CHECK, *, name: str = "checker") -> Agent[Review]:
    """A checker that asks a model. As a node it reads what `review_prompt` takes.

    Args:
        model: Who judges, or the name of a resource of the graph.
        instructions: What it is told of its task.
        name: The agent's name.
    """
    return Agent(model, instructions=instructions, output=Review, name=name)


def review_prompt(specification: str, code: str, report: Report) -> str:
    """What a checker is asked about a program."""
    return f"Specification:\n{specification}\n\nProgram:\n```\n{code}\n```\n\nWhat happened:\n{report.text}"
