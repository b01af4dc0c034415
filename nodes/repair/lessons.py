"""What the search has learned, in a form that can be told to a model that works on the same program."""

from __future__ import annotations

from .memory import Memory
from .models import PASSED, Frozen, Survey, replaced
from .patch import unified
from .spec import Specification

MOST_LINES, MOST_KINDS, MOST_CASES = 5, 4, 5
"""Lines, kinds of edits and cases that are told."""

MOST_DIFF = 1_500
"""Characters of the best candidate's diff."""


class Lessons(Frozen):
    """What a search has learned so far.

    Attributes:
        candidates: How many it has tried.
        lines: Lines where an edit made failing cases pass, the most useful first.
        kinds: Kinds of edits that did, likewise.
        refuting: The cases that refuted most candidates, the first most of all.
        best: The best candidate so far, as a diff; empty where none made a failing case pass.
        mends: How many failing cases pass with it.
        breaks: The cases it broke.
    """

    candidates: int = 0
    lines: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    refuting: tuple[int, ...] = ()
    best: str = ""
    mends: int = 0
    breaks: tuple[int, ...] = ()


def lessons(spec: Specification, survey: Survey, memory: Memory) -> Lessons:
    """What a memory holds that is of use to somebody else."""
    lines = {line: tally.gained for line, tally in memory.lines.items() if tally.gained > 0}
    kinds = {kind: tally.gained for kind, tally in memory.kinds.items() if tally.gained > 0}
    kills = {case: count for case, count in enumerate(memory.kills) if count}
    found = Lessons(
        candidates=memory.candidates,
        lines=tuple(sorted(lines, key=lambda line: (-lines[line], line))[:MOST_LINES]),
        kinds=tuple(sorted(kinds, key=lambda kind: (-kinds[kind], kind))[:MOST_KINDS]),
        refuting=tuple(sorted(kills, key=lambda case: (-kills[case], case))[:MOST_CASES]),
    )
    best = max(memory.bases, key=lambda base: (base.gain, -base.size), default=None)
    if best is None:
        return found
    diff = unified(spec.source, replaced(spec.source, best.replacements), spec.program)
    return found.model_copy(
        update={
            "best": diff if len(diff) <= MOST_DIFF else "",
            "mends": mended(survey, best.outcomes),
            "breaks": broken(survey, best.outcomes),
        }
    )


def mended(survey: Survey, outcomes: str) -> int:
    """How many cases pass that failed before."""
    return sum(outcomes[case : case + 1] == PASSED for case in survey.failing)


def broken(survey: Survey, outcomes: str) -> tuple[int, ...]:
    """The cases that passed before, and do not any more; those that were not run are not among them."""
    return tuple(case for case in survey.passing if outcomes[case : case + 1] not in (PASSED, "-", ""))
