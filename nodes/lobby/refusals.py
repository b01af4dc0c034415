"""What goes wrong between a lobby and a member in another process.

::

    LobbyError
    ├── LobbyRefusedError        the server does not let this client in: token, version, or another lobby
    ├── LobbyLostError           there was no connection for too long: the seat is closed, its session may come back
    └── MessageTooLargeError     a message does not fit through the wire
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import errors
from .errors import LobbyError


class LobbyRefusedError(LobbyError):
    """The server does not let this client in, and would not the next time."""


class LobbyLostError(LobbyError):
    """There was no connection to the lobby for as long as it was waited for."""


class MessageTooLargeError(LobbyError):
    """A message is larger than the wire carries."""


_KNOWN: Final[Mapping[str, type[LobbyError]]] = {
    kind.__name__: kind
    for kind in (
        errors.LobbyError,
        errors.NotInLobbyError,
        errors.NameTakenError,
        errors.UndeliverableError,
        errors.SeatClosedError,
        errors.LobbyClosedError,
    )
}


def error_named(name: str, why: str) -> LobbyError:
    """The error that a server told of; one that is not known is a `LobbyError`."""
    return _KNOWN.get(name, LobbyError)(why)
