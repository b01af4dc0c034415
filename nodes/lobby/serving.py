"""Serve a lobby to other processes, over WebSockets: who is let in, who is waited for, and a clean end.

The lobby is the one of this process, and goes on as before: its own members and those in other processes hear each other.
A member whose connection is lost is *away*: still in, and its messages are kept by the lobby's log. If it does not come
back within the time of grace, it leaves. Members that came through a server which is no more are away when the next one
begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from .errors import LobbyClosedError, LobbyError, NameTakenError, NotInLobbyError
from .links import Token, is_loopback, need_websockets, quiet
from .lobby import Lobby
from .visit import Pending, Visit
from .wire import (
    GARBAGE,
    LARGEST,
    MAX_MESSAGE,
    VERSION,
    FromServer,
    Gone,
    Hello,
    Missed,
    Refused,
    Welcome,
    WireError,
    read_client,
    read_version,
    written,
)

if TYPE_CHECKING:
    from ssl import SSLContext

    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

_REMOTE: Final = (
    "remote:"  # begins the sessions of those in other processes: they cannot claim another's seat
)


@dataclass(slots=True)
class _Guest:
    """A member in another process.

    Attributes:
        session: Its session, as the lobby knows it.
        observer: It hears only.
        notices: It hears of others' coming and going.
        heard: Up to which number its reader took everything, as far as it said so.
        had: The numbers of replies after that which were sent out of turn.
        entering: Held while a connection comes or goes.
        visit: The connection it has, if any.
        timer: Ends the time of grace.
    """

    session: str
    observer: bool = False
    notices: bool = False
    heard: int | None = None
    had: set[int] = field(default_factory=set)
    entering: asyncio.Lock = field(default_factory=asyncio.Lock)
    visit: ServerConnection | None = None
    timer: asyncio.TimerHandle | None = None


class LobbyServer:
    """A lobby that is being served; made by `serve_lobby`.

    Attributes:
        lobby: The lobby.
        url: Where other processes find it.
    """

    def __init__(
        self, lobby: Lobby, token: Token, *, grace: float, max_message: int, hello_within: float
    ) -> None:
        self.lobby = lobby
        self.url = ""
        self._token = token
        self._grace = grace
        self._max_message = max_message
        self._hello_within = hello_within
        self._guests: dict[str, _Guest] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"LobbyServer({self.lobby.name!r} at {self.url})"

    @property
    def connected(self) -> tuple[str, ...]:
        """The members that are connected now."""
        return tuple(name for name, guest in self._guests.items() if guest.visit is not None)

    # ------------------------------------------------------------------ letting in

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Whether a request may become a connection: it asks for this lobby, and bears the token."""
        if not self._token.fits(request.headers):
            return connection.respond(401, "a token is needed, and this is not it\n")
        if unquote(urlsplit(request.path).path).strip("/") != self.lobby.name:
            return connection.respond(404, "there is no such lobby here\n")
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """Serve one connection to its end."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            hello = await self._hello(connection)
            if hello is not None:
                await self._visited(connection, hello)

    async def _hello(self, connection: ServerConnection) -> Hello | None:
        try:
            async with asyncio.timeout(self._hello_within):
                data = await connection.recv()
            version = read_version(data)
            if version != VERSION:
                why = f"this server speaks version {VERSION}, the client {version}: bring both to the same"
                await connection.send(written(Refused("version", why)), text=True)
                return None
            hello = read_client(data)
        except TimeoutError:
            await connection.close(GARBAGE, f"no hello within {self._hello_within} s")
            return None
        except WireError as error:
            await connection.close(GARBAGE, str(error).encode()[:120].decode(errors="ignore"))
            return None
        assert isinstance(hello, Hello)
        return hello

    async def _visited(self, connection: ServerConnection, hello: Hello) -> None:
        guest = self._guests.get(hello.name)
        if guest is None or guest.session != _REMOTE + hello.session:
            guest = _Guest(_REMOTE + hello.session, hello.observer, hello.notices)
        async with guest.entering:
            if hello.leaving and self._is_out(hello.name, guest):
                await connection.send(written(Gone("left", f"{hello.name!r} left")), text=True)
                return
            try:
                visit = await self._enter(connection, hello, guest)
            except LobbyError as error:
                await connection.send(written(_refusal(error)), text=True)
                return
        left = False
        try:
            left = await visit.run()
        finally:
            if guest.visit is connection:
                guest.visit = None
                self.lobby.detach(visit.seat)
                if not left:
                    self._wait_for(hello.name, guest)
        if left and guest.visit is None:
            await self._leave(hello.name, guest)
            await connection.send(written(Gone("left", f"{hello.name!r} left")), text=True)

    async def _enter(self, connection: ServerConnection, hello: Hello, guest: _Guest) -> Visit:
        await self.lobby.open()
        if hello.ident not in ("", self.lobby.ident):
            raise LobbyError(
                f"{hello.name!r} was in another lobby {self.lobby.name!r} before: the server began anew without its log; "
                "give its lobby log=SqliteLog(...)"
            )
        after = guest.heard if hello.heard is None else hello.heard
        begin = None if after is None else max((after, *hello.unread))
        had = guest.had if hello.heard is None else set(hello.had)
        pending = Pending(hello)
        seat = await self.lobby.attach(
            hello.name,
            session=guest.session,
            observer=hello.observer,
            notices=hello.notices,
            after=begin,
            settled=pending.settled,
            had=had,
        )
        if guest.timer is not None:
            guest.timer.cancel()
            guest.timer = None
        guest.visit, guest.had = connection, had
        guest.heard = seat.cursor if after is None else after
        self._guests[hello.name] = guest

        def heard(number: int) -> None:
            if guest.visit is connection:
                guest.heard = number
                had.difference_update([one for one in had if one <= number])

        welcome = Welcome(
            VERSION, self.lobby.name, self.lobby.ident, seat.cursor, self._max_message, self._grace
        )
        frames: list[FromServer] = [welcome]
        if begin is not None and seat.cursor > begin:
            why = f"{hello.name!r} was away for longer than {self._grace} s, and left: what was said meanwhile is gone"
            frames.append(Missed(seat.cursor, None, why))
        return Visit(
            connection,
            seat,
            hello,
            pending,
            first=frames,
            max_message=self._max_message,
            heard=heard,
            had=had,
        )

    # ------------------------------------------------------------------ waiting for those who are away

    def wait_for_all(self) -> None:
        """Begin the time of grace of everybody who came through a server before this one."""
        for name in self.lobby.members:
            member = self.lobby.member(name)
            if member and member.session.startswith(_REMOTE) and name not in self.lobby.present:
                guest = self._guests[name] = _Guest(member.session, member.observer, member.notices)
                self._wait_for(name, guest)

    def _wait_for(self, name: str, guest: _Guest) -> None:
        guest.timer = asyncio.get_running_loop().call_later(self._grace, self._give_up, name, guest)

    def _give_up(self, name: str, guest: _Guest) -> None:
        task = asyncio.ensure_future(self._leave(name, guest))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _is_out(self, name: str, guest: _Guest) -> bool:
        member = self.lobby.member(name)
        return member is None or member.session != guest.session

    async def _leave(self, name: str, guest: _Guest) -> None:
        """The member leaves. What its reader has not taken, of what was for it alone, goes back to who sent it."""
        async with guest.entering:
            if guest.visit is not None or self._guests.get(name) is not guest:
                return
            try:
                if not self._is_out(name, guest):  # nobody else let it leave
                    await self._remove(name, guest)
            except (NotInLobbyError, LobbyClosedError):
                pass
            finally:
                del self._guests[name]

    async def _remove(self, name: str, guest: _Guest) -> None:
        if guest.heard is None:  # nobody knows what it read
            await self.lobby.remove(name)
            return
        seat = await self.lobby.attach(
            name,
            session=guest.session,
            observer=guest.observer,
            notices=guest.notices,
            after=guest.heard,
            had=guest.had,
        )
        await seat.leave()

    async def stop(self) -> None:
        """Wait for nobody any more. Who is away stays in the lobby, for the next server."""
        for guest in self._guests.values():
            if guest.timer is not None:
                guest.timer.cancel()
        await asyncio.gather(*self._leaving)


def _refusal(error: LobbyError) -> Refused | Gone:
    if isinstance(error, LobbyClosedError):
        return Gone("lobby", str(error))
    return Refused("name" if isinstance(error, NameTakenError) else "lobby", str(error))


@asynccontextmanager
async def serve_lobby(
    lobby: Lobby,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    grace: float = 30.0,
    max_message: int = MAX_MESSAGE,
    heartbeat: float = 20.0,
    ssl: SSLContext | None = None,
) -> AsyncIterator[LobbyServer]:
    """Let members in other processes into a lobby, for as long as the block lasts.

    Args:
        lobby: The lobby. With a log on disk, whatever was acknowledged survives this process.
        host: The address to listen on. One that other machines reach needs a token.
        port: The port; 0 for any that is free.
        token: A secret that members must know. Without ``ssl`` it is readable on the way.
        grace: Seconds after which a member whose connection was lost leaves the lobby.
        max_message: Bytes that a message may have on the wire, where attachments are base64.
        heartbeat: Seconds between two looks at whether a connection is alive, and for which an answer is waited for.
        ssl: A context for ``wss://``.

    Yields:
        The server; its `url` is what `RemoteLobby` takes.

    Raises:
        LobbyError: Other machines reach the address, and there is no token; or the package websockets is missing.
        OSError: The address cannot be used.

    Example::

        async with Lobby("hall", log=SqliteLog("hall.db")) as lobby, serve_lobby(lobby, port=8765) as server:
            print(server.url)               # ws://127.0.0.1:8765/hall
            await asyncio.Event().wait()
    """
    need_websockets()
    secret = Token(token)
    if not secret and not is_loopback(host):
        raise LobbyError(f"{host!r} is reached from other machines: give token=, or listen on 127.0.0.1")
    if not grace >= 0 or not heartbeat > 0 or not 1000 <= max_message <= LARGEST:
        raise LobbyError(
            f"grace= is seconds from 0, heartbeat= above 0, max_message= bytes from 1000 to {LARGEST}, "
            f"not {grace}, {heartbeat}, {max_message}"
        )
    await lobby.open()
    server = LobbyServer(lobby, secret, grace=grace, max_message=max_message, hello_within=heartbeat)
    listening = await _listen(server, host, port, heartbeat=heartbeat, max_message=max_message, ssl=ssl)
    bound = listening.sockets[0].getsockname()
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    server.url = f"{'ws' if ssl is None else 'wss'}://{shown}:{bound[1]}/{quote(lobby.name, safe='')}"
    try:
        server.wait_for_all()
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        await server.stop()


async def _listen(
    server: LobbyServer, host: str, port: int, *, heartbeat: float, max_message: int, ssl: SSLContext | None
) -> Server:
    from websockets.asyncio.server import serve

    return await serve(
        server.handle,
        host,
        port,
        process_request=server.check,
        origins=[None],  # a page in a browser names its origin: none of them is let in
        compression=None,
        max_size=max_message,
        ping_interval=heartbeat,
        ping_timeout=heartbeat,
        open_timeout=heartbeat,
        close_timeout=min(heartbeat, 2.0),
        logger=quiet("backedge.lobby.server"),
        ssl=ssl,
    )
