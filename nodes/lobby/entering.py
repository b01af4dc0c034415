"""The block in which a member is in a lobby."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from backedge.engine.context import Context

from .errors import LobbyError
from .recorded import AttachingLobby, RecordedSeat
from .seat import Seat


class Entering:
    """``async with lobby.enter(name) as seat``. See `Lobby.enter`."""

    def __init__(
        self,
        lobby: AttachingLobby[Any],
        name: str,
        ctx: Context | None,
        *,
        observer: bool,
        notices: bool,
        session: str | None,
        after: int | None,
    ) -> None:
        if ctx is not None and (session is not None or after is not None):
            raise LobbyError(
                "with a context the seat keeps its session and cursor itself: drop session= and after="
            )
        self._lobby = lobby
        self._name = name
        self._ctx = ctx
        self._observer = observer
        self._notices = notices
        self._session = session
        self._after = after
        self._seat: Any = None  # a RecordedSeat, or what the lobby gives

    async def __aenter__(self) -> Seat:
        if self._seat is not None:
            raise LobbyError(f"{self._name!r} is in this block already: call enter() for each block")
        if self._ctx is not None:
            self._seat = await RecordedSeat.enter(
                self._lobby, self._name, self._ctx, observer=self._observer, notices=self._notices
            )
        else:
            self._seat = await self._lobby.attach(
                self._name,
                session=self._session,
                observer=self._observer,
                notices=self._notices,
                after=self._after,
            )
        taken: Seat = self._seat
        return taken

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seat = self._seat
        if isinstance(seat, RecordedSeat):
            if error is None and not seat.left:
                await seat.leave()
            seat.detach()  # after an error the body may run again, and come back
        elif seat is not None and not seat.ended:
            await seat.leave()
