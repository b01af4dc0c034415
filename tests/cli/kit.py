"""Graphs in files, and ways to call the command line: in this process, and as a process of its own."""

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from backedge.cli import cli

from .. import forking

LOOP = """\
import asyncio
from pathlib import Path
from typing import Annotated

from backedge import END, START, Graph, extend
from pydantic import BaseModel


class Build(BaseModel):
    spec: str
    code: str
    tries: int = 0
    goal: int = 3
    notes: Annotated[list[str], extend] = []


graph = Graph(Build)


@graph.node(writes="code")
async def coder(spec: str, notes: list[str]) -> str:
    return spec * (len(notes) + 1)


@graph.node(writes=("tries", "notes"))
def checker(code: str, tries: int) -> dict:
    return {"tries": tries + 1, "notes": [f"{len(code)} letters"]}


graph.chain(START, coder, checker)
graph.feedback(checker, coder, when=lambda tries, goal: tries < goal, limit=5)
graph.edge(checker, END, when=lambda tries, goal: tries >= goal)
flow = graph.compile()
"""
"""A coder and a checker, three rounds."""

GATED = """\
import asyncio
from pathlib import Path
from typing import Annotated

from backedge import END, START, Context, Graph, extend
from pydantic import BaseModel


class Count(BaseModel):
    done: Annotated[list[str], extend] = []


graph = Graph(Count)


@graph.node(writes="done")
async def step(ctx: Context) -> list[str]:
    with Path("began.txt").open("a") as file:
        print(ctx.activation, file=file)
    if ctx.round() == 2:
        while not Path("gate").exists():
            await asyncio.sleep(0.01)
    return [str(ctx.activation)]


graph.edge(START, step)
graph.feedback(step, step, when=lambda done: len(done) < 5, limit=10)
graph.edge(step, END, when=lambda done: len(done) == 5)
"""
"""Five rounds; the third waits until a file ``gate`` is there. What began is written to ``began.txt``."""

FINAL = {
    "spec": "ab",
    "code": "ababab",
    "tries": 3,
    "goal": 3,
    "notes": ["2 letters", "4 letters", "6 letters"],
}
"""What LOOP makes of ``{"spec": "ab"}``."""


def environment(**more: str) -> dict[str, str]:
    """The environment for a process: nothing that changes how terminals are treated, but what is asked for."""
    steering = (
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "LINES",
        "PYTHONIOENCODING",
        "TTY_COMPATIBLE",
        "PYTHONDEVMODE",
        "PYTHONDONTWRITEBYTECODE",
    )
    kept = {name: value for name, value in os.environ.items() if name not in steering}
    return {**kept, "PYTHONWARNINGS": "error", **more}


def process(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m backedge`` to its end, in a process that is forked."""
    options.setdefault("env", environment())
    return forking.run("-m", "backedge", *arguments, cwd=cwd, **options)


def begun(*arguments: str, cwd: Path, **options: Any) -> forking.Forked:
    """Start ``python -m backedge`` in a process that is forked."""
    options.setdefault("env", environment())
    return forking.start("-m", "backedge", *arguments, cwd=cwd, **options)


def typed(command: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Type a command that was printed, in a process that is forked."""
    words = shlex.split(command)
    assert words[:3] == [sys.executable, "-m", "backedge"]
    return process(*words[3:], cwd=cwd)


def whole(*command: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end as people do, from the start of the interpreter on; it takes much longer."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def call(*arguments: str, **options: Any) -> Result:
    """Call the command line in this process, in the current folder."""
    return CliRunner().invoke(cli, list(arguments), prog_name="backedge", **options)


def ran(*arguments: str) -> Result:
    """`call` for what must succeed."""
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result


def contents(folder: Path) -> dict[str, str]:
    """Everything in a folder, with a digest of each file; lock files and bytecode left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith("-lock") and "__pycache__" not in path.parts
    }
