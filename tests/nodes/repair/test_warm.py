"""The sandbox that the other tests run in keeps what they rely on."""

import asyncio
import json

import pytest

from backedge.nodes.sandbox import Ended, Limits, Program

from .samples import DOUBLE, spec_of
from .warm import HARNESS

ENDLESS = "def double(x):\n    while True:\n        pass\n"


async def test_it_sees_what_a_whole_interpreter_sees(runner, whole):
    seen = "__name__, sys.path[2:], ''.join({'a', 'b', 'c', 'd'}), sys.flags.no_site"
    source = f"import sys\ndef double(x):\n    return [{seen}]\n"
    spec = spec_of(source, "double", ([0], 0))
    first, second = [(await one.survey(spec)).survey.cases[0] for one in (runner, whole)]
    assert (first.code, first.text, first.lines) == (second.code, second.text, second.lines)


def asked(source, budget):
    request = {
        "mode": "trial", "program": "program.py", "function": "double", "tests": None, "cases": ["[1]"],
        "expected": [2], "first": [0], "then": [], "limits": [60.0], "loading": 1.0, "budget": budget,
        "candidates": [{"id": "it", "source": source}],
    }  # fmt: skip
    return json.dumps(request).encode()


async def test_at_the_end_of_its_time_it_is_killed_with_all_that_it_started(harness):
    program = Program(argv=HARNESS, stdin=asked(ENDLESS, 60.0), limits=Limits(wall=0.3))
    outcome = await asyncio.wait_for(harness.run(program), 30)
    assert (outcome.ended, outcome.exit_status) == (Ended.WALL_LIMIT, None)


async def test_a_cancelled_one_is_over(harness):
    task = asyncio.create_task(
        harness.run(Program(argv=HARNESS, stdin=asked(ENDLESS, 60.0), limits=Limits(wall=60)))
    )
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)


async def test_a_request_that_is_none_is_told_by_its_status(harness):
    outcome = await harness.run(Program(argv=HARNESS, stdin=b"{"))
    assert (outcome.ended, outcome.exit_status) == (Ended.EXITED, 1)
    assert b"JSONDecodeError" in outcome.stderr


async def test_too_much_memory_is_refused_there_too(harness):
    hungry = DOUBLE.replace("x * 3", "len(bytearray(10**9))")
    outcome = await harness.run(Program(argv=HARNESS, stdin=asked(hungry, 5.0)))
    assert b"MemoryError" in outcome.stdout
