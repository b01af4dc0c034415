"""The examples of handoffs, swarms and actors, run as anybody would."""

from pathlib import Path

import pytest

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["handoff.py"],
            [
                'desk gives the work to billing: { "order": 7, "problem": "one lamp too many" }',
                "billing asks lawyer: May they send one of two lamps back?",
                "lawyer answers billing: Within 14 days they may send it back.",
                "billing answers the customer: You get 30 euros back",
            ],
        ),
        (
            ["swarm.py"],
            [
                "4 rounds",
                "writer -> critic: What do you think?",
                "editor: For a year the lighthouse was dark.",
            ],
        ),
        (
            ["actors.py"],
            [
                "letters that wait for ann: [50, -80, 20]",
                "ann replies: 75 euros",
                "desk replies: You have asked 2 times.",
                "ann drained with 75 euros after 3 letters\ndead: ['-80, there are only 50 euros']",
            ],
        ),
        (["actors.py", "--rest", "20"], ["20 actors rest in one file", "0 tasks", "find and wake 1 of them"]),
    ],
    ids=lambda one: " ".join(one) if one[0].endswith(".py") else "",
)
def test_it_tells_what_happened(arguments, told):
    done = forking.run(EXAMPLES / arguments[0], *arguments[1:])
    assert done.returncode == 0, done.stderr
    for line in told:
        assert line in done.stdout.decode()
