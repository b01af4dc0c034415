"""The example of agents and their manager, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLE = Path(__file__).parents[2] / "examples" / "registry.py"


def test_jobs_that_were_stopped_are_gone_on_with_by_the_next_manager():
    done = forking.run(EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "who drafts: ann, bob",
        "ann: spring running, autumn queued; bob: summer running; cy: nothing to do",
        "-- stopped, and started again --",
        "ann: spring running, autumn queued; bob: summer running; cy: nothing to do",
        "spring: a poem",
        "autumn: an ode",
        "cy says: fine",
        "log of ann: completed; stopped",
    ]
