"""What the checker feeds back steers the coder: with it fewer candidates are needed.

Candidates run in this process under a limit of executed lines, so the counts are the same on every machine.
"""

import functools

import pytest

from .inprocess import candidates_needed
from .test_programs import TWO, cases_of


def needed(name, *, guided, most=3000):
    """How many candidates a program takes; `most` when that was not enough."""
    return candidates_needed(cases_of(name).read(), guided=guided, most=most) or most


@functools.cache
def guided(name):
    """How many candidates a program takes with feedback, counted once."""
    return needed(name, guided=True)


@pytest.mark.soak
def test_with_feedback_fewer_candidates_are_needed_for_one_defect():
    names = ["intervals", "runs"]
    assert sum(needed(name, guided=True) for name in names) < sum(
        needed(name, guided=False) for name in names
    )


@pytest.mark.parametrize(
    "name",
    [name if name in ("search", "stock") else pytest.param(name, marks=pytest.mark.soak) for name in TWO],
)
def test_two_defects_take_feedback(name):
    with_it = guided(name)
    assert with_it < 1000
    assert needed(name, guided=False, most=2 * with_it) == 2 * with_it


def test_counts_are_the_same_every_time():
    assert needed("stock", guided=True) == guided("stock")
