"""When a connection that failed is tried again, and for how long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .errors import LobbyError
from .refusals import LobbyLostError, LobbyRefusedError
from .wire import GARBAGE, TOO_LARGE, VIOLATED

if TYPE_CHECKING:
    from tenacity.wait import wait_base
    from websockets.asyncio.client import ClientConnection


async def connected(
    try_once: Callable[[], Awaitable[ClientConnection]],
    *,
    url: str,
    wait: wait_base | None,
    give_up_after: float,
) -> ClientConnection:
    """A connection, after as many tries as it takes.

    Raises:
        LobbyLostError: There was none for `give_up_after` seconds.
        LobbyRefusedError: It would fail the next time, too.
        LobbyError: What `try_once` raises.
    """
    from tenacity import (
        AsyncRetrying,
        retry_if_exception,
        stop_after_delay,
        wait_random_exponential,
    )

    retrying = AsyncRetrying(
        wait=wait or wait_random_exponential(multiplier=0.2, max=10),
        stop=stop_after_delay(give_up_after),
        retry=retry_if_exception(is_passing),
        reraise=True,
    )
    try:
        return await retrying(try_once)
    except LobbyError:
        raise
    except Exception as error:
        if is_passing(error):
            why = f"no connection to the lobby {url} for {give_up_after} s: {said(error)}"
            raise LobbyLostError(why) from error
        raise LobbyRefusedError(f"the lobby {url} does not let us in: {said(error)}") from error


def is_passing(error: BaseException) -> bool:
    """Whether a connection that failed in this way may be there the next time."""
    from websockets.client import process_exception
    from websockets.exceptions import ConnectionClosed

    if isinstance(error, ConnectionClosed):
        return error.rcvd is None or error.rcvd.code not in (GARBAGE, TOO_LARGE, VIOLATED)
    return isinstance(error, Exception) and process_exception(error) is None


def said(error: BaseException) -> str:
    """What went wrong, for people; no part of it is a secret."""
    from websockets.exceptions import InvalidStatus

    if isinstance(error, InvalidStatus):
        body = (error.response.body or b"").decode(errors="replace").strip()
        return f"HTTP {error.response.status_code}: {body}"
    return str(error) or type(error).__name__
