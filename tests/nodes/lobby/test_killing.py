"""Three nodes that talk are killed, over and over, and go on: nothing is lost, doubled or out of order.

What holds of every transcript, however often its process was killed: each member hears each post of each other member once,
in the order in which they were posted, and one question; each gets the reply to its own question.
"""

import json
import random
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from ... import forking

PROGRAM = Path(__file__).parents[2] / "programs" / "talking.py"
NAMES = ("ann", "bob", "cy")


def run(folder, *kill):
    return forking.run(PROGRAM, str(folder), *kill)


def expected(name):
    asks, asked = NAMES[NAMES.index(name) - 1], NAMES[(NAMES.index(name) + 1) % 3]
    heard = {other: ["ready", *"0123"] for other in NAMES if other != name}
    return heard, f"{asks} {asks}'s question", f"{name} ? {asked} knows"


def check(lines, folder):
    for name in NAMES:
        mine = [line.removeprefix(f"{name} < ") for line in lines if line.startswith(f"{name} < ")]
        heard, question, reply = expected(name)
        for other, texts in heard.items():
            said = [line for line in mine if line.startswith(f"{other} ") and line != question]
            assert said == [f"{other} {text}" for text in texts]
        assert mine.count(question) == 1
        assert reply in lines
    rows = sqlite3.connect(folder / "lobby.db")
    try:
        bodies = [
            json.loads(body) for (body,) in rows.execute("SELECT body FROM records WHERE handle NOT NULL")
        ]
    finally:
        rows.close()
    said = Counter((one["sender"], one["to"], one["parts"][0]["text"]) for one in bodies)
    assert max(said.values()) == 1, "nothing was said twice"


def kills():
    chosen = random.Random(7)
    some = [f"{chosen.choice(['before', 'after'])} {chosen.randint(1, 9)}" for _ in range(3)]
    return [["journal 50"], ["before 1", "after 1", "journal 9", "after 2", "journal 30"], some]


@pytest.mark.parametrize("moments", kills(), ids=", ".join)
def test_talkers_who_are_killed_hear_everything_once_and_in_order(tmp_path, moments):
    for moment in moments:
        done = run(tmp_path, *moment.split())
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(60))
def test_talkers_who_are_killed_at_any_moment_hear_everything_once(tmp_path, seed):
    chosen = random.Random(seed)
    for _ in range(chosen.randint(1, 6)):
        when = chosen.choice(["before", "after", "journal"])
        run(tmp_path, when, str(chosen.randint(1, 80 if when == "journal" else 15)))
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout), tmp_path)
