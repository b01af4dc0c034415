"""A writer is sent back until its idea is new, against what was said before and with the topics that it should speak of.

    .venv/bin/python examples/novelty.py

The writer is a script here; it is told what to do better, as a model would be.
"""

from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Graph, extend
from backedge.nodes.novelty import Judgement, Novelty, diversity

IDEAS = [
    "Buy three more trucks, at a price of 500,000 dollars.",
    "Buy three more trucks, at a cost of $700K.",
    "Send parcels by night train: half the cost, and no accident in 10 years, so safety is better too.",
]


class Brainstorm(BaseModel):
    """What was said before, and the idea that the writer is at."""

    given: Annotated[list[str], extend] = []
    answer: str
    judgement: Judgement
    feedback: Annotated[list[str], extend] = []


graph = Graph(Brainstorm)


@graph.node(writes="answer")
async def writer(feedback: list[str]) -> str:
    return IDEAS[len(feedback)]


judge = graph.node(Novelty(topics=["cost", "safety"]), name="judge", writes="judgement")


@graph.node(writes="feedback")
async def editor(answer: str, judgement: Judgement) -> list[str]:
    print(f"{answer}\n  {judgement.reason}")
    for one in judgement.suggestions:
        print(f"  {one.kind}: {one.told}")
    return [judgement.reason]


def good(judgement: Judgement) -> bool:
    return judgement.new and not judgement.topics.missing


graph.chain(START, writer, judge, editor)
graph.feedback(editor, writer, when=lambda judgement: not good(judgement), limit=3)
graph.edge(editor, END, when=good)

if __name__ == "__main__":
    given = ["Buy three more trucks, at a cost of $500K.", "Hire a carrier."]
    answer = graph.compile().run_sync({"given": given}).state.answer
    print(f"diversity {diversity(given):.2f}, with the new one {diversity([*given, answer]):.2f}")
