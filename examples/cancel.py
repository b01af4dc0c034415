"""A researcher is stopped before she is done, tells what she had found, and goes on from there.

    .venv/bin/python examples/cancel.py

She looks into one source after the other. After the second one somebody has seen enough for now: she ends the turn she is in.
What she had found is in the journal. The run then asks a person how to go on, and she goes on with all she had before her.
"""

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Context, Graph, answer
from backedge.nodes.agents import Agent, Conversation, ToolStarted
from backedge.nodes.cancelling import Stopped, cancellable_agent, partial_results
from backedge.nodes.tools import tool
from backedge.providers import Message, ModelRequest, ScriptedModel, ToolCall, ToolResult

SOURCES = {
    "archive": "The bridge was opened in 1932.",
    "survey": "It is 1149 m long.",
    "newspaper": "It was painted green.",
}


class Research(BaseModel):
    """The state."""

    task: str
    report: str = ""
    stopped: Stopped | None = None
    chat: Conversation = []


@tool(permission="read")
async def look(source: str) -> str:
    """Look into a source."""
    await asyncio.sleep(0.2)
    return SOURCES[source]


def say(request: ModelRequest) -> Message | str:
    """What a model would say: it looks into the sources one by one, unless it is told that they are enough."""
    seen = sum(message.role == "tool" for message in request.messages)
    if "write" in request.messages[-1].text or seen == len(SOURCES):
        parts = [part for message in request.messages for part in message.parts]
        found = [part.text for part in parts if isinstance(part, ToolResult)]
        return f"Report: {' '.join(found)}"
    source = list(SOURCES)[seen]
    call = ToolCall(id=source, name="look", arguments=f'{{"source": "{source}"}}')
    return Message.of("assistant", f"Next I look into the {source}.", call)


graph = Graph(Research)
researcher = Agent(ScriptedModel(say), [look], "You look into sources and write a report.", name="researcher")
research = cancellable_agent(
    graph, researcher, reads="task", writes="report", stopped="stopped", conversation="chat", signal="stop"
)


@graph.node(writes="task")
async def person(stopped: Stopped | None, ctx: Context) -> str:
    said: str = await ctx.ask(f"She was stopped: {stopped.reason if stopped else ''}. How shall she go on?")
    return said


graph.edge(START, research)
graph.edge(research, person, when=lambda stopped: stopped is not None, label="stopped")
graph.feedback(person, research, limit=3)
graph.edge(research, END, when=lambda stopped: stopped is None, label="done")


async def main() -> None:
    flow = graph.compile()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        async with flow.start({"task": "The bridge."}, journal=journal, run_id="bridge") as run:
            async for event in run.events():
                data = getattr(event, "data", None)
                if isinstance(data, ToolStarted):
                    print("looks into:", data.arguments)
                    if "survey" in data.arguments:  # any process may: backedge send bridge stop '"..."'
                        await run.send("stop", {"reason": "that is enough for now", "how": "graceful"})
            question = (await run.result()).questions[0]
        for left in await partial_results("bridge", journal=journal):
            print(
                f"{left.part} was stopped ({left.cancel.reason if left.cancel else ''}); what she had said:"
            )
            for said in left.said:
                print("   ", said)
        print(question.text)
        await answer("bridge", question.id, "Please write down what you have.", journal=journal)
        result = await flow.resume("bridge", journal=journal)
        print(result.state.report)


if __name__ == "__main__":
    asyncio.run(main())
