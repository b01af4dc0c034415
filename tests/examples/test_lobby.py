"""The example of lobbies, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_team_talks_and_an_observer_writes_along():
    done = forking.run(EXAMPLES / "lobby.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "writer: here is the draft",
        "writer: that is all",
        "the artist heard of a release: printed",
        "the editor read: draft.md, 13 bytes",
        "the editor said: yes",
        "'artist' is not in the lobby",
        "replayed: True",
    ]
