"""The example of tools, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_books_are_kept_in_one_folder_and_nothing_else_is_touched():
    done = forking.run(EXAMPLES / "tools.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "april.txt:2:power 75.15",
        "march.txt:2:power 80.20",
        "155.35",
        "'../../etc/passwd' goes up with '..', which is not allowed; there is nothing outside of the folder",
        "made sums/power.txt: 7 bytes",
        "The power was 155.35 in all.",
        "155.35",
    ]
