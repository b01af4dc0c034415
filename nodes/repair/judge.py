"""The *checker* role: what a round's report means, what is learned from it, and whether the loop goes on."""

from __future__ import annotations

from .localise import suspicion
from .memory import Memory, learn, reviewed
from .models import PASSED, SEARCH, Batch, Frozen, Report, Survey, Verdict
from .spec import Specification

SEARCH_ON = 1
"""Rounds that follow the first success, to look for a smaller patch or one that fits better."""

SHOWN_LINES = 3


class Rules(Frozen):
    """When to stop.

    Attributes:
        seconds: Time on the clock for all rounds together. What was used before a resume counts. A patch found at the
            very end is still confirmed, which may take a moment more.
        guided: Whether the search learns from results; it is there to be measured.
        alternatives: How many patches are wanted.
    """

    seconds: float = 60.0
    guided: bool = True
    alternatives: int = 1


class Judgement(Frozen):
    """What the checker writes: what was learned, the verdict, and in the first round the survey."""

    memory: Memory
    verdict: Verdict
    survey: Survey | None = None


def first_judgement(spec: Specification, report: Report, rules: Rules) -> Judgement:
    """Judge the look at the original: which cases fail, and where the fault is likely to be."""
    survey = report.survey
    assert survey is not None
    memory = Memory(round=1, seconds=round(report.elapsed, 3), best=len(survey.passing))
    count = len(survey.cases)
    if not survey.failing:
        none = f"{spec.tests} holds no tests" if spec.tests else "there are no cases"
        told = f"all {count} cases pass already" if count else none
        return Judgement(
            memory=memory, survey=survey, verdict=Verdict(status="nothing to repair", message=told)
        )
    lines = suspicion(survey)
    worst = sorted(lines, key=lambda line: (-lines[line], line))[:SHOWN_LINES]
    where = f"; under suspicion: line {', '.join(map(str, sorted(worst)))}" if worst else ""
    example = survey.cases[survey.failing[0]]
    message = f"{len(survey.failing)} of {count} cases fail ({example.text}){where}"
    return Judgement(memory=memory, survey=survey, verdict=Verdict(status="searching", message=message))


def judgement(
    spec: Specification, survey: Survey, memory: Memory, batch: Batch, report: Report, rules: Rules
) -> Judgement:
    """Judge a round of candidates."""
    known = learn(memory, spec, survey, batch.candidates, report, guided=rules.guided)
    if batch.author != SEARCH:
        known = reviewed(known, batch, report)
    return Judgement(memory=known, verdict=_verdict(survey, memory, known, batch, report, rules))


def _verdict(
    survey: Survey, before: Memory, memory: Memory, batch: Batch, report: Report, rules: Rules
) -> Verdict:
    found = len(memory.winners)
    if found and (_enough(memory, rules) or not batch.candidates or memory.seconds >= rules.seconds):
        patches = "a patch" if found == 1 else f"{found} patches"
        return Verdict(status="repaired", message=f"{patches} found, all {len(survey.cases)} cases pass")
    if not batch.candidates:
        return Verdict(
            status="exhausted", message=f"nothing left to try after {memory.candidates} candidates"
        )
    if memory.seconds >= rules.seconds:
        return Verdict(status="out of time", message=f"no patch in {memory.candidates} candidates")
    return Verdict(status="searching", message=_told(survey, before, memory, report))


def _enough(memory: Memory, rules: Rules) -> bool:
    since = memory.round - memory.first_success
    return since >= SEARCH_ON and (len(memory.winners) >= rules.alternatives or since > SEARCH_ON * 10)


def _told(survey: Survey, before: Memory, memory: Memory, report: Report) -> str:
    """What a round taught, in one sentence."""
    if memory.winners:
        return "a patch found; looking for a better one"
    if memory.best > before.best:
        return f"a candidate passes {memory.best} of {len(survey.cases)} cases"
    better = [line for line, tally in memory.lines.items() if tally.gained > 0]
    if len(memory.bases) > len(before.bases):
        return f"more cases can pass; promising: line {', '.join(map(str, sorted(better)))}"
    refuted = [result.case for result in report.results if result.case >= 0]
    killer = max(refuted, key=refuted.count, default=None)
    if killer is None:
        return "nothing new"
    alike = sum(result.outcomes.count(PASSED) == len(survey.passing) for result in report.results)
    return (
        f"case {killer + 1} refutes most"
        if not alike
        else f"case {killer + 1} refutes most, {alike} change nothing"
    )
