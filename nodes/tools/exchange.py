"""One HTTP request over one connection to an address that was checked, with bounds on everything.

The standard library's client, as it lets us make the connection: the name is looked up once, every address of the
answer is judged, and the connection goes to one of those by its number. So there is no second look-up that could answer
otherwise. It knows no proxies, no cookies and no redirects by itself.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from .addresses import Target, is_public
from .errors import ToolError

Resolve: TypeAlias = Callable[[str, int], Sequence[tuple[str, int]]]
"""Looks up a host's name: pairs of an IP address and the port."""

_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        status: Such as 200.
        media_type: Without parameters, in lower case; empty when it says none.
        charset: As it says; empty when it says none.
        location: Where it sends us; empty for nowhere.
        body: As much of the content as was asked for.
        cut: Whether there was more.
    """

    status: int
    media_type: str
    charset: str
    location: str
    body: bytes
    cut: bool


class Leash:
    """Ends what a thread does on a socket, from another thread: a thread that waits for a server cannot be cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._pulled = False

    def hold(self, sock: socket.socket) -> None:
        """This is the socket now. Raises ToolError when the leash was pulled before."""
        with self._lock:
            if self._pulled:
                sock.close()
                raise ToolError("given up")
            self._socket = sock

    def pull(self) -> None:
        """End it."""
        with self._lock:
            self._pulled = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def look_up(host: str, port: int) -> Sequence[tuple[str, int]]:
    """All addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(entry[4][0]), port) for entry in found))


def exchange(
    target: Target,
    *,
    resolve: Resolve,
    private: bool,
    tls: ssl.SSLContext | None,
    largest: int,
    seconds: float,
    leash: Leash,
) -> Answer:
    """Ask for a page. Blocks; `leash` ends it.

    Args:
        target: What to ask for.
        resolve: Looks up the host.
        private: Whether addresses that are not public will do.
        tls: For https; None for what the system trusts.
        largest: Bytes of the body to read at most.
        seconds: Longest silence of the server.
        leash: Gets hold of the socket.

    Raises:
        ToolError: There is no answer, or the host has no address that may be asked.
    """
    connection = http.client.HTTPConnection(target.host, target.port, timeout=seconds)
    try:
        connection.sock = _connected(target, resolve, private=private, seconds=seconds, leash=leash)
        if target.scheme == "https":
            context = tls or ssl.create_default_context()
            # Detaches the plain socket; the handshake comes when the leash holds the new one.
            wrapped = context.wrap_socket(
                connection.sock, server_hostname=target.host, do_handshake_on_connect=False
            )
            connection.sock = wrapped
            leash.hold(wrapped)
            wrapped.do_handshake()
        host = target.origin.partition("://")[2]
        connection.putrequest("GET", target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in (("Host", host), ("Accept-Encoding", "identity"), ("Connection", "close")):
            connection.putheader(name, value)
        connection.putheader("User-Agent", "backedge")
        connection.putheader("Accept", "text/*, application/json, application/xml, image/*, */*;q=0.5")
        connection.endheaders()
        with connection.getresponse() as response:
            return _answer(response, largest)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ToolError(f"{target.origin} gave no answer: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _connected(
    target: Target, resolve: Resolve, *, private: bool, seconds: float, leash: Leash
) -> socket.socket:
    try:
        found = resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise ToolError(f"there is no host {target.host}: {error}") from None
    permitted = [pair for pair in found if private or is_public(pair[0])]
    if not permitted:
        raise ToolError(
            f"{target.host} is a private address ({', '.join(address for address, _ in found) or 'none'}), "
            f"which may not be fetched from"
        )
    problem: OSError | None = None
    for address, port in permitted:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        leash.hold(sock)
        try:
            sock.settimeout(seconds)
            sock.connect((address, port))
            if not private and not is_public(str(sock.getpeername()[0])):
                raise OSError(f"it is at {sock.getpeername()[0]}, a private address")
        except OSError as error:
            sock.close()
            problem = error
            continue
        return sock
    assert problem is not None
    raise problem


def _answer(response: http.client.HTTPResponse, largest: int) -> Answer:
    status = response.status
    encoding = (response.getheader("Content-Encoding") or "identity").lower()
    if encoding != "identity":
        raise ValueError(f"the content came as {encoding}, though it was asked for plain")
    body = bytearray()
    redirects = status in (301, 302, 303, 307, 308)
    while not redirects and len(body) <= largest:
        try:
            piece = response.read1(min(_CHUNK, largest + 1 - len(body)))
        except http.client.IncompleteRead as error:
            raise ValueError(
                f"it ended after {len(body) + len(error.partial)} bytes, in the middle"
            ) from None
        if not piece:
            break
        body += piece
    if not redirects and len(body) <= largest and response.length:
        raise ValueError(f"it ended after {len(body)} bytes, {response.length} before its end")
    return Answer(
        status=status,
        media_type=response.headers.get_content_type() if "Content-Type" in response.headers else "",
        charset=str(response.headers.get_content_charset() or ""),
        location=response.getheader("Location") or "",
        body=bytes(body[:largest]),
        cut=len(body) > largest,
    )
