"""A tool that runs Python in a sandbox."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from backedge.nodes.sandbox import Ended, Limits, Outcome, Program, Sandbox

from .tool import AnyTool, tool

_SHOWN: Final = 8000
"""Characters of each of the outputs that are shown."""


def code_tool(sandbox: Sandbox, *, limits: Limits | None = None) -> AnyTool:
    """``run_python``: a program in the sandbox, fresh each time. The sandbox stays the caller's to close.

    Args:
        sandbox: Where it runs. What it isolates from is the sandbox's affair: ``subprocess`` isolates from nothing.
        limits: What a program may use.

    Raises of its calls:
        SandboxError: The sandbox could not do its work.

    Example::

        Agent(model, tools=[code_tool(open_sandbox())], instructions="...")
    """
    within = limits or Limits()

    # Nothing of it stays, so that running it again does no harm.
    @tool(permission="execute", safety="idempotent")
    async def run_python(
        code: Annotated[str, Field(description="A whole program; what it prints is the result")],
        stdin: Annotated[str, Field(description="What it reads from standard input")] = "",
    ) -> str:
        """Run a Python program where it reaches neither the network nor other files. Nothing of it is kept."""
        program = Program(
            argv=("python", "main.py"), files={"main.py": code.encode()}, stdin=stdin.encode(), limits=within
        )
        return _told(await sandbox.run(program), within)

    return run_python


def _told(outcome: Outcome, limits: Limits) -> str:
    match outcome.ended:
        case Ended.EXITED if outcome.exit_status == 0:
            how = ""
        case Ended.EXITED:
            how = f"it ended with status {outcome.exit_status}"
        case Ended.SIGNALED:
            how = f"it was ended by signal {-(outcome.exit_status or 0)}"
        case Ended.WALL_LIMIT:
            how = f"it was ended after {limits.wall:g} seconds"
        case _:
            how = f"it was ended: {outcome.ended.value}"
    parts = [how, _shown("", outcome.stdout), _shown("standard error:\n", outcome.stderr)]
    return "\n".join(part for part in parts if part) or "it printed nothing"


def _shown(title: str, output: bytes) -> str:
    """An output; of a long one beginning and end, as errors stand at the end."""
    text = output.decode(errors="replace").rstrip("\n")
    if len(text) > _SHOWN:
        half = _SHOWN // 2
        text = f"{text[:half]}\n[cut: {len(text) - 2 * half} of {len(text)} characters]\n{text[-half:]}"
    return f"{title}{text}" if text else ""
