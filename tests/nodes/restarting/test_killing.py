"""A process that is killed in a cooldown: the next one waits for what is left of it, and begins again as was decided."""

import signal
from pathlib import Path

from ... import forking

PROGRAM = Path(__file__).parent / "program.py"


def test_what_was_kept_for_the_end_of_a_cooldown_survives_its_process(tmp_path):
    arguments = [PROGRAM, str(tmp_path / "runs.db"), "run", str(tmp_path / "account")]
    process = forking.start(*arguments, "stay")
    try:
        assert process.stdout.readline() == b"inside\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    done = forking.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"2 0 1 1 is too small\n"
    assert (tmp_path / "account").read_text().split() == ["0", "1", "2"]
