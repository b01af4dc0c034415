"""The examples of orchestras, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def told_by(example):
    done = forking.run(EXAMPLES / example)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_perspectives_become_one_answer_though_one_is_missing_and_one_number_by_weight():
    told = told_by("orchestra.py")
    assert told[4] == "risk is missing: OverloadedError"
    assert told[6].startswith("Yes, in cities only")
    assert told[7] == "named: market, finance, operations, customers"
    assert told[-2:] == ["$1,426,670; they agree to 0.55", "  vendor says $1.1M"]


def test_a_debate_that_was_left_goes_on_until_they_agree():
    told = told_by("debate.py")
    assert [line for line in told if line.startswith("round")] == [
        "round 1, agreement 0.33",
        "round 2, agreement 0.33",
        "round 3, agreement 1.00",
    ]
    assert told.count("  ann: one service, since we are five people") == 3
    assert told[-1] == "the judge: one service, since five people are one team, and it can be parted later"
