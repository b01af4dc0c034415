"""The program that shows novelty."""

from pathlib import Path

from ... import forking

EXAMPLE = Path(__file__).parents[3] / "examples" / "novelty.py"


def test_the_writer_is_sent_back_twice():
    done = forking.run(EXAMPLE)
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode().splitlines()
    assert [line.strip() for line in told if line.startswith("  it is")] == [
        "it is not new: 0 % of it is not in the nearest text, and it takes 30 % to be new",
        "it is new: 11.8 % of it is not in the nearest text, and no given text has $700K",
        "it is new: 97.1 % of it is not in the nearest text, and no given text has 10 years",
    ]
    assert "  check: check $700K: the nearest text says $500K" in told
    assert told[-1] == "diversity 0.95, with the new one 0.96"
