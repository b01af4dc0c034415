"""The program that runs in the sandbox: a request in, a report out, one JSON line for each candidate.

A request holds many candidates and all cases, so that starting a sandbox is paid once for hundreds of candidates.
Two things can be asked for:

* ``survey``: run the original on each case, each in its own process, and tell verdict, time, executed lines, types;
* ``trial``: run candidates, on the failing cases first, and give each up as early as its verdict allows.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import site
import sys

from .survey import survey
from .trial import trial

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Sequence

    from .children import Line, Report


def main() -> None:
    """Read the request from standard input, answer on standard output."""
    request = json.loads(sys.stdin.buffer.read())
    report = _take_output()
    for folder in reversed(request.get("paths", ())):
        sys.path.insert(0, os.path.abspath(folder))  # pathlib takes a while to import
    _warm(request.get("warm", ()))
    gc.freeze()
    if request["mode"] == "survey":
        survey(request, report)
    else:
        trial(request, report)


def _warm(names: Sequence[str]) -> None:
    """Import what the program imports, once for all candidates; installed packages are looked at only if needed."""
    for _ in range(2):
        missing = []
        for name in names:
            try:
                importlib.import_module(name)
            except Exception:
                missing.append(name)
        if not missing:
            return
        site.main()  # we were started without it: it takes longer than all else
        names = missing


def _take_output() -> Report:
    """Keep the report's pipe for ourselves and leave nothing but the null device to candidates."""
    kept = os.dup(1)
    os.set_inheritable(kept, False)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    sys.stdin = open(0, closefd=False)  # lives as long as we do
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", closefd=False)

    def report(line: Line) -> None:
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(kept, data) :]

    return report
