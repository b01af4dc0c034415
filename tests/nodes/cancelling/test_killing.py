"""A process that is killed in the middle of a graceful ending: the next one goes on with ending it, and begins nothing anew."""

import signal
from pathlib import Path

import pytest

from ... import forking

PROGRAM = Path(__file__).parent / "program.py"


def arguments(folder, how, *more):
    return [PROGRAM, str(folder / "runs.db"), "run", str(folder / "account"), how, *more]


def killed_in(folder, how, step):
    process = forking.start(*arguments(folder, how, step))
    try:
        assert process.stdout.readline() == b"inside\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("how", ["graceful", "at once"])
def test_an_ending_goes_on_where_it_was_killed(tmp_path, how):
    killed_in(tmp_path, how, "2b")
    done = forking.run(*arguments(tmp_path, how))
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"enough ['0a', '0b', '1a', '1b', '2a', '2b']\n", (
        "the guard was gone through to its end"
    )
    made = (tmp_path / "account").read_text().split()
    assert made == ["0a", "0b", "1a", "1b", "2a", "2b", "2b", "after"]


def test_what_was_cancelled_stays_so_when_what_follows_is_killed(tmp_path):
    killed_in(tmp_path, "graceful", "after")
    done = forking.run(*arguments(tmp_path, "graceful"))
    assert done.stdout == b"enough ['0a', '0b', '1a', '1b', '2a', '2b']\n", done.stderr
    made = (tmp_path / "account").read_text().split()
    assert made == ["0a", "0b", "1a", "1b", "2a", "2b", "after", "after"]
