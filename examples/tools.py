"""An agent that keeps the books of one folder: it looks, searches, calculates and writes, and cannot get out.

    python examples/tools.py

The model is a script. The folder is a temporary one; the third thing it tries is a file outside, and it reads why not.
"""

import json
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.nodes.agents import Agent
from backedge.nodes.tools import Root, calculator_tool, file_tools, search_tool
from backedge.providers import Message, ScriptedModel, ToolCall


class State(BaseModel):
    """A task for the agent, and what it says in the end."""

    task: str
    answer: str = ""


def call(name: str, **arguments: object) -> Message:
    return Message.of("assistant", ToolCall(id=name, name=name, arguments=json.dumps(arguments)))


folder = Path(tempfile.mkdtemp())
(folder / "march.txt").write_text("rent 1200.10\npower 80.20\n")
(folder / "april.txt").write_text("rent 1200.10\npower 75.15\n")

script = ScriptedModel(
    [
        call("search_files", query="power"),
        call("calculate", expression="80.20 + 75.15"),
        call("read_file", path="../../etc/passwd"),
        call("write_file", path="sums/power.txt", text="155.35\n"),
        "The power was 155.35 in all.",
    ]
)
root = Root(folder)
agent = Agent(
    script,
    [calculator_tool(), search_tool(root), *file_tools(root)],
    "You keep the books.",
    allow="write",
)
graph = Graph(State)
graph.chain(START, agent.node(graph, reads="task", writes="answer"), END)
result = graph.compile().run_sync({"task": "What was the power in all? Keep the sum."})

for message in script.requests[-1].messages:
    for part in message.parts:
        if part.kind == "tool_result":
            print(part.text)
print(result.state.answer)
print((folder / "sums" / "power.txt").read_text(), end="")
