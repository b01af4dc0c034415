"""The examples of agents, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_planner_asks_its_scout_books_when_it_may_and_says_who_called_what():
    done = forking.run(EXAMPLES / "agent.py", "--yes")
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode()
    assert "planner wants to call book, which may write" in out
    assert "there is no city 'Bergen'; there are Rome, Oslo" in out
    assert "booked: 2 nights in Oslo" in out
    assert "planner: 3 calls of the model\nscout: 2 calls of the model" in out


def test_nothing_is_booked_when_a_person_says_no_and_a_guard_keeps_cards_away(tmp_path):
    answer = tmp_path / "answer"
    answer.write_text("no\n")
    with answer.open() as stdin:
        done = forking.run(EXAMPLES / "agent.py", stdin=stdin.fileno())
    assert "booked: nothing" in done.stdout.decode(), done.stderr
    done = forking.run(EXAMPLES / "agent.py", "My card is 4000 1234 5678 9010.", "--yes")
    assert done.returncode == 1
    assert b"guard 'free_of_cards' stopped planner" in done.stderr


def test_the_coder_is_sent_back_until_the_checker_finds_nothing():
    done = forking.run(EXAMPLES / "agent_adversarial.py", "--sandbox", "subprocess")
    assert done.returncode == 0, done.stderr
    told = done.stderr.decode()
    assert "checker@0: median([3, 1, 2]) should be 2" in told
    assert "IndexError" in told
    assert "checker@1: even counts" in told
    assert "interpreter@2: output:\n2\n2.5\nValueError: no numbers, no median\n" in told
    assert told.endswith("checker@2: nothing is wrong\n")
    assert done.stdout.decode().startswith("def median(numbers):\n    if not numbers:")
