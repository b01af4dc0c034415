"""A process that does nothing but serve a lobby."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from .lobby import Lobby
from .reception import LobbyServer
from .serving import serve_lobby
from .wire import MAX_MESSAGE

if TYPE_CHECKING:
    from ssl import SSLContext


def serve(
    lobby: Lobby,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    grace: float = 30.0,
    max_message: int = MAX_MESSAGE,
    heartbeat: float = 20.0,
    ssl: SSLContext | None = None,
    ready: Callable[[LobbyServer], object] = print,
) -> None:
    """Serve a lobby until the process is told to end, by Ctrl-C or SIGTERM; then end cleanly.

    Call it in the main thread, where no event loop runs.

    Args:
        lobby: See `serve_lobby`.
        host: See `serve_lobby`.
        port: See `serve_lobby`.
        token: See `serve_lobby`.
        grace: See `serve_lobby`.
        max_message: See `serve_lobby`.
        heartbeat: See `serve_lobby`.
        ssl: See `serve_lobby`.
        ready: Called with the server once members can enter; by default it is printed.

    Example::

        serve(Lobby("hall", log=SqliteLog("hall.db")), port=8765, token=os.environ["LOBBY_TOKEN"])
    """

    async def serving() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        try:
            async with (
                lobby,
                serve_lobby(
                    lobby,
                    host=host,
                    port=port,
                    token=token,
                    grace=grace,
                    max_message=max_message,
                    heartbeat=heartbeat,
                    ssl=ssl,
                ) as server,
            ):
                ready(server)
                await ended.wait()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    asyncio.run(serving())
