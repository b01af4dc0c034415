"""A process that is killed in a debate: the next one goes on there, and asks nobody twice who had answered."""

import signal
import subprocess
from pathlib import Path

import pytest

from ... import forking

PROGRAM = Path(__file__).with_name("performing.py")
CALLS = sorted([f"{name}-{number}" for name in ("ann", "bob", "cy") for number in range(3)] + ["judge-0"])
ANSWERS = "ann-0:no bob-0:yes cy-0:no ann-1:no bob-1:no cy-1:yes ann-2:yes bob-2:yes cy-2:yes done yes 3"


@pytest.mark.parametrize("slow", ["bob-0", "cy-1", "judge-0"])
def test_a_killed_debate_goes_on_where_it_was(tmp_path, slow):
    """In the middle of perspectives that answer at once, in the second round, and while the judge decides."""
    with forking.start(PROGRAM, tmp_path, slow, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"inside\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    done = forking.run(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip() == ANSWERS
    assert sorted((tmp_path / "calls").read_text().split()) == sorted([*CALLS, slow])
