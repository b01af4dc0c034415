"""Every call that changes a journal's files fails once, or is the last thing its process does."""

import asyncio
import random
import re
from collections import Counter

import pytest

from .kit import Place, clear, injection, needs_strace, recovers, soak

pytestmark = needs_strace

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "openat")
FAULTS = {"EIO": "error=EIO", "ENOSPC": "error=ENOSPC", "SIGKILL": "signal=KILL"}
SAMPLE = 8


@pytest.fixture(scope="session")
def counted(warm, tmp_path_factory):
    """How many calls of each kind an undisturbed run makes on its journal's files."""
    place = Place(tmp_path_factory.mktemp("counted"))
    ended = warm.run(place, trace=injection(place, ",".join(CALLS), "delay_enter=0", 1))
    assert ended.code == 0, ended.errors
    return Counter(re.findall(r"^\d+ +(\w+)\(", ended.calls, re.MULTILINE))


async def fail(warm, place, expected, fault, call, number):
    """Make one call fail; the exit code of the process, and what was wrong with how it ended, or None."""
    ended = warm.run(place, trace=injection(place, call, FAULTS[fault], number))
    where = f"{fault} at {call} {number}, exit code {ended.code}, {ended.errors}"
    try:
        if fault == "SIGKILL":
            assert ended.code in (0, -9)
        else:
            assert ended.code == 0 or clear(ended)
            assert ended.code or ended.completed
        await recovers(place, ended, expected)
    except Exception as error:
        return ended.code, f"{where}: {error!r}"
    return ended.code, None


def fail_each(warm, folder, expected, fault, sites):
    codes, wrong = Counter(), []
    for call, number in sites:
        place = Place(folder / f"{call}{number}")
        code, told = asyncio.run(fail(warm, place, expected, fault, call, number))
        codes[code] += 1
        wrong += [told] if told else []
    assert not wrong, "\n".join(wrong)
    return codes


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_by_a_fault_at_any_call(warm, counted, expected, fault, tmp_path):
    sites = [(call, number) for call in CALLS for number in range(1, counted[call] + 1)]
    codes = fail_each(warm, tmp_path, expected, fault, random.sample(sites, SAMPLE))
    assert codes.total() > codes[0], "none of the faults did anything"


@soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_by_a_fault_at_each_call(warm, counted, expected, fault, call, tmp_path):
    sites = [(call, number) for number in range(1, counted[call] + 3)]
    codes = fail_each(warm, tmp_path, expected, fault, sites)
    assert codes[0] > 0, "some calls were not reached"
