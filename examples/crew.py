"""A newsroom: two scouts and a writer do tasks that need each other, an editor reviews, and the chief has the last word.

    .venv/bin/python examples/crew.py
    .venv/bin/backedge check examples/crew.py:crew.graph

The models are scripted, so no key is needed. The chief chooses who makes the headline; the editor sends the article back
once, and it is written again with what was wrong.
"""

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import ActivationFinished, Event, spent
from backedge.nodes.crew import Crew, Role, Task, Verdict
from backedge.providers import ModelRequest, ScriptedModel


class Assignment(BaseModel):
    """What a run is given."""

    topic: str


class Article(BaseModel):
    """What the crew writes."""

    text: str
    sources: list[str]


def scout(request: ModelRequest) -> str:
    asked = request.messages[-1].text
    if "headline" in asked:
        return "More rain, more joy"
    return "It rains more." if "Measure" in asked else "People like it."


def writer(request: ModelRequest) -> str:
    asked = request.messages[-1].text
    sources = ["the weather station", "the market"] if "where it comes from" in asked else []
    return Article(text="It rains more, and people like it.", sources=sources).model_dump_json()


def editor(request: ModelRequest) -> str:
    if '"sources": []' in request.messages[-1].text:
        return '{"passed": false, "feedback": "say where it comes from"}'
    return '{"passed": true}'


def chief(request: ModelRequest) -> str:
    return '{"role": "scout"}' if "who there is" in request.messages[-1].text else '{"passed": true}'


crew = Crew(
    tasks=[
        Task("figures", "Measure it.", role="scout", needs="topic"),
        Task("voices", "Ask people in the street.", role="scout", needs="topic"),
        Task(
            "article",
            "Write the article.",
            role="writer",
            needs=["topic", "figures", "voices"],
            output=Article,
        ),
        Task("title", "Find a headline for it.", role=["scout", "writer"], needs="article", output=str),
    ],
    roles={
        "scout": Role(ScriptedModel(scout), count=2, instructions="You find things out."),
        "writer": Role(ScriptedModel(writer), instructions="You write.", reports_to="editor"),
        "editor": Role(ScriptedModel(editor), instructions="You know good articles."),
        "chief": Role(ScriptedModel(chief), most=1),
    },
    process="hierarchical",
    manager="chief",
    inputs=Assignment,
    name="newsroom",
)


def told(event: Event) -> str:
    """What somebody did, for whoever watches."""
    if not isinstance(event, ActivationFinished) or event.activation.node.endswith("/END"):
        return ""
    match {name.rpartition("/")[2]: value for name, value in event.updates.items()}:
        case {"reviews": [Verdict() as verdict]}:
            said = "is passed" if verdict.passed else f"is sent back ({verdict.feedback})"
            return f"{event.activation}: it {said}"
        case {"role": chosen}:
            return f"{event.activation}: to the {chosen}"
        case {"result": _}:
            return f"{event.activation}: done"
        case _:
            return ""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "news.db"
        async with crew.compile().start({"topic": "rain"}, journal=journal, run_id="monday") as run:
            async for event in run.events():
                if line := told(event):
                    print(line)
            state = (await run.result()).state
        print(f"\n{state.title}\n{state.article.text}\n({', '.join(state.article.sources)})\n")
        for role, took in (await spent("monday", journal=journal)).by("agent").items():
            print(f"{role}: {took.calls} calls of its model")


if __name__ == "__main__":
    asyncio.run(main())
