"""A run whose node talks in a lobby of another process: ``lobby_node.py DB RUN URL STOP``

Its node asks ``echo`` five things, and hears what is said meanwhile. At the request STOP it says ``inside`` and stays until it
is killed; 0 for never. It prints what it had for an answer, and what it heard.
"""

import asyncio
import sys

from pydantic import BaseModel

from backedge import END, START, Context, Graph
from backedge.checkpoints import SqliteJournal
from backedge.nodes.lobby import RemoteLobby

TURNS = 5


class State(BaseModel):
    told: list[str] = []


def flow_for(stop: int):
    graph = Graph(State, resources={"lobby": RemoteLobby})

    @graph.node(writes="told")
    async def talk(lobby: RemoteLobby, ctx: Context) -> list[str]:
        told = []
        async with lobby.enter("ann", ctx) as seat:
            await seat.subscribe("news")
            for turn in range(1, TURNS + 1):
                await seat.post(f"turn {turn}")
                reply = await seat.request("echo", f"ask {turn}", timeout=60)
                told.append(reply.text)
                message = await seat.receive(timeout=60)
                told.append(message.text)
                if turn == stop:
                    print("inside", flush=True)
                    await asyncio.sleep(3600)
        return told

    graph.chain(START, talk, END)
    return graph.compile()


async def main(database: str, run_id: str, url: str, stop: int) -> None:
    async with RemoteLobby(url) as lobby, await SqliteJournal.open(database) as journal:
        flow, resources = flow_for(stop), {"lobby": lobby}
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        go_on = flow.resume if known else lambda run_id, **options: flow.run(run_id=run_id, **options)
        result = await go_on(run_id, journal=journal, resources=resources)
        print(" ".join(result.state.told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
