"""A group chat: a model says who speaks next, until the editor is content. Ctrl-C gives you the floor after the turn.

python examples/group_chat.py                          # scripted models, no key needed
python examples/group_chat.py --model openai:gpt-5     # any name that `backedge models` lists
python examples/group_chat.py --pace 2                 # slow enough to press Ctrl-C, and then to say something
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from backedge import Graph, Question, RunInterruptedError, model
from backedge.nodes.agents import Agent
from backedge.nodes.chat import Chat, MaxTurns, Member, Said, TextMention, converse_sync, group_chat
from backedge.providers import Model, ModelRequest, ModelResponse, ScriptedModel

WRITER = "You write haikus, and better ones when somebody finds fault. Answer with the haiku alone."
CRITIC = "You find fault with haikus, in one sentence."
EDITOR = "You say PRINT IT when the writer has answered the critic, and else what is missing."
DRAFTS = (
    "Round and round it goes\na loop without an exit\nwhere is the back edge",
    "One more time around\nthe checker nods, the loop ends\nsilence on the disk",
)


def talk(asked: Model) -> Graph[Chat]:
    members = [
        Member(Agent(asked, instructions=WRITER, name="writer"), description="Writes haikus."),
        Member(Agent(asked, instructions=CRITIC, name="critic"), description="Finds fault with them."),
        Member(Agent(asked, instructions=EDITOR, name="editor"), description="Says when one is good."),
    ]
    return group_chat(
        members,
        speaker="auto",
        model=asked,
        until=TextMention("PRINT IT", by="editor") | MaxTurns(12),
        transitions={"writer": ["critic", "editor"], "critic": ["writer"]},
    )


class Scripted(ScriptedModel):
    """Plays all parts, at a pace: whose part is told by the instructions, how far it is by what was said."""

    def __init__(self, pace: float) -> None:
        super().__init__(self.answer)
        self.pace = pace

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The next answer, after a while."""
        await asyncio.sleep(self.pace)
        return await super().respond(request)

    def answer(self, request: ModelRequest) -> str:
        """What fits the part."""
        system = request.messages[0].text
        said = request.messages[-1].text.partition("What was said:")[2]
        if system.startswith(WRITER):
            return DRAFTS[min(sum(message.role == "assistant" for message in request.messages), 1)]
        if system.startswith(CRITIC):
            return "It asks where the way out is and never takes it."
        if system.startswith(EDITOR):
            return "PRINT IT"
        if "writer: " not in said:
            return "writer"
        return "editor" if "critic: " in said else "The critic should look at it first."


def tell(said: Said) -> None:
    print(f"{said.speaker}: {said.text.replace(chr(10), ' / ')}", flush=True)


def ask(question: Question) -> str:
    try:
        return input(f"{question.text}\n> ")
    except EOFError:  # nobody is there
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Three agents talk about a haiku.")
    parser.add_argument("task", nargs="?", default="A haiku about loops.")
    parser.add_argument("--model", help="such as openai:gpt-5; without it a scripted model answers")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds that a scripted answer takes")
    typed = parser.parse_args()
    asked = model(typed.model) if typed.model else Scripted(typed.pace)
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        try:
            result = converse_sync(
                talk(asked), {"task": typed.task}, journal=journal, run_id="haiku", tell=tell, ask=ask
            )
        except RunInterruptedError:
            print("stopped at once; with a journal that is kept it could go on")
            return 1
    print(f"-- {result.state.turns} turns, then {result.state.ended}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
