"""How much a test tries: a little in each run, other examples each time, and all of it in `make soak`."""

import os

SOAKING = os.environ.get("BACKEDGE_SOAK") == "1"


def examples(number):
    """So many examples of a property; thirty times as many in a long test."""
    return number * 30 if SOAKING else number
