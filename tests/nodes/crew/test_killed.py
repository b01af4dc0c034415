"""A process whose crew is killed in the middle: the next one goes on there, and does no step that ended twice."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from ... import forking

PROGRAM = Path(__file__).parents[2] / "programs" / "crewing.py"
PARALLEL = ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"]
REVIEWED = [*PARALLEL, "c-3", "c-4", "c-5", "c-6"]
REVIEWS = ["review-a-0", "review-b-0", "review-c-0", "review-c-1", "review-c-2"]


def arguments(folder, process, *slow):
    return [PROGRAM, str(folder / "runs.db"), "run", str(folder / "account"), process, *slow]


def killed_inside(folder, process, step):
    process = forking.start(*arguments(folder, process, step))
    try:
        assert process.stdout.readline() == b"inside\n", process.stderr.read()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("process", "steps", "made", "kills"),
    [
        ("parallel", PARALLEL, [], ["b-1"]),
        ("hierarchical", REVIEWED, REVIEWS, ["c-4", "review-c-1"]),
    ],
)
def test_a_killed_crew_goes_on_and_does_no_step_that_ended_twice(tmp_path, process, steps, made, kills):
    for step in kills:
        killed_inside(tmp_path, process, step)
    done = forking.run(*arguments(tmp_path, process))
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().split() == steps
    account = [tuple(line.split(" ")) for line in (tmp_path / "account").read_text().splitlines()]
    assert Counter(what for what, _ in account) == Counter([*steps, *made, *kills])
    for step in kills:
        assert len({key for what, key in account if what == step}) == 1, "it comes again with the same key"
