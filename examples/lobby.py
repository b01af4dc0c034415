"""A team talks in a lobby: a broadcast, a question to one of them, a topic, an attachment, and a colleague who leaves.

    .venv/bin/python examples/lobby.py

The members are nodes of one graph, so what each says and hears is recorded. An observer writes along.
"""

import asyncio
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import MemoryJournal
from backedge.nodes.lobby import Lobby, Seat, UndeliverableError
from backedge.providers import File


class Talk(BaseModel):
    """What came of the talk."""

    minutes: Annotated[list[str], extend] = []


graph = Graph(Talk, resources={"lobby": Lobby})


async def is_there(seat: Seat, name: str) -> bool:
    """Whether somebody is in, and answers."""
    try:
        await seat.request(name, "are you there?", timeout=60)
    except UndeliverableError:
        return False
    return True


@graph.node(writes="minutes")
async def writer(lobby: Lobby, ctx: Context) -> list[str]:
    """Has a draft, asks the editor about it, and tells everybody."""
    async with lobby.enter("writer", ctx) as seat:
        for name in ("editor", "artist"):
            while not await is_there(seat, name):
                await ctx.sleep(0.01)
        draft = File(name="draft.md", media_type="text/markdown", data=b"# Back edges\n")
        await seat.post("here is the draft", draft)
        verdict = await seat.request("editor", "may we print it?", timeout=60)
        await seat.post("printed", topic="releases")
        await seat.post("that is all")
        return [f"the editor said: {verdict.text}"]


@graph.node(writes="minutes")
async def editor(lobby: Lobby, ctx: Context) -> list[str]:
    """Reads what is attached, and answers."""
    async with lobby.enter("editor", ctx) as seat:
        read = []
        async for message in seat:
            read += [
                f"{part.name}, {len(part.data or b'')} bytes"
                for part in message.parts
                if isinstance(part, File)
            ]
            if message.kind == "request":
                await seat.reply(message, "yes")
            if message.text == "that is all":
                break
        return [f"the editor read: {', '.join(read)}"]


@graph.node(writes="minutes")
async def artist(lobby: Lobby, ctx: Context) -> list[str]:
    """Hears of releases, and is gone before the end."""
    async with lobby.enter("artist", ctx) as seat:
        await seat.subscribe("releases")
        async for message in seat:
            if message.kind == "request":
                await seat.reply(message, "yes")
            if message.topic == "releases":
                return [f"the artist heard of a release: {message.text}"]
    return []


for member in (writer, editor, artist):
    graph.chain(START, member, END)
flow = graph.compile()


async def main() -> None:
    journal = MemoryJournal()
    async with Lobby("office") as lobby, lobby.enter("minutes", observer=True, notices=True) as observer:
        given = {"lobby": lobby}
        result = await flow.run(journal=journal, run_id="talk", resources=given)
        while observer.lag:
            message = await observer.receive()
            if message.kind == "message":
                print(f"{message.sender}: {message.text}")
        print(*sorted(result.state.minutes), sep="\n")
        async with lobby.enter("late") as late:
            print((await late.send("artist", "well done")).returned)
    print("replayed:", bool(await flow.replay("talk", journal=journal, rerun="all", resources=given)))


asyncio.run(main())
