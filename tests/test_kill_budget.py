"""A process with a budget is killed again and again: all its processes together keep to it."""

import signal
from pathlib import Path

import pytest

from . import forking

PROGRAM = Path(__file__).parent / "programs" / "frugal.py"


@pytest.mark.parametrize(("per", "how"), [("run", "resume"), ("", "recover")])
def test_a_run_that_is_killed_over_and_over_never_passes_its_budget(tmp_path, per, how):
    account = tmp_path / "account"
    arguments = [PROGRAM, str(tmp_path / "runs.db"), "r", str(account), per, how]
    for calls in (1, 4, 1, 2):
        process = forking.start(*arguments, str(calls))
        try:
            assert process.stdout.readline().startswith(b"after")
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
    done = forking.run(*arguments)
    assert (done.returncode, done.stdout) == (0, b"True\n"), done.stderr
    asked = account.read_text().splitlines()
    assert len(asked) == len(set(asked)) == 10
    again = forking.run(*arguments[:-1], "resume")  # what failed is not recovered
    assert (again.stdout, account.read_text().splitlines()) == (b"True\n", asked)
