"""The connection of a seat to a lobby in another process: made, used until it is lost, and made again.

It carries frames. What they mean, and what is said first over each connection, is the seat's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from .errors import LobbyClosedError, LobbyError, NameTakenError, SeatClosedError
from .reconnecting import connected, said
from .refusals import LobbyRefusedError
from .wire import (
    GARBAGE,
    TOO_LARGE,
    VERSION,
    VIOLATED,
    FromClient,
    FromServer,
    Gone,
    Refused,
    Welcome,
    WireError,
    read_server,
    written,
)

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from .remote import RemoteLobby

State: TypeAlias = Literal["connecting", "open", "lost", "closed"]

_LONGEST_PAUSE: Final = 5.0
_WELCOME_WITHIN: Final = 10.0


class Talker(Protocol):
    """Who uses a line."""

    def hello(self) -> FromClient:
        """What is said first over a new connection."""

    def welcomed(self, welcome: Welcome) -> Sequence[FromClient]:
        """The server let us in: what is said next."""

    def came(self, frame: FromServer) -> None:
        """A frame came.

        Raises:
            LobbyError: The line is to end.
        """

    def untold(self) -> FromClient | None:
        """What is to be said once nothing else is."""

    def end(self, error: LobbyError) -> None:
        """The line has ended, and is not made again."""


class Line:
    """A connection, made again whenever it is lost.

    Args:
        lobby: What it leads to.
        talker: Who uses it.

    Attributes:
        state: ``connecting`` for the first time, ``open``, ``lost`` and being made again, ``closed``.
        reconnections: How often it was made again.
    """

    def __init__(self, lobby: RemoteLobby, talker: Talker) -> None:
        self.state: State = "connecting"
        self.reconnections = 0
        self._lobby = lobby
        self._talker = talker
        self._connection: ClientConnection | None = None
        # Whether anything came over it, and how many in a row brought nothing.
        self._moved = False
        self._idle = 0
        # What goes out over the connection that there is.
        self._outgoing: deque[bytes] = deque()
        self._sending = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    def send(self, frame: FromClient | bytes) -> None:
        """Send it over the connection that there is; without one, the next begins with what is still to be answered."""
        if self.state == "open":
            self._outgoing.append(frame if isinstance(frame, bytes) else written(frame))
            self._sending.set()

    def hurry(self) -> None:
        """There may be something `untold`."""
        self._sending.set()

    def cut(self) -> None:
        """End it for good."""
        self.state = "closed"
        if self._connection is not None:
            self._connection.transport.abort()
        self._task.cancel()

    async def over(self) -> None:
        """Wait until nothing of it is left."""
        await asyncio.gather(self._task, return_exceptions=True)

    # ------------------------------------------------------------------ one connection after the other

    async def _run(self) -> None:
        try:
            while True:
                connection = await self._connect()
                try:
                    await self._talk(connection)
                finally:
                    connection.transport.abort()
                self.state = "lost"
                self._outgoing.clear()
                self.reconnections += 1
                self._idle = 0 if self._moved else self._idle + 1
                if self._idle:  # one connection after the other that is lost at once: no hurry
                    await asyncio.sleep(min(0.01 * 2**self._idle, _LONGEST_PAUSE))
        except LobbyError as error:
            self._talker.end(error)
        except Exception as error:
            broken = LobbyError(f"the connection to the lobby {self._lobby.name!r} broke: {said(error)}")
            broken.__cause__ = error
            self._talker.end(broken)

    async def _connect(self) -> ClientConnection:
        """A connection on which the server said welcome."""
        lobby = self._lobby
        return await connected(
            self._try_to_connect, url=lobby.url, wait=lobby.wait, give_up_after=lobby.give_up_after
        )

    async def _try_to_connect(self) -> ClientConnection:
        connection = self._connection = await self._lobby.connect()
        self._moved = False
        try:
            await connection.send(written(self._talker.hello()), text=True)
            async with asyncio.timeout(min(_WELCOME_WITHIN, self._lobby.give_up_after)):
                first = read_server(await connection.recv())
            welcome = _welcome(first)
            self.state = "open"
            for frame in self._talker.welcomed(welcome):
                self.send(frame)
        except BaseException:
            connection.transport.abort()
            raise
        return connection

    async def _talk(self, connection: ClientConnection) -> None:
        """Use a connection until it is lost."""
        from websockets.exceptions import ConnectionClosed

        writing = asyncio.ensure_future(self._write(connection))
        try:
            async for data in connection:
                frame = read_server(data)
                self._moved = True
                self._talker.came(frame)
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code in (GARBAGE, TOO_LARGE, VIOLATED):
                raise LobbyRefusedError(f"the server ended the connection: {error.rcvd.reason}") from error
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, connection: ClientConnection) -> None:
        while True:
            await self._sending.wait()
            self._sending.clear()
            while data := self._next():
                await connection.send(data, text=True)

    def _next(self) -> bytes | None:
        if self._outgoing:
            return self._outgoing.popleft()
        last = self._talker.untold()
        return None if last is None else written(last)


def _welcome(first: FromServer) -> Welcome:
    """What a server said first.

    Raises:
        LobbyError: It is no welcome to us.
    """
    match first:
        case Welcome() if first.version == VERSION:
            return first
        case Welcome():
            raise LobbyRefusedError(f"the server speaks version {first.version}, this client {VERSION}")
        case Refused("name", why):
            raise NameTakenError(why)
        case Refused(_, why):
            raise LobbyRefusedError(why)
        case Gone(code, why):
            raise SeatClosedError(why) if code == "left" else LobbyClosedError(why)
        case _:
            raise WireError(f"a server says welcome first, not {first.frame}")
