"""Lobbies: rooms in which agents talk, in order, within bounds, and with nothing lost in silence.

`Lobby` is the room, `Seat` what a member holds. Inside of a node, ``lobby.enter(name, ctx)`` gives a seat that records what it
does. `Room` is the pure part, which decides who hears what.
"""

from __future__ import annotations

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
from .process import serve
from .reception import LobbyServer
from .recorded import RecordedSeat
from .refusals import LobbyLostError, LobbyRefusedError, MessageTooLargeError
from .remote import RemoteLobby
from .remote_seat import RemoteSeat
from .room import Delivery, Member, Presence, Room
from .seat import Seat
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
