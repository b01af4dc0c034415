"""The example of an agent that is stopped, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_researcher_ends_her_turn_tells_what_she_had_and_goes_on_with_it():
    done = forking.run(EXAMPLES / "cancel.py")
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode()
    assert "newspaper" not in out, "she goes no further than the turn she was stopped in"
    assert "researcher was stopped (that is enough for now)" in out
    assert "    Next I look into the survey.\nShe was stopped: that is enough for now. How shall" in out
    assert out.endswith("Report: The bridge was opened in 1932. It is 1149 m long.\n")
