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
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .children import Line, Tell, fork, judged, load, patience
from .minitest import collect, compile_tests, load_tests
from .observe import Observer
from .subjects import FunctionSubject, Subject, TestFileSubject

REGRESSIONS = 3
"""Cases a candidate may break, that passed before, until it is given up."""

Request = dict[str, Any]
Report = Callable[[Line], None]


def main() -> None:
    """Read the request from standard input, answer on standard output."""
    request = json.loads(sys.stdin.buffer.read())
    report = _take_output()
    for folder in reversed(request.get("paths", ())):
        sys.path.insert(0, str(Path(folder).absolute()))
    for name in request.get("warm", ()):
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112: the candidate that needs it says so
            continue
    gc.freeze()
    if request["mode"] == "survey":
        survey(request, report)
    else:
        trial(request, report)


def _take_output() -> Report:
    """Keep the report's pipe for ourselves and leave nothing but the null device to candidates."""
    kept = os.dup(1)
    os.set_inheritable(kept, False)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115, PTH123: lives as long as we do
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115, PTH123
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115, PTH123

    def report(line: Line) -> None:
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(kept, data) :]

    return report


def subject_of(request: Request) -> Subject:
    """What the request wants tested, not yet loaded."""
    if request.get("tests"):
        code = compile_tests(request["tests"])
        return TestFileSubject(request["program"], request["tests"], request["cases"], code)
    return FunctionSubject(request["program"], request["function"], request["cases"], request.get("expected"))


# --------------------------------------------------------------------------- survey


def survey(request: Request, report: Report) -> None:
    """Run the original on every case: first plain, for verdict and time, then watched, for lines and types.

    Cases that take longer than the first, short limit are tried again with a longer one, until the budget is spent:
    a slow case is worth waiting for, an endless one is not.
    """
    source = request["source"]
    if request.get("tests") and not request["cases"]:
        request["cases"] = _names(request, source, report)
    subject = subject_of(request)
    cases = range(len(request["cases"]))
    short, long, budget = request["short"], request["long"], request["budget"]
    lines = {case: _alone(subject, source, case, short) for case in cases}
    waited = 0.0
    for case in cases:
        if lines[case]["code"] == "t" and waited < budget:
            lines[case] = _alone(subject, source, case, long)
            waited += lines[case]["seconds"]
    types: dict[str, set[str]] = {}
    for case in cases:
        if lines[case]["code"] in "pfet":
            watched = _watched(subject, source, case, short * 2, request["program"])
            for name, seen in watched.pop("types", {}).items():
                types.setdefault(name, set()).update(seen)
            lines[case]["lines"] = watched.get("lines", [])
        report(lines[case])
    report({"types": {name: sorted(seen) for name, seen in sorted(types.items())}})


def _names(request: Request, source: str, report: Report) -> list[str]:
    """The names of the tests in the test file, found in a child."""

    def work(tell: Tell) -> None:
        Path(request["program"]).write_text(source, encoding="utf-8")
        try:
            names = list(collect(load_tests(request["tests"], compile_tests(request["tests"]))))
        except BaseException as error:
            tell({"failed": f"{type(error).__name__}: {error}"})
        else:
            tell({"names": names})

    found: list[str] = []
    for line in fork(work, lambda: request["long"] + 5.0):
        if "failed" in line or line.get("end", "done") != "done":
            report({"failed": line.get("failed", "importing the test file did not end")})
        found = line.get("names", found)
    report({"names": found})
    return found


def _alone(subject: Subject, source: str, case: int, limit: float) -> Line:
    """Run one case in a process of its own."""

    def work(tell: Tell) -> None:
        failed = load(subject, source)
        tell({"case": case, "seconds": 0.0, **failed} if failed else judged(subject, case, limit))

    return _only(fork(work, lambda: patience(limit) + 5.0), case, limit)


def _watched(subject: Subject, source: str, case: int, limit: float, file: str) -> Line:
    def work(tell: Tell) -> None:
        # A test file imports the program by its full path, a case executes it under the name it was given.
        observer = Observer(str(Path(file).absolute()) if isinstance(subject, TestFileSubject) else file)
        with observer.watching():
            failed = load(subject, source)
            if not failed:
                judged(subject, case, limit)
        types = {name: sorted(seen) for name, seen in observer.types.items()}
        tell({"lines": sorted(observer.lines), "types": types})

    return _only(fork(work, lambda: patience(limit) + 5.0), case, limit)


def _only(lines: Any, case: int, limit: float) -> Line:
    found: Line = {"case": case, "code": "c", "text": "the process died", "seconds": 0.0}
    for line in lines:
        if "end" not in line:
            found = line
        elif line["end"] == "killed":
            found = {"case": case, "code": "t", "text": "stuck in one long call", "seconds": limit}
    return found


# --------------------------------------------------------------------------- trial


def trial(request: Request, report: Report) -> None:
    """Try candidates one after the other until all are done or the budget on the clock is spent."""
    subject = subject_of(request)
    start = time.monotonic()
    for candidate in request["candidates"]:
        if time.monotonic() - start > request["budget"]:
            return
        report(try_one(subject, candidate, request))


def try_one(subject: Subject, candidate: Request, request: Request) -> Line:
    """Run one candidate.

    Returns:
        ``id``; ``outcomes``: one letter for each case, ``-`` where it was not run, ``c`` where the process died;
        ``changed``: whether a failing case went otherwise than with the original; ``case``, ``text``: the first
        case that did not pass and what it gave; ``seconds``: processor time of the cases.
    """
    stretch = candidate.get("patience", 1.0)
    limits = [limit * stretch for limit in request["limits"]]
    order: list[int] = [*request["first"], *request["then"]]
    outcomes = ["-"] * len(limits)
    known = request.get("known", {})
    changed, seconds, counterexample, running = False, 0.0, None, 0
    values: list[str] = [""] * len(limits)

    def work(tell: Tell) -> None:
        failed = load(subject, candidate["source"])
        if failed:
            tell({"case": order[0], "seconds": 0.0, **failed})
            return
        _run_cases(subject, request, limits, tell)

    for line in fork(work, lambda: patience(limits[order[min(running, len(order) - 1)]])):
        if "end" in line:
            if line["end"] == "done":
                break
            code, text = ("t", "stuck") if line["end"] == "killed" else ("c", "the process died")
            line = {"case": order[min(running, len(order) - 1)], "code": code, "text": text, "seconds": 0.0}
        case, running = line["case"], running + 1
        outcomes[case] = line["code"]
        seconds += line["seconds"]
        if counterexample is None and line["code"] != "p":
            counterexample = [case, line["text"]]
        values[case] = line["text"]
        changed |= str(case) in known and known[str(case)] != [line["code"], line["text"]]
    kept = {"values": values} if request.get("values") else {}
    return {
        **kept,
        "id": candidate["id"],
        "outcomes": "".join(outcomes),
        "changed": changed,
        "counterexample": counterexample,
        "seconds": round(seconds, 6),
    }


def _run_cases(subject: Subject, request: Request, limits: Sequence[float], tell: Tell) -> None:
    """The cases of one candidate, in order, for as long as they can still tell something new."""
    passed = 0
    for case in request["first"]:
        line = judged(subject, case, limits[case])
        tell(line)
        passed += line["code"] == "p"
        if line["code"] == "t" or (line["code"] != "p" and request.get("thrifty")):
            break
    if request["first"] and not passed:
        return
    broken = 0 if passed == len(request["first"]) else 1
    for case in request["then"]:
        line = judged(subject, case, limits[case])
        tell(line)
        broken += line["code"] != "p"
        if broken >= REGRESSIONS or line["code"] == "t":
            return
