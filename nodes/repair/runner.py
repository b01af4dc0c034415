"""Programs in the sandbox, many candidates to a sandbox and several sandboxes at once.

Starting a sandbox costs more than running a candidate, so a batch is split into one request for each worker, and the
harness inside forks a warm process for each candidate.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backedge.engine.errors import BackedgeError
from backedge.nodes.sandbox.protocol import Ended, Limits, MiB, Program, Sandbox

from .imports import warm_modules
from .inside.values import same
from .models import Candidate, Confirmed, Observed, Report, Result, Survey
from .neighbours import neighbours
from .shipped import START, harness
from .spec import Specification, SpecificationError
from .stopwatch import Stopwatch

BATCH_SECONDS = 4.0
"""Seconds on the clock after which a worker starts no further candidate of its batch."""

SURVEY_SECONDS = 60.0
"""Seconds on the clock after which no further case of the original is looked at."""

CONFIRM_SECONDS = 2.0
"""Seconds on the clock that confirming a patch may take even when the time is up."""

ENDING = 0.5
"""Seconds on the clock that a sandbox may take beyond its time until it is killed."""

SHORT, LONG, SURVEY_BUDGET = 0.1, 0.6, 0.5
"""Seconds for a case of the original at first, on the second try, and for all second tries together."""

LEAST, FACTOR = 0.008, 20.0
"""A case's limit: this many times what it took the original, but no less than so many seconds."""

LEAST_LOADING = 0.1
"""Seconds that loading a candidate may take at least."""

MOST_CONFIRMED = 12
"""Candidates confirmed in one round; more would only wait."""

CONFIRM_PATIENCE = 100.0
"""Factor on the limits when winners are confirmed."""

SLOW = 0.02
"""Seconds from which a failing case counts as slow, and runs after the others."""

THRIFTY = 0.02
"""Seconds; where the failing cases take longer, a candidate is given up at its first counterexample."""


class HarnessError(BackedgeError):
    """The harness in the sandbox did not answer: the sandbox or its interpreter is at fault, not the program."""


class UnusableTestsError(SpecificationError):
    """The test file cannot be imported where the program runs."""


FEW = 4
"""Candidates up to which every counterexample is told: whoever proposes so few, as a model does, reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs surveys and batches. Make one for each run: its watch counts what the run uses.

    Attributes:
        sandbox: Where programs run.
        workers: Sandboxes at once.
        watch: Counts the time from report to report.
    """

    sandbox: Sandbox
    workers: int = 2
    watch: Stopwatch = field(default_factory=Stopwatch)

    async def survey(self, spec: Specification, *, within: float = math.inf) -> Report:
        """Run the original on every case and observe it.

        Args:
            spec: What should hold.
            within: Seconds on the clock, from the last report on; half of what is left of them is for this. Cases
                that there was no time for count as out of time.

        Raises:
            HarnessError: The sandbox gave no answer.
            UnusableTestsError: The test file cannot be imported in the sandbox.
        """
        start = time.monotonic()
        seconds = min(max((within - self.watch.seconds) / 2, 0.0), SURVEY_SECONDS)
        request = {
            "mode": "survey",
            "seconds": seconds,
            "source": spec.source,
            "short": SHORT,
            "long": LONG,
            "budget": SURVEY_BUDGET,
            **_common(spec, ()),
        }
        lines = await self._ask(spec, request, wall=seconds + SURVEY_SECONDS)
        seen = _survey(lines)
        return Report(survey=seen, seconds=time.monotonic() - start, elapsed=self.watch.lap())

    async def trial(
        self,
        spec: Specification,
        survey: Survey,
        batch: Sequence[Candidate],
        kills: Sequence[int] = (),
        *,
        within: float = math.inf,
    ) -> Report:
        """Run a batch of candidates, and confirm those that pass.

        Args:
            spec: What should hold.
            survey: How the original did.
            batch: The candidates, the most promising first.
            kills: For each case how many candidates it refuted; cases that refute often run first.
            within: Seconds on the clock, from the last report on. Candidates there was no time for have no result.

        Raises:
            HarnessError: A sandbox gave no answer.
        """
        start = time.monotonic()
        end = start + within - self.watch.seconds
        request = _trial_request(spec, survey, kills)
        parts = [part for part in (batch[worker :: self.workers] for worker in range(self.workers)) if part]
        answers = await asyncio.gather(*(self._try(spec, request, part, end) for part in parts))
        known = {line["id"]: line for answer in answers for line in answer}
        results = tuple(
            _result(known[candidate.id], survey.failing, told=len(batch) <= FEW)
            for candidate in batch
            if candidate.id in known
        )
        passed = {result.id for result in results if result.passed}
        plausible = [candidate for candidate in batch if candidate.id in passed]
        end = max(end, time.monotonic() + CONFIRM_SECONDS)
        winners, undecided = await self._confirmed(spec, survey, plausible, end)
        original, *behaviours = await self._behaviours(spec, survey, winners, end)
        return Report(
            results=tuple(result for result in results if result.id not in undecided),
            confirmed=tuple(
                Confirmed(one.id, nearby) for one, nearby in zip(winners, behaviours, strict=True)
            ),
            original=original,
            seconds=time.monotonic() - start,
            elapsed=self.watch.lap(),
        )

    async def _confirmed(
        self, spec: Specification, survey: Survey, candidates: Sequence[Candidate], end: float
    ) -> tuple[list[Candidate], set[str]]:
        """Which candidates pass again: each in a process of its own, with time to spare, judged out here.

        The sandbox they run in does not hold the expected results.

        Returns:
            Those that passed, and the ids of those there was no time for.
        """
        if not candidates:
            return [], set()
        request = _trial_request(spec, survey, ()) | {
            "expected": None,
            "first": [],
            "then": list(range(len(survey.cases))),
            "known": {},
            "values": True,
            "sharing": 1,
        }
        patient = [one._replace(patience=CONFIRM_PATIENCE) for one in candidates[:MOST_CONFIRMED]]
        lines = {line["id"]: line for line in await self._try(spec, request, patient, end)}
        passing = [one for one in candidates if one.id in lines and _passes(spec, lines[one.id])]
        return passing, {one.id for one in candidates if one.id not in lines}

    async def _behaviours(
        self, spec: Specification, survey: Survey, winners: Sequence[Candidate], end: float
    ) -> list[tuple[str, ...]]:
        """What the original and the winners do on neighbouring inputs."""
        nearby = neighbours(spec, survey)
        if not winners or not nearby:
            return [()] * (len(winners) + 1)
        longest = max(case_limits(survey))
        request = _trial_request(spec, survey, ()) | {
            "expected": None,
            "cases": [one.arguments for one in nearby],
            "limits": [longest] * len(nearby),
            "first": [],
            "then": list(range(len(nearby))),
            "known": {},
            "values": True,
            "all": True,
        }
        original = Candidate("original", (), 0, "", 0.0)
        lines = {line["id"]: line for line in await self._try(spec, request, [original, *winners], end)}
        return [_behaviour(lines.get(one.id), len(nearby)) for one in (original, *winners)]

    async def _try(
        self, spec: Specification, request: Mapping[str, Any], batch: Sequence[Candidate], end: float
    ) -> list[dict[str, Any]]:
        """Run candidates until a point of time of the monotonic clock; those it did not suffice for have no line."""
        left = end - time.monotonic()
        if left <= 0:
            return []
        candidates = [
            {"id": one.id, "source": one.source(spec.source), "patience": one.patience} for one in batch
        ]
        longest = sum(request["limits"]) * max(one.patience for one in batch)
        wall = BATCH_SECONDS + 10.0 + 4 * longest
        asked = {**request, "candidates": candidates, "budget": min(BATCH_SECONDS, left)}
        return await self._ask(spec, asked, wall=min(wall, left + ENDING), hurried=left + ENDING < wall)

    async def _ask(
        self, spec: Specification, request: Mapping[str, Any], *, wall: float, hurried: bool = False
    ) -> list[dict[str, Any]]:
        """Run the harness on a request and give its answer.

        Args:
            spec: Its files are laid out.
            request: What the harness is to do.
            wall: Seconds on the clock after which it is killed.
            hurried: Whether these are so few that an answer that did not come in time is no surprise.
        """
        program = Program(
            argv=("python", "-S", "-P", START),
            files=_files(spec),
            stdin=json.dumps(request).encode(),
            limits=Limits(wall=wall, cpu=wall, output=64 * MiB, processes=64),
        )
        outcome = await self.sandbox.run(program)
        lines = [json.loads(line) for line in outcome.stdout.splitlines() if line.endswith(b"}")]
        failed = next((line["failed"] for line in lines if "failed" in line), None)
        if failed is not None:
            raise UnusableTestsError(f"{spec.tests}: the tests cannot be run here: {failed}")
        if (outcome.ended is Ended.EXITED and outcome.exit_status != 0) or (
            not lines and not outcome.ok and not (hurried and outcome.ended is Ended.WALL_LIMIT)
        ):
            tail = outcome.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise HarnessError(
                f"the harness ended early ({outcome.ended}, {outcome.exit_status}): {''.join(tail)}"
            )
        return lines


def _files(spec: Specification) -> dict[str, bytes]:
    """What is laid out in the sandbox: the harness, the program, and what they need."""
    own = {name: text.encode() for name, text in spec.files.items()}
    return {**own, spec.program: spec.source.encode(), **harness()}


def _common(spec: Specification, names: Sequence[str]) -> dict[str, Any]:
    """The part of a request that says what a case is."""
    local = {
        name.removesuffix(".py").replace("/", ".").rpartition(".")[2] for name in (*spec.files, spec.program)
    }
    sources = [spec.source, *([spec.files[spec.tests]] if spec.tests else [])]
    modules = [name for source in sources for name in warm_modules(source)]
    warm = [name for name in modules if not local & set(name.split(".")) and name != "pytest"]
    return {
        "program": spec.program,
        "function": spec.function,
        "tests": spec.tests,
        "paths": list(spec.paths),
        "warm": sorted(set(warm)),
        "cases": list(names) if spec.tests else [case.arguments for case in spec.cases],
        "expected": None if spec.tests else [json.loads(case.expected) for case in spec.cases],
    }


def _trial_request(spec: Specification, survey: Survey, kills: Sequence[int]) -> dict[str, Any]:
    refuted = dict(enumerate(kills))

    def promise(case: int) -> tuple[int, float, int]:
        return (-refuted.get(case, 0), survey.cases[case].seconds, case)

    def simplicity(case: int) -> tuple[bool, bool, int, int]:
        seen = survey.cases[case]
        size = 0 if spec.tests else len(spec.cases[case].arguments)
        return (seen.code == "t", seen.seconds > SLOW, size, case)

    return {
        "mode": "trial",
        "first": sorted(survey.failing, key=simplicity),
        "then": sorted(survey.passing, key=promise),
        "limits": case_limits(survey),
        "loading": max(LEAST_LOADING, FACTOR * survey.loading),
        "known": {case: [survey.cases[case].code, survey.cases[case].text] for case in survey.failing},
        "thrifty": sum(
            survey.cases[case].seconds for case in survey.failing if survey.cases[case].code != "t"
        )
        > THRIFTY,
        **_common(spec, survey.names),
    }


def case_limits(survey: Survey) -> list[float]:
    """Seconds of processor time each case may take, from what the cases took the original.

    A passing case gets `FACTOR` times its own time, long ones less; a failing one what the slowest passing case gets,
    since how long it should take is not known.
    """
    passing = [survey.cases[case].seconds for case in survey.passing]
    slowest = max(passing, default=0.0)
    return [
        max(LEAST, min(FACTOR * seconds, seconds * 2 + 1.0))
        for seconds in (case.seconds if case.code == "p" else slowest for case in survey.cases)
    ]


def _survey(lines: Iterable[Mapping[str, Any]]) -> Survey:
    cases: dict[int, Observed] = {}
    types: dict[str, tuple[str, ...]] = {}
    names: tuple[str, ...] = ()
    loading = 0.0
    for line in lines:
        loading = max(loading, line.get("loading", 0.0))
        if "case" in line:
            cases[line["case"]] = Observed(
                code=line["code"],
                text=line["text"],
                seconds=round(line["seconds"], 6),
                lines=tuple(line.get("lines", ())),
            )
        types = {name: tuple(seen) for name, seen in line["types"].items()} if "types" in line else types
        names = tuple(line.get("names", names))
    return Survey(
        cases=tuple(cases[case] for case in sorted(cases)),
        types=types,
        names=names,
        loading=round(loading, 6),
    )


def _passes(spec: Specification, line: Mapping[str, Any]) -> bool:
    """Whether a candidate's values are those expected; of tests it is known already."""
    if set(line["outcomes"]) != {"p"}:
        return False
    return spec.tests is not None or all(
        same(json.loads(case.expected), json.loads(value))
        for case, value in zip(spec.cases, line["values"], strict=True)
    )


def _behaviour(line: Mapping[str, Any] | None, count: int) -> tuple[str, ...]:
    if line is None:
        return ("!",) * count
    pairs = zip(line["outcomes"], line["values"], strict=True)
    return tuple(f"{zlib.crc32(value.encode()):08x}" if code == "p" else "!" for code, value in pairs)


def _result(line: Mapping[str, Any], failing: Sequence[int], *, told: bool) -> Result:
    case, text = line["counterexample"] or (-1, "")
    telling = any(line["outcomes"][number] == "p" for number in failing)
    return Result(line["id"], line["outcomes"], line["changed"], case, text if telling or told else "")
