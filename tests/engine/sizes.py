"""How much a test tries: a little in each run, other examples each time, and all of it in `make soak`."""

import os
import random

import pytest

SOAKING = os.environ.get("BACKEDGE_SOAK") == "1"


def examples(number):
    """So many examples of a property; thirty times as many in a long test."""
    return number * 30 if SOAKING else number


def some(things, *, one_in):
    """Of so many things one, others each time; all of them in a long test."""
    return things if SOAKING else things[random.randrange(one_in) :: one_in]


def grows(test):
    """Marks a test that tries more in a long run, so that `make soak` runs it; hypothesis' own it finds by itself."""
    return pytest.mark.soak(test) if SOAKING else test
