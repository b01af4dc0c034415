"""Serve a lobby to other processes, over WebSockets.

The lobby is the one of this process, and goes on as before: its own members and those in other processes hear each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import LobbyError
from .links import Token, is_loopback, need_websockets, quiet
from .lobby import Lobby
from .reception import LobbyServer
from .wire import HELLO, LARGEST, MAX_MESSAGE

if TYPE_CHECKING:
    from ssl import SSLContext

    from websockets.asyncio.server import Server


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
        max_size=max(max_message, HELLO),  # for the first frame
        ping_interval=heartbeat,
        ping_timeout=heartbeat,
        open_timeout=heartbeat,
        close_timeout=min(heartbeat, 2.0),
        logger=quiet("backedge.lobby.server"),
        ssl=ssl,
    )
