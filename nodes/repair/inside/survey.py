"""The survey: the original on every case, plain for verdict and time, then watched for lines and types."""

from __future__ import annotations

import os
import time

from .children import LOADING, fork, judged, load, patience
from .observe import Observer
from .subjects import subject_of, test_names

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from typing import Any

    from .children import Line, Report, Request, Tell
    from .subjects import Subject

QUICK = 0.05
"""Seconds below which a case is measured again."""

ENDLESS = 4
"""Endless cases that are watched; they say the same, and each takes its whole time."""


def survey(request: Request, report: Report) -> None:
    """Run the original on every case: first plain, for verdict and time, then watched, for lines and types.

    Cases that take longer than the first, short limit are tried again with a longer one, until the budget is spent:
    a slow case is worth waiting for, an endless one is not. Once the request's seconds are over, no further case is
    run; watching may take half as long again, and one failing case is watched in any event, since without lines there
    is nothing to search.
    """
    source = request["source"]
    if request.get("tests") and not request["cases"]:
        request["cases"] = _names(request, source, report)
    subject = subject_of(request)
    cases = range(len(request["cases"]))
    short, long, budget = request["short"], request["long"], request["budget"]
    began, seconds = time.monotonic(), request["seconds"]
    end = began + seconds
    lines = {
        case: _alone(subject, source, case, short, seconds) if time.monotonic() < end else _skipped(case)
        for case in cases
    }
    waited = 0.0
    for case in cases:
        if lines[case]["code"] == "t" and waited < budget and time.monotonic() < end:
            lines[case] = _alone(subject, source, case, long, seconds)
            waited += lines[case]["seconds"]
    types: dict[str, set[str]] = {}
    endless = 0
    located = False
    for case in cases:
        endless += lines[case]["code"] == "t"
        in_time = time.monotonic() < began + 1.5 * seconds or (not located and lines[case]["code"] != "p")
        if in_time and (lines[case]["code"] != "t" or endless <= ENDLESS):
            located |= lines[case]["code"] != "p"
            watched = _watched(subject, source, case, short * 2, request["program"])
            for name, seen in watched.pop("types", {}).items():
                types.setdefault(name, set()).update(seen)
            lines[case]["lines"] = watched.get("lines", [])
        report(lines[case])
    report({"types": {name: sorted(seen) for name, seen in sorted(types.items())}})


def _skipped(case: int) -> Line:
    return {"case": case, "code": "t", "text": "there was no time to run it", "seconds": 0.0}


def _names(request: Request, source: str, report: Report) -> list[str]:
    """The names of the tests in the test file, found in a child."""

    def work(tell: Tell) -> None:
        try:
            names = test_names(request, source)
        except BaseException as error:
            tell({"failed": f"{type(error).__name__}: {error}"})
        else:
            tell({"names": names})

    found: list[str] = []
    for line in fork(work, lambda: request["long"] + LOADING):
        if "failed" in line or line.get("end", "done") != "done":
            report({"failed": line.get("failed", "importing the test file did not end")})
        found = line.get("names", found)
    report({"names": found})
    return found


def _alone(subject: Subject, source: str, case: int, limit: float, most: float) -> Line:
    """Run one case in a process of its own; a quick one again, since the first run also warms the process up."""
    loading_limit = min(LOADING, max(most, limit))

    def work(tell: Tell) -> None:
        began = time.process_time()
        failed = load(subject, source, loading_limit)
        loading = time.process_time() - began
        if failed:
            tell({"case": case, "seconds": 0.0, **failed})
            return
        line = judged(subject, case, limit)
        for _ in range(2):
            if line["code"] != "t" and line["seconds"] < QUICK:  # what held it up counts for nothing
                line["seconds"] = min(line["seconds"], judged(subject, case, limit)["seconds"])
        tell({**line, "loading": loading})

    return _only(fork(work, lambda: patience(limit) + loading_limit), case, limit)


def _watched(subject: Subject, source: str, case: int, limit: float, file: str) -> Line:
    def work(tell: Tell) -> None:
        # A test file imports the program by its full path, a case executes it under the name it was given.
        observer = Observer(os.path.abspath(file) if subject.imported else file)
        with observer.watching():
            failed = load(subject, source)
            if not failed:
                judged(subject, case, limit)
        types = {name: sorted(seen) for name, seen in observer.types.items()}
        tell({"lines": sorted(observer.lines), "types": types})

    return _only(fork(work, lambda: patience(limit) + LOADING), case, limit)


def _only(lines: Any, case: int, limit: float) -> Line:
    found: Line = {"case": case, "code": "c", "text": "the process died", "seconds": 0.0}
    for line in lines:
        if "end" not in line:
            found = line
        elif line["end"] == "killed":
            found = {"case": case, "code": "t", "text": "stuck in one long call", "seconds": limit}
    return found
