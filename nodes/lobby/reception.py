"""Who is let into a lobby from other processes, who is waited for, and who leaves.

A member whose connection is lost is *away*: still in, and what is said is kept for it by the lobby's log. If it does not come
back within the time of grace, it leaves. Members that came through a server which is no more are away when the next one
begins.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from .errors import LobbyClosedError, LobbyError, NameTakenError, NotInLobbyError
from .links import Token
from .lobby import Lobby
from .pending import Pending
from .visit import Visit
from .wire import (
    GARBAGE,
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
    from websockets.asyncio.server import ServerConnection
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
            connection.protocol.max_message_size = self._max_message
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
