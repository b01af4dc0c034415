"""What both ends of a connection need: the WebSockets' package, addresses that may be used, and a token that nobody sees."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Mapping
from typing import Any, Final

from .errors import LobbyError

_MISSING: Final = "lobbies between processes need the package websockets: pip install 'backedge[lobby]'"


def need_websockets() -> None:
    """Make sure that the package is there.

    Raises:
        LobbyError: It is not.
    """
    try:
        import websockets  # noqa: F401  # loaded only where lobbies reach other processes
    except ImportError:
        raise LobbyError(_MISSING) from None


class Token:
    """A secret that both sides know. It is sent as a bearer token, and shows nowhere else.

    Args:
        text: The secret, of characters that a header takes; None if there is none.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        if text is not None and (not isinstance(text, str) or not text.isascii() or not text.isprintable()):
            raise LobbyError("token= is a secret text of printable ASCII characters")
        if text is not None and (not text or text != text.strip()):
            raise LobbyError("token= is empty, or has blanks around it: leave it out for none")
        self._text = text

    def __bool__(self) -> bool:
        return self._text is not None

    def __repr__(self) -> str:
        return "Token(***)" if self else "Token(None)"

    def __reduce__(self) -> Any:
        raise TypeError("a token is not written down")

    @property
    def header(self) -> dict[str, str]:
        """What a client sends."""
        return {} if self._text is None else {"Authorization": f"Bearer {self._text}"}

    def fits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request bears it. How long that takes says nothing about the token."""
        if self._text is None:
            return True
        try:
            given = headers.get("Authorization") or ""
        except LookupError:  # several of them
            return False
        return hmac.compare_digest(given.encode(errors="replace"), f"Bearer {self._text}".encode())


class QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger without the lowest level, on which websockets writes headers, and the token with them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # logging's name
        """Whether what has this level is logged."""
        return level > logging.DEBUG and super().isEnabledFor(level)


def quiet(name: str) -> QuietLogger:
    """A logger to hand to websockets."""
    return QuietLogger(logging.getLogger(name), {})


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
