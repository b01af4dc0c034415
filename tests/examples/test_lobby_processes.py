"""The example of a lobby between processes, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_calculator_whose_process_is_killed_goes_on_in_the_next_one():
    done = forking.run(EXAMPLES / "lobby_processes.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "calculator: entered",
        "calculator: here I am",
        "ann asks for 7: 7 squared is 49",
        "its process was killed while it thought about 12",
        "calculator: here I am",
        "ann has the answer: 12 squared is 144",
        "calculator: left",
    ]
