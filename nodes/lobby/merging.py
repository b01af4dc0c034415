"""One stream of what comes to several seats, each message with the lobby it came from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from .errors import LobbyClosedError, LobbyError, SeatClosedError
from .message import LobbyMessage
from .recorded import RecordedSeat
from .seat import Seat


class Tagged(NamedTuple):
    """A message, and where it came from.

    Attributes:
        lobby: The lobby's name.
        seat: The seat that heard it; replies go through it.
        message: What was said.
    """

    lobby: str
    seat: Seat
    message: LobbyMessage


async def merged(*seats: Seat) -> AsyncIterator[Tagged]:
    """What comes to several seats, as one stream.

    The messages of each lobby keep their order. Seats take turns, so that a busy lobby does not hide a quiet one. The stream ends
    when all seats are closed. With seats of a node it is recorded which one was next.

    Raises:
        LobbyError: There is no seat, one is named twice, or seats of nodes and others are mixed.

    Example::

        async for lobby, seat, message in merged(hall, kitchen):
            await seat.reply(message, f"heard in the {lobby}")
    """
    if not seats or len({id(seat) for seat in seats}) < len(seats):
        raise LobbyError("merged() takes one seat or more, each once")
    recorded = [seat for seat in seats if isinstance(seat, RecordedSeat)]
    if recorded and len(recorded) < len(seats):
        raise LobbyError("merged() takes seats of one node, or seats outside of nodes, not both")
    stream = _recorded(recorded) if recorded else _live(list(seats))
    async for seat, message in stream:
        yield Tagged(seat.lobby, seat, message)


async def _recorded(seats: list[RecordedSeat[Any]]) -> AsyncIterator[tuple[Seat, LobbyMessage]]:
    context = seats[0].context
    while True:
        which, message = await context.first(*(seat.head() for seat in seats))
        seat = seats.pop(which)
        seat.take(message)
        seats.append(seat)  # whoever was heard goes last
        yield seat, message


async def _live(seats: list[Seat]) -> AsyncIterator[tuple[Seat, LobbyMessage]]:
    coming: dict[Seat, asyncio.Task[LobbyMessage]] = {}
    try:
        while seats:
            for seat in seats:
                if seat not in coming:
                    coming[seat] = asyncio.ensure_future(seat.head())
            await asyncio.wait(coming.values(), return_when=asyncio.FIRST_COMPLETED)
            seat = next(seat for seat in seats if coming[seat].done())
            seats.remove(seat)
            try:
                message = coming.pop(seat).result()
            except (SeatClosedError, LobbyClosedError) as error:
                if error.__cause__ is not None:
                    raise
                continue
            seats.append(seat)
            seat.take(message)
            yield seat, message
    finally:
        for task in coming.values():
            task.cancel()
        await asyncio.gather(*coming.values(), return_exceptions=True)
