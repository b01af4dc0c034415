"""Puts 250 answers into a file of answers: ``answers.py FILE NAME``."""

import asyncio
import sys

from backedge.providers import Message, ModelResponse
from backedge.providers.wrappers.sqlite_store import SqliteStore
from backedge.providers.wrappers.stores import Stored


async def main(path: str, name: str) -> None:
    async with SqliteStore(path) as store:
        for number in range(250):
            await store.put(f"{name}{number}", Stored(ModelResponse(message=Message.of("assistant", "ok"))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
