"""What an answer may take at most: bytes, and time in which nothing of it comes.

The HTTP library waits for each piece of an answer alone and takes as many as come: a server that sends a blank now and
then would keep it waiting for ever, and one that never ends would fill the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx2

MOST_BYTES = 64 * 2**20
"""Length of an answer, unpacked: pictures included, no provider sends as much."""

_IDLE: Final = ("ping", "keepalive")

_REST_SECONDS: Final = 0.1


class TooLongError(Exception):
    """The answer is longer than `MOST_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"the answer is longer than {MOST_BYTES:,} bytes")


async def bound(response: httpx2.Response) -> None:
    """A hook for an HTTP client: whoever reads the response gets no more than `MOST_BYTES`.

    It stands in the way of all that reads one: whole answers, streams, and the clients' own reading of errors.
    """
    read = response.aiter_bytes

    def bounded(chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        return _counted(read(chunk_size))

    setattr(response, "aiter_bytes", bounded)  # noqa: B010 (an assignment is no redefinition to type checkers)


async def _counted(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    came = 0
    async with aclosing(pieces):
        async for piece in pieces:
            came += len(piece)
            if came > MOST_BYTES:
                raise TooLongError from None
            yield piece


async def next_event(events: Any) -> Any:
    """The next event of a stream that says something; `None` at its end. Signs of life are passed over."""
    while True:
        event = await anext(events, None)
        if not isinstance(event, dict) or event.get("type") not in _IDLE:
            return event


async def read_rest(events: Any) -> None:
    """Read what comes behind the last event, which is next to nothing: then the connection can be used again."""
    with suppress(Exception):
        async with asyncio.timeout(_REST_SECONDS):
            while await anext(events, None) is not None:
                pass
