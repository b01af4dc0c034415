"""Which hosts may be fetched from: by name before the look-up, by address after it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from .errors import ToolDefinitionError, ToolError

_SHOWN: Final = 200  # characters of an address in a message
_LONGEST: Final = 253  # characters of a host's name
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # IPv4 as seen from a network that has only IPv6


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        scheme: ``http`` or ``https``.
        host: As it is looked up: lower case, in ASCII; an IPv6 address without brackets.
        port: The port.
        path: Path and query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, as one writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if _PORTS[self.scheme] == self.port else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry of an allow list.

    Attributes:
        scheme: ``http`` or ``https``.
        host: A host's name or address; with `below` the domain that its name is in.
        port: The port.
        below: Whether it stands for all names in the domain, and not for the domain itself.
    """

    scheme: str
    host: str
    port: int
    below: bool

    @classmethod
    def of(cls, text: str) -> Allowed:
        """Read an entry: ``example.org``, ``*.example.org``, ``http://localhost:8000``. Without a scheme it is https.

        Raises:
            ToolDefinitionError: It is none, or it would allow everything.
        """
        below = False
        written = text if "://" in text else f"https://{text}"
        if "://*." in written:
            below, written = True, written.replace("://*.", "://", 1)
        try:
            target = target_of(written)
        except ToolError as error:
            raise ToolDefinitionError(f"allow= holds {text!r}: {error}") from None
        if "*" in written or target.path != "/" or (below and "." not in target.host):
            raise ToolDefinitionError(
                f"allow= holds {text!r}; write a host such as 'example.org', '*.example.org' or 'http://localhost:8000'"
            )
        return cls(target.scheme, target.host, target.port, below)

    def permits(self, target: Target) -> bool:
        """Whether the target is one of these."""
        if (target.scheme, target.port) != (self.scheme, self.port):
            return False
        return target.host.endswith(f".{self.host}") if self.below else target.host == self.host

    def __str__(self) -> str:
        host = f"*.{self.host}" if self.below else self.host
        return Target(self.scheme, host, self.port, "").origin


def target_of(url: str) -> Target:
    """Take an address apart, strictly: what parsers disagree about is refused.

    Raises:
        ToolError: It is no address of http or https.
    """
    shown = repr(url if len(url) <= _SHOWN else f"{url[:_SHOWN]}…")
    if not url.isprintable() or " " in url or "\\" in url:
        raise ToolError(f"{shown} is no address: it holds spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ToolError(f"{shown} is no address: {error}") from None
    if parts.scheme not in _PORTS:
        raise ToolError(f"{shown} is no address of https or http, such as https://example.org/page")
    if "@" in parts.netloc:
        raise ToolError(f"{shown} holds a user's name, which is not allowed")
    if port == 0:
        raise ToolError(f"{shown} has no port that there is")
    return Target(parts.scheme, _host(shown, parts), port or _PORTS[parts.scheme], _path(parts))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet.

    Addresses of this machine, of local networks, reserved ones and groups do not, in whatever form: also not as
    IPv4 inside of IPv6.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if not ip.is_global or ip.is_site_local or int(ip) >> 32 == 0:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _host(shown: str, parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).compressed
        except ValueError:
            raise ToolError(f"{shown} has no host: it is no IPv6 address") from None
    try:
        ascii_host = host.encode("idna").decode("ascii").lower() if len(host) <= _LONGEST else ""
    except UnicodeError:
        ascii_host = ""
    if not _HOST.fullmatch(ascii_host):
        raise ToolError(f"{shown} has no host that there can be")
    return ascii_host


def _path(parts: SplitResult) -> str:
    """Path and query in ASCII; what is beyond it is percent-encoded as UTF-8."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join(one if one.isascii() else "".join(f"%{byte:02X}" for byte in one.encode()) for one in path)
