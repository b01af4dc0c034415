"""Crews can be read when they are drawn."""

from backedge.checkpoints import MemoryJournal
from backedge.nodes.crew import Crew, Role, Task

from .members import Topic, told


async def twice(job, result):
    return bool(job.feedback)


def crew():
    return Crew(
        [
            Task("facts", "Find out.", role="scout", needs="topic", optional=True),
            Task("page", "Write.", role=["writer", "scout"], needs="facts"),
        ],
        roles={
            "scout": told,
            "writer": Role(told, reports_to="lead"),
            "lead": Role(None, reviews=twice),
            "boss": Role(None, reviews=twice, assigns=lambda job, names: names[0]),
        },
        process="hierarchical",
        manager="boss",
        inputs=Topic,
    )


def test_the_picture_shows_who_does_what_and_who_reviews_it(tmp_path):
    crew().graph.render(tmp_path / "crew.txt")
    text = (tmp_path / "crew.txt").read_text()
    for line in (
        "□ facts",
        "✗ facts-missed  on Exception",
        "□ page",
        "boss-assigns · async",
        "→ writer  when writer",
        "uses crew.writer",
        "↻ boss-assigns  when sent back  (≤ 3)",
        "⇥ boss-reviews  at the limit",
    ):
        assert line in text, text


async def test_the_picture_of_a_run_shows_how_often_each_was_at_work(tmp_path):
    made, journal = crew(), MemoryJournal()
    await made.compile().run({}, journal=journal, run_id="r")
    made.compile().render(tmp_path / "crew.txt", run="r", journal=journal)
    text = (tmp_path / "crew.txt").read_text()
    for line in (
        "↻ loop boss-assigns · 2 rounds",
        "↻ boss-assigns  when sent back  (1 of 3)",
        "→ writer  when writer  (2×)",
        "○ facts-missed · inline",
    ):
        assert line in text, text


def test_a_crew_is_drawn_with_graphviz_and_mermaid_too(tmp_path):
    for suffix in (".dot", ".mmd", ".json"):
        crew().graph.render(tmp_path / f"crew{suffix}")
        assert "lead-reviews" in (tmp_path / f"crew{suffix}").read_text()
