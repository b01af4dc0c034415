"""The example of a crew, run as anybody would."""

from pathlib import Path

from .. import forking

EXAMPLE = Path(__file__).parents[2] / "examples" / "crew.py"


def test_the_newsroom_sends_an_article_back_chooses_who_makes_the_headline_and_says_who_was_asked():
    done = forking.run(EXAMPLE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert sorted(lines[:4]) == [
        "figures/chief-reviews@0: it is passed",
        "figures/scout@0: done",
        "voices/chief-reviews@0: it is passed",
        "voices/scout@0: done",
    ]
    assert lines[4:] == [
        "article/writer@0: done",
        "article/editor-reviews@0: it is sent back (say where it comes from)",
        "article/writer@1: done",
        "article/editor-reviews@1: it is passed",
        "article/chief-reviews@1: it is passed",
        "title/chief-assigns@0: to the scout",
        "title/scout@0: done",
        "title/chief-reviews@0: it is passed",
        "",
        "More rain, more joy",
        "It rains more, and people like it.",
        "(the weather station, the market)",
        "",
        "scout: 3 calls of its model",
        "chief: 5 calls of its model",
        "writer: 2 calls of its model",
        "editor: 2 calls of its model",
    ]


def test_the_newsroom_can_be_looked_at_without_being_run():
    done = forking.run("-m", "backedge", "check", f"{EXAMPLE}:crew.graph")
    assert done.returncode == 0, done.stderr
    assert b"article/editor-reviews->article/writer, at most 3 times" in done.stdout
    assert b"rain" not in done.stdout
