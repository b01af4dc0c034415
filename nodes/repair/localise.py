"""Where the fault is likely to be: spectrum-based fault localisation.

A line is the more suspicious, the more of the failing cases execute it and the fewer of the passing ones. The
measure is Ochiai's coefficient, ``failed(line) / sqrt(failing * (failed(line) + passed(line)))``, which did best
among those compared by R. Abreu, P. Zoeteweij and A. J. C. van Gemund, "An Evaluation of Similarity Coefficients for
Software Fault Localization", PRDC 2006.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from math import sqrt

from .models import Survey


def suspicion(survey: Survey) -> dict[int, float]:
    """Ochiai's coefficient for each line that a failing case executes.

    Returns:
        Line number to a value above 0, at most 1.

    Example:
        A line that all failing cases execute and no passing one has suspicion 1.
    """
    failing = [set(survey.cases[case].lines) for case in survey.failing if survey.cases[case].lines]
    passing = [set(survey.cases[case].lines) for case in survey.passing]
    found: dict[int, float] = {}
    for line in sorted(set().union(*failing)) if failing else []:
        failed = sum(line in lines for lines in failing)
        passed = sum(line in lines for lines in passing)
        found[line] = failed / sqrt(len(failing) * (failed + passed))
    return found


def line_map(original: str, changed: str) -> dict[int, int]:
    """For each line of a changed program the line of the original it stands for, or stands beside."""
    left, right = original.splitlines(), changed.splitlines()
    found: dict[int, int] = {}
    for tag, start, end, first, last in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for offset, line in enumerate(range(first, last)):
            place = start + offset if tag == "equal" else min(start + offset, max(end - 1, start))
            found[line + 1] = min(place + 1, max(len(left), 1))
    return found
