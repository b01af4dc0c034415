"""A process whose agent makes twenty tool calls is killed inside of one: the next process goes on with that call."""

import signal
from pathlib import Path

import pytest

from . import forking

PROGRAM = Path(__file__).parent / "programs" / "agent.py"


def arguments(folder, *more):
    return [PROGRAM, str(folder / "runs.db"), "run", str(folder / "account"), *more]


def killed_inside(folder, call):
    process = forking.start(*arguments(folder, str(call)))
    try:
        assert process.stdout.readline() == b"inside %d\n" % call
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def account(folder):
    return [line.split() for line in (folder / "account").read_text().splitlines()]


@pytest.mark.parametrize("call", [1, 18, 20])
def test_a_killed_agent_goes_on_at_the_call_it_was_killed_in(tmp_path, call):
    killed_inside(tmp_path, call)
    assert [int(number) for number, _ in account(tmp_path)] == list(range(1, call + 1))
    done = forking.run(*arguments(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"result 20\n"
    calls = account(tmp_path)
    assert [int(number) for number, _ in calls] == [*range(1, call + 1), *range(call, 21)]
    assert calls[call - 1] == calls[call], "the call that was under way comes again with the same key"
    assert len({key for _, key in calls}) == 20


def test_an_agent_that_is_killed_over_and_over_makes_each_other_call_once(tmp_path):
    kills = (2, 7, 7, 15)
    for call in kills:
        killed_inside(tmp_path, call)
    done = forking.run(*arguments(tmp_path))
    assert done.stdout == b"result 20\n", done.stderr
    expected = sorted([*range(1, 21), *kills])
    assert [int(number) for number, _ in account(tmp_path)] == expected
