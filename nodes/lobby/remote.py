"""A lobby in another process: `RemoteLobby` is entered as a `Lobby` is, and its seats are used as those of a `Lobby`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

from backedge.engine.context import Context

from .entering import Entering
from .errors import LobbyError, SeatClosedError
from .exchange import Exchange
from .links import Token, need_websockets, quiet
from .remote_seat import RemoteSeat
from .wire import LARGEST, WINDOW

if TYPE_CHECKING:
    from ssl import SSLContext

    from tenacity.wait import wait_base
    from websockets.asyncio.client import ClientConnection


class RemoteLobby:
    """A lobby that another process serves with `serve_lobby`.

    Each member has a connection of its own. When it is lost, it is made again, and the talk goes on where it was: what was
    not acknowledged is sent again under the same handle, what was not heard comes, and nothing comes twice.

    Args:
        url: Where the lobby is, such as ``ws://127.0.0.1:8765/hall``; ends with the lobby's name.
        token: The secret that the server wants.
        give_up_after: Seconds without a connection after which a seat is closed with a `LobbyLostError`.
        wait: How long to wait between two tries: a wait of tenacity's; by default some time up to 0.2 seconds, doubled each time up
            to 10.
        window: How many unread messages a seat holds; more wait at the server.
        heartbeat: Seconds between two looks at whether a connection is alive, and for which an answer is waited for.
        ssl: A context for ``wss://``; by default the system's.

    Example::

        lobby = RemoteLobby("ws://127.0.0.1:8765/hall", token=os.environ["LOBBY_TOKEN"])
        async with lobby.enter("ann") as seat:
            await seat.post("hello from afar")
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        give_up_after: float = 60.0,
        wait: wait_base | None = None,
        window: int = WINDOW,
        heartbeat: float = 20.0,
        ssl: SSLContext | None = None,
    ) -> None:
        need_websockets()
        parts = urlsplit(url)
        self.name: Final = unquote(parts.path).strip("/")
        if parts.scheme not in ("ws", "wss") or not parts.hostname or not self.name or parts.username:
            raise LobbyError(
                f"a lobby's address is such as ws://127.0.0.1:8765/hall, with the lobby's name at its end, not "
                f"{url.replace(parts.netloc, parts.netloc.rpartition('@')[2])!r}"
            )
        if not give_up_after > 0 or not heartbeat > 0 or not 1 <= window <= 10_000:
            raise LobbyError(
                "give_up_after= and heartbeat= are seconds above 0, window= is a number from 1 to 10,000, not "
                f"{give_up_after}, {heartbeat}, {window}"
            )
        self.url: Final = url
        self.give_up_after: Final = give_up_after
        self.wait: Final = wait
        self._token = Token(token)
        self._window = window
        self._heartbeat = heartbeat
        self._ssl = ssl
        self._ident = ""
        self._seats: set[RemoteSeat] = set()

    def __repr__(self) -> str:
        return f"RemoteLobby({self.url!r})"

    @property
    def ident(self) -> str:
        """Names the lobby for ever; known once a seat was taken."""
        if not self._ident:
            raise LobbyError(f"the lobby {self.url} is not known yet: enter it")
        return self._ident

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all seats. Their members are away, and leave when the server has waited for them long enough."""
        await asyncio.gather(*(self._let_go(seat) for seat in list(self._seats)))

    async def _let_go(self, seat: RemoteSeat) -> None:
        self.detach(seat)
        await seat.over()

    # ------------------------------------------------------------------ coming and going

    def enter(
        self,
        name: str,
        ctx: Context | None = None,
        *,
        observer: bool = False,
        notices: bool = False,
        session: str | None = None,
        after: int | None = None,
    ) -> Entering:
        """Enter, for as long as an ``async with`` block lasts. See `Lobby.enter`.

        Args:
            name: What the member is called.
            ctx: The context of the node that does it, see `Lobby.enter`.
            observer: Hear, and say nothing.
            notices: Hear of others' coming and going.
            session: A secret: who names it comes back as this member, from a new process, too. By default a new one.
            after: The cursor to go on from. Without one, a session that comes back hears what it had not taken.

        Raises:
            NameTakenError: Somebody else has the name.
            LobbyRefusedError: The server does not let this client in: wrong token, lobby or version.
            LobbyLostError: There was no connection for `give_up_after` seconds.
        """
        return Entering(self, name, ctx, observer=observer, notices=notices, session=session, after=after)

    async def attach(
        self,
        name: str,
        *,
        session: str | None = None,
        observer: bool = False,
        notices: bool = False,
        after: int | None = None,
        settled: set[str] | None = None,
        had: Collection[int] = (),
    ) -> RemoteSeat:
        """A seat without a block around it; see `Lobby.attach`."""
        exchange = Exchange(
            name,
            session or uuid.uuid4().hex,
            observer=observer,
            notices=notices,
            after=after,
            settled=settled,
            had=had,
            window=self._window,
        )
        seat = RemoteSeat(self, exchange)
        self._seats.add(seat)
        try:
            await seat.open()
        except BaseException:
            self.detach(seat)
            raise
        self._ident = exchange.ident
        return seat

    def detach(self, seat: RemoteSeat) -> None:
        """The member is away, and still in, as long as the server waits for it."""
        seat.end(SeatClosedError(f"{seat.name!r} no longer listens in the lobby {self.name!r}"))

    def forget(self, seat: RemoteSeat) -> None:
        """The seat is over."""
        self._seats.discard(seat)

    async def connect(self) -> ClientConnection:
        """A connection to the server, before anything was said on it."""
        from websockets.asyncio.client import connect

        tls: dict[str, Any] = {} if self._ssl is None else {"ssl": self._ssl}
        return await connect(
            self.url,
            additional_headers=self._token.header,
            compression=None,
            proxy=None,
            max_size=LARGEST,  # the server keeps to less
            open_timeout=min(self._heartbeat, self.give_up_after),
            ping_interval=self._heartbeat,
            ping_timeout=self._heartbeat,
            close_timeout=min(self._heartbeat, 2.0),
            logger=quiet("backedge.lobby.client"),
            **tls,
        )
