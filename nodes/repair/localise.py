"""Where the fault is likely to be: spectrum-based fault localisation.

A line is the more suspicious, the more of the failing cases execute it and the fewer of the passing ones. The
measure is Ochiai's coefficient, ``failed(line) / sqrt(failing * (failed(line) + passed(line)))``, which did best
among those compared by R. Abreu, P. Zoeteweij and A. J. C. van Gemund, "An Evaluation of Similarity Coefficients for
Software Fault Localization", PRDC 2006.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import SequenceMatcher
from math import sqrt

from .models import Survey, lines_of


def suspicion(survey: Survey, failing: Collection[int] | None = None) -> dict[int, float]:
    """Ochiai's coefficient for each line that a failing case executes.

    Args:
        survey: Which lines each case executes.
        failing: The cases that fail; those of the survey by default.

    Returns:
        Line number to a value above 0, at most 1.

    Example:
        A line that all failing cases execute and no passing one has suspicion 1.
    """
    wrong = set(survey.failing if failing is None else failing)
    bad = [set(case.lines) for number, case in enumerate(survey.cases) if number in wrong and case.lines]
    good = [set(case.lines) for number, case in enumerate(survey.cases) if number not in wrong]
    found: dict[int, float] = {}
    for line in sorted(set().union(*bad)) if bad else []:
        failed = sum(line in lines for lines in bad)
        passed = sum(line in lines for lines in good)
        found[line] = failed / sqrt(len(bad) * (failed + passed))
    return found


def line_map(original: str, changed: str) -> dict[int, int]:
    """For each line of a changed program the line of the original it stands for, or stands beside."""
    left, right = lines_of(original), lines_of(changed)
    found: dict[int, int] = {}
    for tag, start, end, first, last in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for offset, line in enumerate(range(first, last)):
            place = start + offset if tag == "equal" else min(start + offset, max(end - 1, start))
            found[line + 1] = min(place + 1, max(len(left), 1))
    return found
