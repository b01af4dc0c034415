"""Three peers who hand a story to each other until one of them is content. Nobody leads.

    .venv/bin/python examples/swarm.py

Scripted models answer, no key is needed. The graph is drawn with its rounds, as far as text can.
"""

import tempfile
from pathlib import Path

from backedge.nodes.agents import Agent
from backedge.nodes.handoff import Limits, swarm
from backedge.providers import Message, ScriptedModel, ToolCall


def hand_to(name: str, words: str, reason: str) -> Message:
    call = ToolCall(id=name, name=f"transfer_to_{name}", arguments=f'{{"reason": "{reason}"}}')
    return Message.of("assistant", words, call)


WRITER = [
    hand_to("critic", "The lighthouse was dark. Then it was not.", "What do you think?"),
    hand_to(
        "editor", "The lighthouse had been dark for a year. Then, on Monday, a light.", "Is it short enough?"
    ),
]
CRITIC = [hand_to("writer", "I do not know why I should care.", "Say what is at stake.")]
EDITOR = ["For a year the lighthouse was dark. On Monday it was not."]

peers = [
    Agent(ScriptedModel(script), instructions=f"You are the {name} of a story in two sentences.", name=name)
    for name, script in (("writer", WRITER), ("critic", CRITIC), ("editor", EDITOR))
]
graph = swarm(peers, start="writer", handoffs="all", limits=Limits(handoffs=6, pair=3))

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        journal, picture = Path(folder) / "runs.db", Path(folder) / "swarm.txt"
        state = graph.compile().run_sync({"question": "A story."}, journal=journal, run_id="story").state
        graph.render(picture, run="story", journal=journal)
        print(picture.read_text(encoding="utf-8"))
    for one in state.trail:
        print(f"{one.source} -> {one.target}: {one.told}")
    print(f"{state.active}: {state.answer}")
