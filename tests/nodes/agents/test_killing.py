"""A process whose agent is killed in the middle of a turn: the next process goes on there, and does nothing twice."""

import signal
from pathlib import Path

import pytest

from ... import forking

PROGRAM = Path(__file__).parents[2] / "programs" / "reacting.py"
ALL = [what for turn in range(1, 6) for what in (f"model-{turn}", f"tool-{turn}a", f"tool-{turn}b")] + [
    "model-6"
]


def arguments(folder, *more):
    return [PROGRAM, str(folder / "runs.db"), "run", str(folder / "account"), *more]


def killed_inside(folder, call):
    process = forking.start(*arguments(folder, call))
    try:
        assert process.stdout.readline() == b"inside\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def account(folder):
    return [tuple(line.split(" ")) for line in (folder / "account").read_text().splitlines()]


@pytest.mark.parametrize("call", ["model-1", "tool-3a", "tool-3b", "model-4", "model-6"])
def test_a_killed_agent_goes_on_with_the_call_it_was_killed_in_and_repeats_no_other(tmp_path, call):
    killed_inside(tmp_path, call)
    done = forking.run(*arguments(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"after 11 messages\n"
    made = account(tmp_path)
    assert sorted(what for what, _ in made) == sorted([*ALL, call])
    keys = [key for what, key in made if what == call]
    assert keys[0] == keys[1], "what was under way comes again with the same key"


def test_an_agent_that_is_killed_over_and_over_makes_each_other_call_once(tmp_path):
    kills = ["tool-1b", "model-3", "model-3", "tool-5a"]
    for call in kills:
        killed_inside(tmp_path, call)
    done = forking.run(*arguments(tmp_path))
    assert done.stdout == b"after 11 messages\n", done.stderr
    assert sorted(what for what, _ in account(tmp_path)) == sorted([*ALL, *kills])
