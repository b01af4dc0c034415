"""A process that is killed in the middle of a chain of handoffs: the next one goes on there, and asks nobody twice."""

import signal
from pathlib import Path

from ... import forking

PROGRAM = Path(__file__).parent / "program.py"
ALL = ["desk-0", "clerk-0", "tool", "clerk-1", "expert-0", "desk-1"]


def test_a_chain_that_is_killed_in_every_call_of_it_repeats_no_other_and_comes_back_to_the_caller(tmp_path):
    given = [PROGRAM, str(tmp_path / "runs.db"), str(tmp_path / "account")]
    for slow in ("desk-0", "tool", "clerk-1", "expert-0", "desk-1"):
        process = forking.start(*given, slow)
        try:
            assert process.stdout.readline() == b"inside\n"
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
    done = forking.run(*given)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (b"It costs 7 euros. desk-call-clerk clerk-handoff-expert expert-return-desk\n")
    made = (tmp_path / "account").read_text().split()
    killed_in = ["desk-0", "tool", "clerk-1", "expert-0", "desk-1"]
    assert sorted(made) == sorted([*ALL, *killed_in]), "only what was under way came again"
