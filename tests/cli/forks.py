"""Real processes of the command line without the time to start an interpreter for each.

`Forks` starts one process that has loaded everything and forks a child for each call, with the child's own arguments,
folder, streams and exit code. Only what happens before the first line of `main` is not gone through again.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .kit import environment

SERVER = """
import json, os, runpy, sys
import aiosqlite, backedge.cli, rich.live, rich.table, backedge.checkpoints.sqlite
for place in backedge.cli.app.LAZY.values():
    __import__(place.partition(":")[0])
for name in ("drive", "journals", "records", "target", "watch"):
    __import__(f"backedge.cli.{name}")
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(job["cwd"])
        for number, name in ((0, os.devnull), (1, job["out"]), (2, job["err"])):
            os.dup2(os.open(name, os.O_RDWR), number)
        sys.argv = ["backedge", *job["arguments"]]
        runpy.run_module("backedge", run_name="__main__", alter_sys=True)
        os._exit(99)  # the command line ends its process itself
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Forks:
    """The process that forks. A context manager."""

    def __enter__(self) -> "Forks":
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.server.communicate()

    def run(self, *arguments: str, cwd: Path) -> Done:
        """Run the command line in a child."""
        assert self.server.stdin
        assert self.server.stdout
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            job = {"arguments": arguments, "cwd": os.fspath(cwd), "out": out.name, "err": err.name}
            self.server.stdin.write(json.dumps(job) + "\n")
            self.server.stdin.flush()
            code = int(self.server.stdout.readline())
            return Done(code, out.read(), err.read())
