"""A member in a process of its own: ``lobby_client.py URL NAME FILE COUNT STOP``

It enters, waits for a line, says COUNT things and hears as many from others; FILE keeps what it did, a line each, so that it
goes on there when it is started again. It ends when it has said and heard all. Before it notes what would be line STOP it says
``inside`` and stays until it is killed.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

from tenacity import wait_fixed

from backedge.nodes.lobby import RemoteLobby
from backedge.providers import Text


async def main(url: str, name: str, log: TextIO, count: int, stop: int) -> None:
    log.seek(0)
    lines = log.read().splitlines()
    said = sum(line.startswith("said") for line in lines)
    heard = [line.split(" ", 2) for line in lines if line.startswith("heard")]
    after = int(heard[-1][1]) if heard else None
    lobby = RemoteLobby(url, token="a secret", wait=wait_fixed(0.02))
    seat = await lobby.attach(name, session=f"session of {name}", after=after)

    def note(line: str) -> None:
        lines.append(line)
        if len(lines) == stop:
            print("inside", flush=True)
            time.sleep(3600)
        log.write(f"{line}\n")
        log.flush()

    async def talk() -> None:
        for number in range(said, count):
            await seat.say((Text(text=f"{name} {number}"),), handle=f"{name}-{number}")
            note(f"said {number}")

    async def listen() -> None:
        for _ in range(len(heard), count):
            message = await seat.receive()
            note(f"heard {message.number} {message.text}")

    print("in", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(talk(), listen())
    print("done", flush=True)
    await lobby.close()  # without leaving: the others may not be done


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a+", encoding="utf-8") as kept:
        asyncio.run(main(sys.argv[1], sys.argv[2], kept, int(sys.argv[4]), int(sys.argv[5])))
