"""A wire between client and server that can be cut, or go dead without anybody being told."""

import asyncio
from contextlib import suppress


class Wire:
    """A TCP proxy on a port of its own: ``async with Wire(port) as wire``.

    `cut` ends the connections as a fallen process does, `refuse` takes no more of them. `deaden` leaves them open and
    carries nothing any more, as a pulled plug does; `mend` carries again, for connections that are made from then on.

    Attributes:
        answers_lost: Whether nothing is carried to the client.
        carried: Bytes that were.
    """

    def __init__(self, port):
        self.to = port
        self.carried = 0
        self.answers_lost = False
        self._dead = asyncio.Event()
        self._open = set()
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()
        await self._server.wait_closed()

    def cut(self):
        for writer in self._open:
            writer.transport.abort()

    def refuse(self):
        self._server.close()
        self.cut()

    def deaden(self):
        self._dead.set()

    def mend(self):
        self._dead = asyncio.Event()

    async def _connected(self, reader, writer):
        dead = self._dead
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        for one in (
            self._carry(reader, far_writer, dead, False),
            self._carry(far_reader, writer, dead, True),
        ):
            task = asyncio.create_task(one)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader, writer, dead, answers):
        with suppress(OSError):
            while piece := await reader.read(2**16):
                if dead.is_set() or (answers and self.answers_lost):
                    continue
                writer.write(piece)
                self.carried += len(piece)
                await writer.drain()
        if not dead.is_set():  # a dead wire does not tell one side that the other one closed
            writer.close()
            self._open.discard(writer)


async def until(true, every=0.002):
    """Wait for what nobody tells."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(every)
