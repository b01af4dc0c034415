"""An assistant that can only talk, and a user proxy that does things for it: runs its program, calls a tool, asks you at the end.

python examples/user_proxy.py                          # a scripted model, no key needed
python examples/user_proxy.py --yes                    # nobody is asked
python examples/user_proxy.py --model openai:gpt-5
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from backedge import Graph, Question, model
from backedge.nodes.chat import (
    Assistant,
    Chat,
    MaxTurns,
    Said,
    TextMention,
    UserProxy,
    converse_sync,
    group_chat,
)
from backedge.nodes.chat.views import as_heard
from backedge.nodes.sandbox import Sandbox, SubprocessSandbox, open_sandbox
from backedge.nodes.tools import tool
from backedge.providers import Message, Model, ModelRequest, ScriptedModel, ToolCall

PRICES = {"bolt": 0.25, "nut": 0.10}


@tool(permission="read")
async def price(part: str) -> float:
    """Look up what a part costs, in dollars."""
    return PRICES[part]


def talk(asked: Model, sandbox: Sandbox) -> Graph[Chat]:
    assistant = Assistant(asked, name="assistant")
    user = UserProxy("user", human="at_end", tools=[price], sandbox=sandbox)
    return group_chat([assistant, user], until=TextMention("TERMINATE") | MaxTurns(12))


def scripted() -> ScriptedModel:
    """Looks two prices up, adds them up with a program, and is done."""
    wanted = [
        ToolCall(id=part, name="price", arguments=json.dumps({"part": part})) for part in ("bolt", "nut")
    ]

    def answer(request: ModelRequest) -> Message | str:
        heard = [message for message in request.messages if message.role != "assistant"]
        if "two dozen" in heard[-1].text:
            return "Twice that, then: 8.40 dollars. TERMINATE"
        turn = sum(message.role == "assistant" for message in request.messages)
        return (
            Message.of("assistant", "First what they cost.", *wanted),
            "Now I add them up.\n```python\nprint(f'{12 * (0.25 + 0.10):.2f}')\n```",
            "A dozen of each is 4.20 dollars. TERMINATE",
        )[min(turn, 2)]

    return ScriptedModel(answer)


def tell(said: Said) -> None:
    if (heard := as_heard(said)) is not None:
        print(heard.text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="An assistant and a user proxy find out what a dozen costs.")
    parser.add_argument("task", nargs="?", default="What does a dozen bolts and nuts cost?")
    parser.add_argument("--model", help="such as openai:gpt-5; without it a scripted model answers")
    parser.add_argument("--yes", action="store_true", help="ask nobody")
    parser.add_argument(
        "--sandbox", choices=["best", "subprocess"], default="best", help="where programs run"
    )
    typed = parser.parse_args()
    sandbox = SubprocessSandbox() if typed.sandbox == "subprocess" else open_sandbox()
    asked = model(typed.model) if typed.model else scripted()

    def ask(question: Question) -> str:
        told = question.text.rsplit("\n\n", 1)[-1]
        try:
            return "" if typed.yes else input(f"-- {told}\n> ")
        except EOFError:  # nobody is there
            return ""

    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        graph = talk(asked, sandbox)
        result = converse_sync(
            graph, {"task": typed.task}, journal=journal, run_id="dozen", tell=tell, ask=ask
        )
    asyncio.run(sandbox.close())
    print(f"-- {result.state.turns} turns, then {result.state.ended}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
