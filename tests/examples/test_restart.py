"""The example of an answer that is given anew, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_estimator_answers_anew_for_a_check_a_colleague_an_error_and_a_person():
    done = forking.run(EXAMPLES / "restart.py")
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode()
    assert "again, for validation: there is no number in it; peer: It costs 500,000 dollars" in out
    assert "answered: nothing\n  again, for error: ModelError: no room" in out
    assert "not again, for input: $80K for the scaffold (irrelevant: it is not new" in out
    assert "again, for input: in euros, as one sum" in out
    assert out.endswith("stands: It will cost 540,000 euros, scaffold included.\n")
