"""Lobbies: rooms in which agents talk, in order, within bounds, and with nothing lost in silence.

`Lobby` is the room, `Seat` what a member holds. Inside of a node, ``lobby.enter(name, ctx)`` gives a seat that records what it
does. `Room` is the pure part, which decides who hears what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .entering import Entering
from .errors import (
    LaggedError,
    LobbyClosedError,
    LobbyError,
    LobbyTimeoutError,
    NameTakenError,
    NotInLobbyError,
    SeatClosedError,
    UndeliverableError,
)
from .lobby import Lobby
from .log import LobbyLog, MemoryLog
from .merging import Tagged, merged
from .message import LobbyMessage, LobbyPart
from .recorded import RecordedSeat
from .refusals import LobbyLostError, LobbyRefusedError, MessageTooLargeError
from .room import Delivery, Member, Presence, Room
from .seat import Seat

if TYPE_CHECKING:
    from .process import serve
    from .reception import LobbyServer
    from .remote import RemoteLobby
    from .remote_seat import RemoteSeat
    from .serving import serve_lobby
    from .sqlite_log import SqliteLog

__all__ = [
    "Delivery",
    "Entering",
    "LaggedError",
    "Lobby",
    "LobbyClosedError",
    "LobbyError",
    "LobbyLog",
    "LobbyLostError",
    "LobbyMessage",
    "LobbyPart",
    "LobbyRefusedError",
    "LobbyServer",
    "LobbyTimeoutError",
    "Member",
    "MemoryLog",
    "MessageTooLargeError",
    "NameTakenError",
    "NotInLobbyError",
    "Presence",
    "RecordedSeat",
    "RemoteLobby",
    "RemoteSeat",
    "Room",
    "Seat",
    "SeatClosedError",
    "SqliteLog",
    "Tagged",
    "UndeliverableError",
    "merged",
    "serve",
    "serve_lobby",
]

# Loaded by those who use them: most lobbies are in one process and in memory.
_LAZY = {
    "LobbyServer": "reception",
    "RemoteLobby": "remote",
    "RemoteSeat": "remote_seat",
    "SqliteLog": "sqlite_log",
    "serve": "process",
    "serve_lobby": "serving",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
