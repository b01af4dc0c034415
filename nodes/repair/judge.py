"""The *checker* role: what a round's report means, what is learned from it, and whether the loop goes on."""

from __future__ import annotations

from .localise import suspicion
from .memory import Memory, learn
from .models import PASSED, SEARCH, Batch, Frozen, Report, Survey, Verdict
from .reviewing import reviewed
from .spec import Specification

MOST_MISSES = 3
"""Calls of a model in a row that bring nothing to try, after which it is not asked again."""

MOST_FURTHER = 10
"""Rounds that follow the first success at most, where more patches are wanted than were found."""

SHOWN_LINES = 3


class Rules(Frozen):
    """When to stop.

    Attributes:
        seconds: Time on the clock for all rounds together. What was used before a resume counts. A patch found at the
            very end is still confirmed, which may take a moment more.
        guided: Whether the search learns from results; it is there to be measured.
        alternatives: How many patches are wanted.
        further: Rounds that follow the first success, to look for a smaller patch or one that fits better.
        dollars: What a model may cost; None for no limit. It is not asked again once this is spent, so that the last
            call may pass it.
        tokens: How many tokens it may read and write, likewise.
    """

    seconds: float = 60.0
    guided: bool = True
    alternatives: int = 1
    further: int = 1
    dollars: float | None = None
    tokens: int | None = None


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
    if report.over or batch.over:
        message = f"the other coder has a patch; stopped after {memory.candidates} candidates"
        known = memory.model_copy(update={"bill": memory.bill + batch.bill})
        return Judgement(memory=known, verdict=Verdict(status="called off", message=message))
    known = learn(memory, spec, survey, batch.candidates, report, guided=rules.guided)
    if batch.author != SEARCH:
        known = reviewed(known, batch, report)
    return Judgement(memory=known, verdict=_verdict(survey, memory, known, batch, report, rules))


def _verdict(
    survey: Survey, before: Memory, memory: Memory, batch: Batch, report: Report, rules: Rules
) -> Verdict:
    found = len(memory.winners)
    late = memory.seconds >= rules.seconds
    ending = _given_up(memory, batch, rules)
    if found and (_enough(memory, batch, rules) or ending or late):
        patches = "a patch" if found == 1 else f"{found} patches"
        return Verdict(status="repaired", message=f"{patches} found, all {len(survey.cases)} cases pass")
    if ending:
        return Verdict(status="exhausted", message=ending)
    if late:
        return Verdict(status="out of time", message=f"no patch in {memory.candidates} candidates")
    told = f"an answer of no use: {batch.note}" if batch.said else batch.note
    return Verdict(status="searching", message=told or _told(survey, before, memory, report))


def _given_up(memory: Memory, batch: Batch, rules: Rules) -> str:
    """Why there is no further round, if that is so: nothing left to try, or a model that is of no more use."""
    if not batch.candidates and not batch.note:
        return f"nothing left to try after {memory.candidates} candidates"
    if batch.author == SEARCH or memory.seconds >= rules.seconds:
        return ""
    if memory.misses >= MOST_MISSES:
        return f"{batch.author} gave nothing to try {memory.misses} times in a row; at last: {batch.note}"
    bill = memory.bill
    if rules.tokens is not None and bill.tokens >= rules.tokens:
        return f"the budget of {rules.tokens:,} tokens is spent: {bill.tokens:,}"
    if rules.dollars is not None and bill.unpriced:
        return "what a call cost is unknown, so that a budget in dollars cannot be kept"
    if rules.dollars is not None and bill.dollars >= rules.dollars:
        return f"the budget of ${rules.dollars:.2f} is spent: ${bill.dollars:.4f}"
    return ""


def _enough(memory: Memory, batch: Batch, rules: Rules) -> bool:
    """Whether to be content with what was found. The search looks on for a moment; a model is not asked for more."""
    since = memory.round - memory.first_success
    if batch.author != SEARCH:
        return len(memory.winners) >= rules.alternatives or since > MOST_MISSES
    many = len(memory.winners) >= rules.alternatives
    return since >= rules.further and (many or since > MOST_FURTHER)


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
