"""A server on a real socket whose every byte is a test's own: it cuts, stalls, resets, and lies."""

import asyncio
import socket
import struct
from contextlib import suppress

HEAD = b"HTTP/1.1 200 OK\r\n"
STREAM = HEAD + b"content-type: text/event-stream\r\nconnection: close\r\n\r\n"
CHUNKED = HEAD + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def page(body, *, status=200, kind="application/json", headers=(), length=None):
    """A whole answer; `length` is what it says of its length."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {kind}", f"content-length: {said}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(data):
    """A piece of a chunked body; the empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Door:
    """One request, and the connection it came over."""

    def __init__(self, reader, writer, head, body):
        self.head = head
        self.body = body
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces):
        """Send these bytes, each in a packet of its own as far as the kernel goes along."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def forever(self, piece, *, every=0.0):
        """Send this until nobody listens any more, with so many seconds in between."""
        while self.listened:
            await self.send(piece)
            await asyncio.sleep(every)

    async def cut(self):
        """Close the connection in order."""
        self._writer.close()

    async def reset(self):
        """Close the connection by a reset."""
        taken = self._writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def gone(self):
        """Wait until the client has closed the connection."""
        with suppress(ConnectionError):
            while await self._reader.read(4096):
                pass

    @property
    def listened(self):
        """Whether the client still listens."""
        return not (self._reader.at_eof() or self._writer.is_closing())


class Server:
    """Answers each request by the function that a test puts into `answer`.

    Attributes:
        answer: Called with a `Door`; when it returns, the next request of the connection is read.
        doors: Every request so far, the latest last.
        connections: How many there were.
    """

    def __init__(self):
        self.answer = None
        self.doors = []
        self.connections = 0
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=100)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *exc):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    door = Door(reader, writer, head, await reader.readexactly(_length(head)))
                    self.doors.append(door)
                    await self.answer(door)
                    if b"connection: close" in head.lower():
                        break
        finally:
            self._tasks.discard(task)
            writer.close()


def _length(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
