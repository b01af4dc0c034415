"""A talk that can be killed and taken over: ``talking.py DB FILE [SLOW] [--words WORDS]``

Ann is a model, bob a function, and a model chooses who speaks. Each call leaves a line in FILE. In the call SLOW (such as
``ann-2`` or ``choice-3``) the process says ``inside``, and goes on once there is a file FILE.go.
"""

import argparse
import asyncio
import re
from pathlib import Path

from backedge import RunInterruptedError
from backedge.nodes.agents import Agent
from backedge.nodes.chat import Auto, Chat, MaxTurns, converse_sync, group_chat
from backedge.providers import ModelRequest, ScriptedModel


class Slow(ScriptedModel):
    """Notes that it is asked, and answers in a moment."""

    def __init__(self, world, what, script):
        super().__init__(script)
        self.world, self.what = world, what

    async def respond(self, request: ModelRequest):
        await self.world.note(self.what(request))
        return await super().respond(request)


class World:
    """What was done outside."""

    def __init__(self, path, slow):
        self.path, self.slow = Path(path), slow

    async def note(self, what):
        with self.path.open("a") as file:
            file.write(f"{what}\n")
        if what == self.slow:
            print("inside", flush=True)
            while not self.path.with_suffix(".go").exists():  # noqa: ASYNC110  # another process makes it
                await asyncio.sleep(0.01)


def graph_for(world):
    def turn(request):
        return sum(message.role == "assistant" for message in request.messages) + 1

    def heard(request):
        return f"after {request.messages[-1].text}"

    def chosen(request):
        return f"choice-{len(re.findall('^(ann|bob): ', request.messages[-1].text, re.MULTILINE)) + 1}"

    def choice(request):
        return "bob" if "ann: turn" in request.messages[-1].text.split("\n\n")[-2] else "ann"

    ann = Agent(
        Slow(world, lambda request: f"ann-{turn(request)}", lambda request: f"turn {heard(request)}"),
        name="ann",
    )

    async def bob(chat: Chat, ctx) -> str:
        await ctx.step("bob", world.note, f"bob-{chat.turns // 2 + 1}")
        return "turn by bob"

    return group_chat([ann, bob], until=MaxTurns(4), speaker=Auto(Slow(world, chosen, choice)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("file")
    parser.add_argument("slow", nargs="?")
    parser.add_argument("--words")
    typed = parser.parse_args()
    flow = graph_for(World(typed.file, typed.slow)).compile()
    try:
        result = converse_sync(flow, {"task": "go"}, journal=typed.database, run_id="talk", words=typed.words)
    except RunInterruptedError as error:
        print(error)
        return
    print(result.status.value)
    for question in result.questions:
        print(question.kind.value, question.text)
    if not result.questions:
        for said in result.state.talk:
            print(f"{said.speaker}: {said.text}")
        assert asyncio.run(flow.replay("talk", journal=typed.database, rerun="all"))


if __name__ == "__main__":
    main()
