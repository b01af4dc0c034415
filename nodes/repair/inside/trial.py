"""The trial: candidates one after the other, each given up as early as its verdict allows.

A forked child takes candidates until one leaves it in doubt: late when its time was up, out of memory, dead. Then a fresh child
goes on with the next. So a fork, the dearest part, is paid for every few dozen candidates; what a candidate may leave
behind in a process can only touch its neighbours' verdicts in this trial, and whoever passes is confirmed in a
process of its own.
"""

from __future__ import annotations

import sys
import time

from .children import STEP, fork, judged, load, patience
from .subjects import subject_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Iterator, Sequence

    from .children import Line, Report, Request, Tell
    from .subjects import Subject

REGRESSIONS = 3
"""Cases a candidate may break, that passed before, until it is given up."""

HOPELESS = 3
"""Failing cases that go wrong, with none that passes, until a candidate is given up."""

LATE = 3.0
"""Times its limit after which a case that was stopped leaves its process in doubt: it did not stop when told."""

SHARING = 40
"""Candidates that share a child at most."""

DOUBTFUL = ("MemoryError", "SystemError")


def trial(request: Request, report: Report) -> None:
    """Try candidates until all are done or the budget on the clock is spent."""
    subject = subject_of(request)
    end = time.monotonic() + request["budget"]
    waiting: list[Request] = request["candidates"]
    while waiting and time.monotonic() < end:
        done = 0
        for verdict in verdicts(subject, waiting[: request.get("sharing", SHARING)], request, end):
            report(verdict)
            done += 1
        waiting = waiting[max(done, 1) :]


def verdicts(subject: Subject, candidates: Sequence[Request], request: Request, end: float) -> Iterator[Line]:
    """Run candidates in one child for as long as it is sound; at least one, all of them at most.

    Yields:
        For each: ``id``; ``outcomes``: one letter for each case, ``-`` where it was not run, ``c`` where the process
        died; ``changed``: whether a failing case went otherwise than with the original; ``counterexample``: the
        first case that did not pass and what it gave; ``seconds``: processor time of the cases.
    """
    stretch = max(candidate.get("patience", 1.0) for candidate in candidates)
    longest = max(request["limits"]) * stretch
    place = 0
    verdict = Verdict(candidates[0], request)
    for line in fork(
        lambda tell: _work(subject, candidates, request, end, tell), lambda: patience(longest, stretch)
    ):
        if "next" in line:
            yield verdict.told()
            place += 1
            if place < len(candidates):
                verdict = Verdict(candidates[place], request)
        elif "case" in line:
            verdict.note(line)
        elif line["end"] in ("killed", "died") and place < len(candidates):
            stuck = line["end"] == "killed"
            text = "stuck in one long call" if stuck else "the process died"
            verdict.note(
                {"case": verdict.unknown(), "code": "t" if stuck else "c", "text": text, "seconds": 0.0}
            )
            yield verdict.told()


class Verdict:
    """What is known of one candidate."""

    def __init__(self, candidate: Request, request: Request) -> None:
        self._id = candidate["id"]
        self._order = [*request["first"], *request["then"]]
        self._known = request.get("known", {})
        self._values = [""] * len(request["limits"]) if request.get("values") else None
        self._outcomes = ["-"] * len(request["limits"])
        self._changed = False
        self._counterexample: tuple[int, str] | None = None
        self._seconds = 0.0

    def note(self, line: Line) -> None:
        """Take in how one case went."""
        case, code, text = line["case"], line["code"], line["text"]
        self._outcomes[case] = code
        self._seconds += line["seconds"]
        if self._values is not None:
            self._values[case] = text
        if self._counterexample is None and code != "p":
            self._counterexample = (case, text)
        self._changed |= str(case) in self._known and self._known[str(case)] != [code, text]

    def unknown(self) -> int:
        """The first case in order that has no outcome."""
        case: int = next((case for case in self._order if self._outcomes[case] == "-"), self._order[-1])
        return case

    def told(self) -> Line:
        """The line for the report."""
        line: Line = {
            "id": self._id,
            "outcomes": "".join(self._outcomes),
            "changed": self._changed,
            "counterexample": self._counterexample,
            "seconds": round(self._seconds, 6),
        }
        return line if self._values is None else {**line, "values": self._values}


def _work(subject: Subject, candidates: Sequence[Request], request: Request, end: float, tell: Tell) -> None:
    """In the child: candidates until one leaves the process in doubt."""
    depth = sys.getrecursionlimit()
    for candidate in candidates:
        sound = _run(subject, candidate, request, tell)
        tell({"next": True})
        if not sound or time.monotonic() > end:
            return
        if sys.getrecursionlimit() != depth:
            sys.setrecursionlimit(depth)


def _run(subject: Subject, candidate: Request, request: Request, tell: Tell) -> bool:
    """The cases of one candidate, in order, for as long as they can still tell something new.

    Returns:
        Whether the process is as good as before.
    """
    failed = load(subject, candidate["source"], request["loading"] * candidate.get("patience", 1.0))
    if failed:
        tell({"case": [*request["first"], *request["then"]][0], "seconds": 0.0, **failed})
        return bool(failed["code"] != "t")
    stretch = candidate.get("patience", 1.0)
    passed = wrong = broken = 0
    sound = True
    for case in request["first"]:
        code, sound = _case(subject, case, request["limits"][case] * stretch, tell)
        passed += code == "p"
        wrong += code != "p"
        if (
            code == "t"
            or not sound
            or (wrong and request.get("thrifty"))
            or (wrong >= HOPELESS and not passed)
        ):
            break
    if not sound or (request["first"] and not passed):
        return sound
    for case in request["then"]:
        code, sound = _case(subject, case, request["limits"][case] * stretch, tell)
        broken += code != "p"
        if not request.get("all") and (code == "t" or broken >= REGRESSIONS):
            break
        if not sound:
            break
    return sound


def _case(subject: Subject, case: int, limit: float, tell: Tell) -> tuple[str, bool]:
    """Run one case; its code, and whether the process is sound afterwards."""
    line = judged(subject, case, limit)
    tell(line)
    late = line["code"] == "t" and line["seconds"] > LATE * limit + STEP
    return line["code"], not late and not (line["code"] == "e" and line["text"].startswith(DOUBTFUL))
