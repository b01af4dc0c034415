"""Every call that changes a journal's files fails once, or is the last thing its process does."""

import asyncio
import random
import re
import signal
from collections import Counter
from itertools import product

import pytest

from .kit import Place, clear, injection, needs_strace, recovers, soak

pytestmark = needs_strace

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "openat")
FAULTS = {"EIO": "error=EIO", "ENOSPC": "error=ENOSPC", "SIGKILL": "signal=KILL"}
SAMPLE = {False: 3, True: 6}  # most calls of a run on a new journal make it
SETTINGS = ("full", "normal")  # of which one commits on a thread and one mostly on the event loop


@pytest.fixture(scope="session")
def counted(warm, tmp_path_factory):
    """How many calls of each kind an undisturbed run makes on its journal's files, by setting and whether that was there."""

    def count(setting, made):
        place = Place(tmp_path_factory.mktemp("counted"))
        if made:
            place.make()
        trace = injection(place, ",".join(CALLS), "delay_enter=0", 1)
        ended = warm.run(place, trace=trace, more=(setting,))
        assert ended.code == 0, ended.errors
        return Counter(re.findall(r"^\d+ +(\w+)\(", ended.calls, re.MULTILINE))

    return {each: count(*each) for each in product(SETTINGS, (False, True))}


async def fail(warm, place, expected, fault, setting, call, number):
    """Make one call fail; whether it was reached, and what was wrong with how that ended, or None."""
    ended = warm.run(place, trace=injection(place, call, FAULTS[fault], number), more=(setting,))
    hit = "(INJECTED)" in ended.calls or ended.code == -signal.SIGKILL
    try:
        assert ended.completed or hit
        if fault == "SIGKILL":
            assert ended.code in (0, -signal.SIGKILL)
        else:
            assert ended.code == 0 or clear(ended)
            assert ended.code or ended.completed
        await recovers(place, ended, expected)
    except Exception as error:
        return (
            hit,
            f"{fault} at {call} {number}, {setting}, exit code {ended.code}, {ended.errors}: {error!r}",
        )
    return hit, None


def all_well(warm, folder, expected, fault, sites, *, made=False):
    """Fail the calls one after the other, a run for each; how many of the runs were disturbed."""
    disturbed = 0
    for setting, call, number in sites:
        place = Place(folder / f"{setting}{call}{number}")
        if made:
            place.make()
        hit, wrong = asyncio.run(fail(warm, place, expected, fault, setting, call, number))
        assert wrong is None, wrong
        disturbed += hit
    return disturbed


@pytest.mark.parametrize("made", [False, True], ids=["new journal", "old journal"])
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_by_a_fault_at_any_call(warm, counted, expected, fault, made, tmp_path):
    sites = [
        (setting, call, number)
        for setting in SETTINGS
        for call in CALLS
        for number in range(1, counted[setting, made][call] + 1)
    ]
    chosen = random.sample(sites, SAMPLE[made])
    assert all_well(warm, tmp_path, expected, fault, chosen, made=made) > 0


@soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_by_a_fault_at_each_call(warm, counted, expected, fault, call, setting, tmp_path):
    number = 1
    # How many calls there are depends on what happens to be committed together.
    while (
        all_well(warm, tmp_path, expected, fault, [(setting, call, number)])
        or number <= counted[setting, False][call]
    ):
        number += 1
