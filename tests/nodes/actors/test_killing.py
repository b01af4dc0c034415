"""A process that is killed while its actor handles a letter: the next one goes on in the middle of it."""

import signal
from collections import Counter
from pathlib import Path

from ... import forking

PROGRAM = Path(__file__).parent / "program.py"


def test_an_actor_that_is_killed_over_and_over_handles_each_letter_once_and_repeats_no_finished_step(
    tmp_path,
):
    given = [PROGRAM, str(tmp_path / "runs.db"), str(tmp_path / "account")]
    kills = ["weigh-1", "stamp-2", "tell-2", "stamp-4"]
    for slow in kills:
        process = forking.start(*given, slow)
        try:
            assert process.stdout.readline() == b"inside\n"
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    done = forking.run(*given)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"10 4 [1, 3, 6, 10]\n"
    made = Counter((tmp_path / "account").read_text().split())
    once = Counter(f"{what}-{parcel}" for what in ("weigh", "stamp") for parcel in range(1, 5))
    steps = Counter({what: times for what, times in made.items() if not what.startswith("tell")})
    assert steps - once == Counter(["weigh-1", "stamp-2", "stamp-4"]), "only what was under way came again"
