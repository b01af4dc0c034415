"""A lobby in this process, and a calculator in another one that is killed in the middle of its work and started again.

    .venv/bin/python examples/lobby_processes.py

The calculator enters over a socket, under a session of its own. When its process is killed the lobby waits for it; the next
process names the same session, hears what the first one had not read, and nobody has to ask twice.
"""

import asyncio
import sys

from backedge.nodes.lobby import Lobby, LobbyMessage, RemoteLobby, Seat, serve_lobby

TOKEN = "of this example"


async def calculator(url: str) -> None:
    """What the other process does: it answers what it is asked, and is in no hurry with squares of 12."""
    async with RemoteLobby(url, token=TOKEN).enter("calculator", session="calculator, the only one") as seat:
        await seat.post("here I am")
        while message := await seat.head():  # it counts as read when it is answered
            number = int(message.text)
            if number == 12 and "slow" in sys.argv:
                await asyncio.sleep(0.1)
                print("thinking", flush=True)
                await asyncio.sleep(3600)
            await seat.reply(message, f"{number} squared is {number * number}")
            seat.take(message)


async def start(url: str, *more: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, __file__, url, *more, stdout=pipe)


async def hear(seat: Seat) -> LobbyMessage:
    message = await seat.receive()
    print(f"{message.sender}: {message.text or message.kind}")
    return message


async def main() -> None:
    async with (
        Lobby("hall") as lobby,
        serve_lobby(lobby, token=TOKEN) as server,
        lobby.enter("ann", notices=True) as ann,
    ):
        process = await start(server.url, "slow")
        await hear(ann)  # entered
        await hear(ann)  # here I am
        print("ann asks for 7:", (await ann.request("calculator", "7")).text)

        asking = asyncio.ensure_future(ann.request("calculator", "12"))
        assert process.stdout
        await process.stdout.readline()  # thinking
        process.kill()
        await process.communicate()
        print("its process was killed while it thought about 12")

        process = await start(server.url)
        await hear(ann)  # here I am
        print("ann has the answer:", (await asking).text)
        process.kill()
        await process.communicate()
        await lobby.remove("calculator")  # or the server does it, when it has waited for long enough
        await hear(ann)  # left


if __name__ == "__main__":
    asyncio.run(calculator(sys.argv[1]) if len(sys.argv) > 1 else main())
