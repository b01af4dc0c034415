"""The example of the tracker, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLE = Path(__file__).parents[2] / "examples" / "tracker.py"


def test_a_run_is_followed_and_its_picture_made_again_from_the_journal():
    done = forking.run(EXAMPLE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[:7] == [
        *(f"{number} of 7 activations done; when it will be over: measured" for number in range(2, 6)),
        "from the journal: completed, 100%",
        "most of the time went into fetch, 4 times",
        "two at once, as said: True",
    ]
    assert sorted(line.split()[0] for line in lines[7:]) == [
        "fetch/JOIN",
        "fetch/MAP",
        *(f"fetch[{number}]" for number in range(4)),
        "put_together",
    ]
    assert all("#" in line for line in lines[7:])
