"""What goes wrong in a lobby, and whose fault it is.

::

    LobbyError                  base; also what is said of illegal posts
    ├── NotInLobbyError         who acts is no member (any more): enter first
    ├── NameTakenError          somebody else is in the lobby under this name
    ├── UndeliverableError      a request cannot be answered: who was asked has left
    ├── LobbyTimeoutError       nothing came in time (a `TimeoutError`, too)
    ├── LaggedError             messages are gone that this member has not read
    ├── SeatClosedError         the seat was left, or its session goes on elsewhere
    └── LobbyClosedError        the lobby was closed, or its log failed

Each takes its message alone, so that it can be recorded and made again.
"""

from __future__ import annotations

from backedge.engine.errors import BackedgeError


class LobbyError(BackedgeError):
    """Base of what lobbies raise; by itself, something that is not allowed and changed nothing."""


class NotInLobbyError(LobbyError):
    """Who acts is not in the lobby."""


class NameTakenError(LobbyError):
    """Another member has this name."""


class UndeliverableError(LobbyError):
    """Who was asked is not there to answer."""


class LobbyTimeoutError(LobbyError, TimeoutError):
    """Nothing came in time. Nothing was lost: what comes later can be received."""


class LaggedError(LobbyError):
    """Messages are gone that this member has not read: it was too slow, or away for too long.

    It is raised once for each gap; the next `receive` goes on with what is there.
    """


class SeatClosedError(LobbyError):
    """The seat can do nothing more: it was left, or its session took a new one."""


class LobbyClosedError(LobbyError):
    """The lobby is closed."""
