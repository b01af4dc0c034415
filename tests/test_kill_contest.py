"""A repair by search and model is killed in the midst of both: the next process goes on with both."""

import json
import signal
from pathlib import Path

import pytest

from . import forking

PROGRAM = Path(__file__).parent / "programs" / "contest.py"
SOURCE = "def double(x):\n    return -x\n"
RIGHT = "def double(x):\n    return sum(t * t for t in range(x)) + 13 * x * x\n"


def block(source):
    return f"```python\n{source}```\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p.py").write_text(SOURCE)
    right = {}
    exec(RIGHT, right)
    cases = [[[x], right["double"](x)] for x in (0, 1, 2, 5, 9, 14)]
    (tmp_path / "cases.jsonl").write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    (tmp_path / "answers.json").write_text(json.dumps([block(SOURCE.replace("-x", "x")), block(RIGHT)]))
    (tmp_path / "calls").touch()
    return tmp_path


def arguments(folder, *more):
    return [PROGRAM, str(folder / "runs.db"), "run", str(folder), *more]


def killed(folder, call, rounds):
    """Kill it inside of a call of the model and of a round of the search; what it told until then."""
    process = forking.start(*arguments(folder, str(call)))
    told = []
    try:
        for line in process.stdout:
            told.append(line.decode().strip())
            begun = f"ActivationStarted interpreter@{rounds}" in told
            if "pending" in told and begun:
                break
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, told
    return told


def finished(told):
    return {line.split()[1] for line in told if line.startswith("ActivationFinished")}


def test_it_goes_on_with_the_call_and_the_round_it_was_killed_in(folder):
    first = killed(folder, 1, 1)
    second = killed(folder, 2, 3)
    done = forking.run(*arguments(folder))
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode().splitlines()
    assert "outcome repaired 2" in told
    assert done.stdout.decode().endswith(f"{RIGHT}\n")
    calls = (folder / "calls").read_text().split()
    assert len(calls) == 4, "the two that were cut off were made again"
    assert len(set(calls)) == 2
    ends = [finished(first), finished(second), finished(told)]
    assert not ends[0] & ends[1]
    assert not (ends[0] | ends[1]) & ends[2]
    assert "author@0" not in ends[0]
    assert "author@1" in ends[2]
