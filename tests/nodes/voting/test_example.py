"""The program that shows a vote."""

from pathlib import Path

from ... import forking

EXAMPLE = Path(__file__).parents[3] / "examples" / "vote.py"


def test_the_example_is_vetoed_once_and_then_wins():
    done = forking.run(EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "suspended: security is asked",
        "vetoed: no option is left: security vetoed ship it (keys in the log)",
        "  security vetoes ship it: keys in the log",
        "suspended: security is asked",
        "won: ship it wins: 75 % of the weight that was cast approve, more than 50 % was needed",
        "  counter rejects ship it: the plan is too long",
    ]
