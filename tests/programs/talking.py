"""Three nodes that talk in a lobby whose log is a file: ``talking.py FOLDER [WHEN NUMBER]``

Goes on with what is in FOLDER, and prints what each node heard once all have ended. WHEN is ``before`` or ``after``: the process
kills itself then, around the so-manieth transaction of the lobby's log; or ``journal``, at the so-manieth effect.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import SqliteJournal
from backedge.engine.execution.effects import Effects
from backedge.nodes.lobby import Lobby, SqliteLog

NAMES = ("ann", "bob", "cy")
POSTS = 4


class State(BaseModel):
    heard: Annotated[list[str], extend] = []


class Talker:
    """Waits for the others, posts, asks the next one, and hears what they say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.others = [other for other in NAMES if other != name]
        self.next = NAMES[(NAMES.index(name) + 1) % len(NAMES)]

    async def __call__(self, lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter(self.name, ctx) as seat:
            for other in self.others:
                while (await seat.send(other, "ready")).returned:
                    await ctx.sleep(0.002)
            _, asked, heard = await ctx.gather(self.post(seat), self.ask(seat), self.listen(seat))
            return [*(f"{self.name} < {each}" for each in heard), f"{self.name} ? {asked}"]

    async def post(self, seat) -> None:
        for number in range(POSTS):
            await seat.post(f"{number}")

    async def ask(self, seat) -> str:
        return (await seat.request(self.next, f"{self.name}'s question", timeout=600)).text

    async def listen(self, seat) -> list[str]:
        heard = []
        wanted = len(self.others) * (POSTS + 1) + 1  # posts, who is ready, and one question
        while len(heard) < wanted:
            message = await seat.receive()
            heard.append(f"{message.sender} {message.text}")
            if message.kind == "request":
                await seat.reply(message, f"{self.name} knows")
        return heard


def kill_at(when: str, number: int) -> None:
    """Arm the trap."""
    left = [number]

    def tick() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    if when == "journal":
        recorded = Effects.record

        def record(*args, **options):
            tick()
            return recorded(*args, **options)

        Effects.record = record
        return
    insert = SqliteLog._insert

    def trap(self, rows) -> None:
        if when == "before":
            tick()
        insert(self, rows)
        if when == "after":
            tick()

    SqliteLog._insert = trap


async def main(folder: str) -> None:
    graph = Graph(State, resources={"lobby": Lobby})
    for name in NAMES:
        graph.chain(START, graph.node(Talker(name), name=name, writes="heard"), END)
    flow = graph.compile()
    async with await SqliteJournal.open(f"{folder}/runs.db") as journal:
        async with Lobby(log=SqliteLog(f"{folder}/lobby.db")) as lobby:
            given = {"lobby": lobby}
            known = [summary.header.run_id for summary in await journal.runs()]
            call = flow.resume if "talk" in known else flow.run
            about = {} if "talk" in known else {"run_id": "talk"}
            result = await call(*(["talk"] if known else []), journal=journal, resources=given, **about)
            assert lobby.members == (), lobby.members
        assert await flow.replay("talk", journal=journal, rerun="all", resources={"lobby": Lobby()})
    print(json.dumps(result.state.heard))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_at(sys.argv[2], int(sys.argv[3]))
    asyncio.run(main(sys.argv[1]))
